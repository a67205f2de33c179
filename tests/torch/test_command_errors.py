"""The command lines: bad input is one line on stderr, exit status 2, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho_torch import env_report, inference, simulate, train
from ptycho_torch.commands import run_command
from ptycho_torch.outputs import complete_folder

MAINS = {"train": train.main, "inference": inference.main, "simulate": simulate.main}


@pytest.fixture
def files(tmp_path, small_scan_file) -> dict[str, str]:
    (tmp_path / "text.npz").write_text("not an archive\n")
    with np.load(small_scan_file) as scan:
        np.savez(tmp_path / "nokey.npz", **{k: scan[k] for k in scan.files if k != "diff3d"})
        np.savez(
            tmp_path / "half.npz", **{k: scan[k] for k in scan.files} | {"xcoords": np.zeros(3)}
        )
    (tmp_path / "file").write_text("in the way")
    return {
        "scan": str(small_scan_file),
        "missing": str(tmp_path / "missing.npz"),
        "text": str(tmp_path / "text.npz"),
        "nokey": str(tmp_path / "nokey.npz"),
        "half": str(tmp_path / "half.npz"),
        "file": str(tmp_path / "file"),
        "below": str(tmp_path / "file" / "below"),
        "out": str(tmp_path / "out"),
        "new": str(tmp_path / "new.npz"),
        "folder": str(tmp_path),
    }


TRAIN = "--train_data_file {scan} --output_dir {out} "
INFER = "--model_path {missing} --test_data {scan} --output_dir {out} "
SIMULATE = "--output {new} --truth {missing} "
CASES = {
    "train: no test file": ("train", TRAIN + "--test_data_file {missing}", "no file there"),
    "train: gridsize": ("train", TRAIN + "--gridsize 0", "at least 1, but got '0'"),
    "train: negative gridsize": ("train", TRAIN + "--gridsize -2", "at least 1, but got '-2'"),
    "train: gridsize beyond the scan": (
        "train", TRAIN + "--gridsize 3 --n_images 8", "at least 9 for groups of --gridsize 3"
    ),
    "train: batch": ("train", TRAIN + "--batch_size many", "--batch_size to be a whole number"),
    "train: rate": ("train", TRAIN + "--learning_rate nan", "be a finite number above 0"),
    "train: accelerator": ("train", TRAIN + "--accelerator cpo", "Did you mean 'cpu'?"),
    "train: flag": ("train", TRAIN + "--max_epoch 3", "Did you mean --max_epochs?"),
    "train: no value": ("train", TRAIN + "--seed", "expected one argument"),
    "train: no flag": ("train", "--output_dir {out}", "--train_data_file"),
    "train: output is a file": (
        "train", "--train_data_file {scan} --output_dir {file}", "is a file"
    ),
    "train: output below a file": (
        "train", "--train_data_file {scan} --output_dir {below}", "is a file"
    ),
    "inference: NPZ as bundle": (
        "inference", "--model_path {scan} --test_data {scan} --output_dir {out}", "manifest.json"
    ),
    "inference: accelerator": ("inference", INFER + "--accelerator tpu", "be one of auto, cpu"),
    "inference: output is a file": (
        "inference", "--model_path {scan} --test_data {scan} --output_dir {file}", "is a file"
    ),
    "simulate: no truth": ("simulate", "--output {new}", "--truth"),
    "simulate: one file": ("simulate", "--output {new} --truth {new}", "differ from --output"),
    "simulate: folder": ("simulate", "--output {folder} --truth {new}", "be a file"),
    "simulate: photons": ("simulate", "--output {new} --truth {missing} --photons 0", "above 0"),
    "simulate: size": ("simulate", "--output {new} --truth {missing} --size 8", "from 16 to"),
    "simulate: too wide": ("simulate", SIMULATE + "--size 100000000", "from 16 to 4096"),
    "simulate: too many": ("simulate", SIMULATE + "--n_images 100000000000", "from 1 to 1000000"),
    "simulate: too bright": ("simulate", SIMULATE + "--photons 1e30", "up to 1e+15"),
    "simulate: too far": ("simulate", SIMULATE + "--step 1e300", "up to 1000"),
    "simulate: too dark": (
        "simulate", SIMULATE + "--photons 1e-9 --n_images 9 --size 16", "9 patterns stay dark"
    ),
    "simulate: truth below a file": (
        "simulate", "--output {new} --truth {below}", "--truth to be a file"
    ),
    "train: seed": ("train", TRAIN + "--seed 20000000000000000000", "from 0 to 4294967295"),
}  # fmt: skip
NEED_TORCH = {case for case in CASES if case.startswith(("train", "inference"))}


def tree(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.torch) if c in NEED_TORCH else c for c in CASES]
)
def test_bad_input_is_one_line_and_nothing_is_written(case, files, tmp_path, capsys) -> None:
    module, arguments, message = CASES[case]
    before = tree(tmp_path)
    status = MAINS[module]([part.format(**files) for part in arguments.split()])
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("Expected ")
    assert message in err
    assert tree(tmp_path) == before


@pytest.mark.torch
def test_a_child_process_ends_with_the_same_line_and_status(command, files, tmp_path) -> None:
    before = tree(tmp_path)
    child = command("train", "--train_data_file", files["text"], "--output_dir", files["out"])
    assert child.returncode == 2
    assert child.stdout == ""
    assert child.stderr.startswith("Expected ")
    assert child.stderr.count("\n") == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("module", ["simulate", "train", "inference", "env_report"])
def test_help_names_every_flag(module, capsys) -> None:
    main = (MAINS | {"env_report": env_report.main})[module]
    assert main(["--help"]) == 0
    assert f"python -m ptycho_torch.{module}" in capsys.readouterr().out


def test_the_package_lists_its_commands_and_points_at_the_one_that_was_meant(capsys) -> None:
    from ptycho_torch import __main__ as listing

    folder = Path(listing.__file__).parent
    runnable = {p.stem for p in folder.glob("*.py") if "def main(" in p.read_text("utf-8")}
    assert runnable - {"__main__"} == set(listing.COMMANDS)
    assert listing.main(["--help"]) == 0
    out, err = capsys.readouterr()
    assert (out.count("  python -m ptycho_torch."), err) == (len(listing.COMMANDS), "")
    assert listing.main([]) == 2
    listed, err = capsys.readouterr().err.split("Expected ")
    assert (listed, listing.listing().strip()) == (out, out.strip())
    assert err == "a command to be named, but got none. Run one of those above.\n"
    for given, meant in (("train", "python -m ptycho_torch.train,"), ("tain", "mean 'train'?")):
        assert listing.main([given, "--quiet"]) == 2
        out, err = capsys.readouterr()
        assert err.startswith("Expected the command to be")
        assert meant in err
        assert (out, err.count("\n")) == ("", 1)


def test_failures_of_the_system_and_an_interrupt_have_their_own_status(capsys) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "out/run.json")

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run_command(full) == 3
    assert "out/run.json" in (line := capsys.readouterr().err)
    assert "No space left on device" in line
    assert run_command(interrupted) == 130
    assert capsys.readouterr().err.startswith("Interrupted")


def test_a_folder_is_filled_completely_or_not_at_all(tmp_path) -> None:
    target = tmp_path / "deep" / "out"

    def fail() -> None:
        with complete_folder(target) as folder:
            (folder / "one").write_text("1")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert list(target.parent.iterdir()) == []
    for content in ("first", "second"):
        with complete_folder(target) as folder:
            (folder / "checkpoints").mkdir()
            (folder / "checkpoints" / "one").write_text(content)
            assert not target.exists() or content == "second"
        assert (target / "checkpoints" / "one").read_text() == content
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_simulate_writes_the_truth_apart(tmp_path, capsys) -> None:
    scan, truth = tmp_path / "scan.npz", tmp_path / "truth.npz"
    status = simulate.main(
        ["--output", str(scan), "--truth", str(truth), "--n_images", "9", "--size", "16"]
    )
    assert status == 0
    assert capsys.readouterr() == ("", f"wrote {scan} and {truth}\n")
    with np.load(scan) as arrays:
        assert sorted(arrays.files) == ["diff3d", "probeGuess", "xcoords", "ycoords"]
    with np.load(truth) as arrays:
        assert sorted(arrays.files) == ["object", "origin"]
