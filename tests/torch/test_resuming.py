"""A training that ends early, goes on, or would replace another one."""

from __future__ import annotations

import csv
import hashlib
import signal
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.checks import SystemFailure  # noqa: E402
from ptycho_torch.config import TrainingConfig  # noqa: E402
from ptycho_torch.train import main, write_training  # noqa: E402

pytestmark = pytest.mark.torch


def train(scan_file: Path, folder: Path, *, resume: bool = False) -> None:
    config = TrainingConfig(max_epochs=2, accelerator="cpu")
    write_training(scan_file, folder, config, resume=resume)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_save_that_fails_leaves_the_checkpoint_alone(
    small_scan_file, tmp_path, monkeypatch
) -> None:
    from ptycho_torch import bundle

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(bundle, "save_bundle", full)
        with pytest.raises(SystemFailure, match=r"No space .* with --resume: .*last\.ckpt"):
            train(small_scan_file, tmp_path / "out")
    assert files_in(tmp_path) == ["out/checkpoints/last.ckpt"]
    train(small_scan_file, tmp_path / "out", resume=True)
    train(small_scan_file, tmp_path / "whole")
    assert digest(tmp_path / "out" / "wts.h5.zip") == digest(tmp_path / "whole" / "wts.h5.zip")


def files_in(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in paths)


FLAGS = ["--accelerator", "cpu", "--max_epochs", "4", "--batch_size", "7"]


@pytest.fixture
def interrupted(small_scan_file, tmp_path, monkeypatch, capsys) -> Path:
    """A training that Ctrl-C ended in its third epoch."""
    from ptycho_torch.lightning_module import ReconstructorModule

    step = ReconstructorModule.training_step

    def interrupt(module, batch):
        if module.current_epoch == 2 and module.global_step > 9:
            raise KeyboardInterrupt
        return step(module, batch)

    folder = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(ReconstructorModule, "training_step", interrupt)
        status = main(
            ["--train_data_file", str(small_scan_file), "--output_dir", str(folder), *FLAGS,
             "--quiet"]
        )  # fmt: skip
    assert status == 130
    assert capsys.readouterr().err == (
        f"Interrupted after epoch 2 of 4, which is kept in {folder}/checkpoints/last.ckpt. "
        "To go on, run the same command with --resume.\n"
    )
    assert files_in(tmp_path) == ["out/checkpoints/last.ckpt"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return folder


def test_a_training_that_goes_on_is_the_one_that_was_never_interrupted(
    interrupted, small_scan_file, tmp_path
) -> None:
    arguments = ["--train_data_file", str(small_scan_file), *FLAGS, "--quiet"]
    assert main([*arguments, "--output_dir", str(interrupted), "--resume"]) == 0
    assert main([*arguments, "--output_dir", str(tmp_path / "whole")]) == 0
    for name in ("wts.h5.zip", "check.npz"):
        assert digest(interrupted / name) == digest(tmp_path / "whole" / name), name
    histories = []
    for folder in (interrupted, tmp_path / "whole"):
        with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
            histories.append([row | {"seconds": ""} for row in csv.DictReader(file)])
    assert histories[0] == histories[1]


def test_what_cannot_go_on_is_refused(interrupted, small_scan_file, tmp_path, capsys) -> None:
    from ptycho_torch.data.npz import save_scan
    from ptycho_torch.simulate import SimulationConfig, simulate_scan

    other = tmp_path / "other.npz"
    save_scan(other, simulate_scan(SimulationConfig(n_patterns=24, size_px=32, seed=2))[0])
    checkpoint = interrupted / "checkpoints" / "last.ckpt"
    whole = checkpoint.read_bytes()

    def go_on(scan: Path, folder: Path, *flags: str) -> str:
        status = main(
            ["--train_data_file", str(scan), "--output_dir", str(folder), *FLAGS, "--resume",
             *flags]
        )  # fmt: skip
        assert status == 2
        err = capsys.readouterr().err
        assert err.startswith("Expected ")
        assert err.count("\n") == 1
        return err

    assert "no file there" in go_on(small_scan_file, tmp_path / "nowhere")
    assert "another scan" in go_on(other, interrupted)
    assert "--batch_size to be 7" in go_on(small_scan_file, interrupted, "--batch_size", "5")
    longer = go_on(small_scan_file, interrupted, "--max_epochs", "9")
    assert "--max_epochs to be 4 as in the checkpoint, but got 9. The learning rate" in longer
    checkpoint.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read" in go_on(small_scan_file, interrupted)
    assert files_in(interrupted) == ["checkpoints/last.ckpt"]


@pytest.mark.parametrize("kept", ["wts.h5.zip", "checkpoints/last.ckpt"])
def test_a_training_is_not_lost_by_accident(kept, small_scan_file, tmp_path, capsys) -> None:
    place = tmp_path / kept
    place.parent.mkdir(exist_ok=True)
    place.write_text("days of work")
    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path)]
    short = ["--accelerator", "cpu", "--max_epochs", "1", "--quiet"]
    assert main([*arguments, *short]) == 2
    assert capsys.readouterr().err == (
        f"Expected --output_dir to hold no training yet, but got {place}. Give another folder, "
        "--resume to go on with it, or --overwrite to lose it.\n"
    )
    assert place.read_text() == "days of work"
    assert files_in(tmp_path) == [kept]
    assert main([*arguments, *short, "--overwrite"]) == 0
    assert place.read_bytes() != b"days of work"
