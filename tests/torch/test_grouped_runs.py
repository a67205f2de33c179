"""Training and inference in groups, as runs: repeatable, resumable, and right about the object."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch import bundle, inference, train  # noqa: E402
from ptycho_torch.config import InferenceConfig, SimulationConfig, TrainingConfig  # noqa: E402
from ptycho_torch.data.npz import load_object, save_object, save_scan  # noqa: E402
from ptycho_torch.reconstruction import reconstruct  # noqa: E402
from ptycho_torch.simulate import simulate_scan  # noqa: E402

pytestmark = pytest.mark.torch

FLAGS = ["--accelerator", "cpu", "--quiet"]
SHORT = ["--max_epochs", "2", "--batch_size", "6", *FLAGS]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def grouped(small_scan_file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("grouped") / "model"
    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(folder)]
    assert train.main([*arguments, "--gridsize", "2", *SHORT]) == 0
    return folder


def test_the_same_seed_gives_the_same_bundle_also_after_an_interruption(
    grouped, small_scan_file, tmp_path, monkeypatch, capsys
) -> None:
    from ptycho_torch.lightning_module import ReconstructorModule

    step = ReconstructorModule.training_step

    def interrupt(module, batch):
        if module.current_epoch == 1:
            raise KeyboardInterrupt
        return step(module, batch)

    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path), *SHORT]
    with monkeypatch.context() as patch:
        patch.setattr(ReconstructorModule, "training_step", interrupt)
        assert train.main([*arguments, "--gridsize", "2"]) == 130
    capsys.readouterr()
    assert train.main([*arguments, "--resume"]) == 2
    assert "Expected --gridsize to be 2 as in the checkpoint, but got 1." in capsys.readouterr().err
    assert train.main([*arguments, "--gridsize", "2", "--resume"]) == 0
    assert digest(tmp_path / "wts.h5.zip") == digest(grouped / "wts.h5.zip")


def test_the_record_counts_every_member_and_the_bundle_knows_its_groups(grouped, capsys) -> None:
    run = json.loads((grouped / "run.json").read_text(encoding="utf-8"))
    assert run["patterns_processed"] == run["patterns_declared"] == 24 * 4 * 2
    assert bundle.main(["info", str(grouped), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["model"]["gridsize"] == about["training"]["config"]["gridsize"] == 2
    with np.load(grouped / "check.npz") as arrays:
        assert len(arrays["object_patches"]) == 8


def test_single_patterns_leave_no_word_of_groups(small_scan_file, tmp_path, capsys) -> None:
    from ptycho_torch.train import write_training

    write_training(small_scan_file, tmp_path, TrainingConfig(max_epochs=1, accelerator="cpu"))
    with zipfile.ZipFile(tmp_path / "wts.h5.zip") as archive:
        assert b"gridsize" not in archive.read("manifest.json")
    assert bundle.main(["info", str(tmp_path)]) == 0
    assert "parameters, gridsize 1, channels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--n_images", "3"], "Expected the patterns in {scan} to be at least 4 for groups of"),
        (["--n_images", "7", "--figure"], "Expected half of the patterns in {scan} to be at least"),
    ],
)
def test_inference_refuses_fewer_patterns_than_a_group_has(
    flags, message, grouped, small_scan_file, tmp_path, capsys
) -> None:
    scan = str(small_scan_file)
    arguments = ["--model_path", str(grouped), "--test_data", scan]
    status = inference.main([*arguments, "--output_dir", str(tmp_path / "out"), *FLAGS, *flags])
    assert status == 2
    err = capsys.readouterr().err
    assert err.startswith(message.format(scan=scan))
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_scan_is_refined_and_drawn_from_a_network_of_groups(
    grouped, small_scan_file, tmp_path
) -> None:
    arguments = ["--model_path", str(grouped), "--test_data", str(small_scan_file), "--figure"]
    assert inference.main([*arguments, "--output_dir", str(tmp_path), "--refine", "3", *FLAGS]) == 0
    run = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    misfits = [record["amplitude_mse"] for record in run["refinement"]["passes"]]
    assert misfits == sorted(misfits, reverse=True)
    assert (tmp_path / "figure.png").is_file()
    with np.load(tmp_path / "check.npz") as loaded, np.load(grouped / "check.npz") as kept:
        assert loaded["object_patches"].tobytes() == kept["object_patches"].tobytes()


def test_groups_learn_from_counts_alone_and_are_judged_on_a_test_scan(
    small_scan_file, tmp_path
) -> None:
    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path), *SHORT]
    more = ["--gridsize", "2", "--teacher_passes", "0", "--test_data_file", str(small_scan_file)]
    assert train.main([*arguments, *more]) == 0
    rows = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:]
    losses = [[float(cell) for cell in row.split(",")[2:4]] for row in rows]
    assert losses[1][0] < losses[0][0]
    assert losses[1][1] < losses[0][0]


@pytest.mark.slow
def test_processes_share_batches_of_groups(grouped, small_scan_file, tmp_path, command) -> None:
    child = command(
        "train", "--train_data_file", small_scan_file, "--output_dir", tmp_path, "--gridsize", 2,
        "--devices", 2, "--strategy", "ddp", *SHORT, OMP_NUM_THREADS="1",
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    one, two = (
        json.loads((folder / "run.json").read_text(encoding="utf-8"))["loss"]
        for folder in (grouped, tmp_path)
    )
    assert two == pytest.approx(one, rel=1e-5)


@pytest.mark.slow
def test_groups_find_the_object_where_it_is(tmp_path, command, score, prove_reconstruction) -> None:
    scan, truth = simulate_scan(SimulationConfig(n_patterns=196, size_px=32, seed=21))
    save_scan(tmp_path / "scan.npz", scan)
    save_object(tmp_path / "truth.npz", truth)
    for module, source, target, flags in (
        ("train", ["--train_data_file", tmp_path / "scan.npz"], "model", ["--gridsize", 2]),
        ("inference", ["--model_path", tmp_path / "model", "--test_data", tmp_path / "scan.npz"],
         "image", []),
    ):  # fmt: skip
        epochs = ["--max_epochs", 6] if module == "train" else []
        child = command(module, *source, "--output_dir", tmp_path / target, *flags, *epochs, *FLAGS)
        assert child.returncode == 0, child.stderr
    known = bundle.load_bundle(tmp_path / "model").reconstructor
    config = InferenceConfig(accelerator="cpu")
    ends_px = scan.positions_px.min(axis=0) + scan.positions_px.max(axis=0)
    mirrored = replace(scan, positions_px=ends_px - scan.positions_px)
    found = score(load_object(tmp_path / "image" / "reconstruction.npz"), truth, scan)
    flipped = score(reconstruct(known, mirrored, config).placed, truth, scan)
    torch.manual_seed(0)
    known.network.reset_parameters()
    untrained = score(reconstruct(known, scan, config).placed, truth, scan)
    prove_reconstruction(found, untrained, flipped)
