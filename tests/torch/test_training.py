"""Training and inference as runs: repeatable, honest about their work, and blind to the truth."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.config import InferenceConfig, TrainingConfig  # noqa: E402
from ptycho_torch.inference import write_reconstruction  # noqa: E402
from ptycho_torch.train import main, write_training  # noqa: E402

pytestmark = pytest.mark.torch

WATCH = """
import os, sys
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith(".npz"):
        os.write(watch.file, (arguments[0] + "\\n").encode())
watch.file = os.open(os.environ["OPENED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
sys.addaudithook(watch)
"""


def train(scan_file: Path, folder: Path, **settings: object) -> dict[str, object]:
    config = TrainingConfig(**{"max_epochs": 2, "accelerator": "cpu"} | settings)  # type: ignore[arg-type]
    write_training(scan_file, folder, config)
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_same_seed_same_weights_and_another_seed_others(small_scan_file, tmp_path) -> None:
    for name, seed in (("first", 3), ("second", 3), ("third", 4)):
        train(small_scan_file, tmp_path / name, seed=seed)
    first, second, third = (
        digest(tmp_path / name / "check.npz") for name in ("first", "second", "third")
    )
    assert first == second != third
    bundles = [(tmp_path / name / "wts.h5.zip").read_bytes() for name in ("first", "second")]
    assert bundles[0] == bundles[1]


def test_training_learns_and_its_record_says_what_was_done(small_scan_file, tmp_path) -> None:
    run = train(small_scan_file, tmp_path / "out", max_epochs=4, n_images=20, batch_size=6)
    assert run["schema"] == 1
    assert run["patterns_processed"] == run["patterns_declared"] == 80
    assert run["seed"] == 0
    assert run["peak_rss_bytes"] > 50 * 2**20
    assert [stage["name"] for stage in run["stages"]] == ["read", "import", "train", "save"]
    with (tmp_path / "out" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["steps"]) for row in rows] == [4, 8, 12, 16]
    losses = [float(row["train_loss"]) for row in rows]
    assert losses[-1] < losses[0]
    assert losses[-1] == run["loss"]
    assert [row["test_loss"] for row in rows] == [""] * 4
    assert str(tmp_path) not in json.dumps(run)


def test_a_test_scan_is_judged_and_not_learned_from(small_scan_file, tmp_path) -> None:
    config = TrainingConfig(max_epochs=2, accelerator="cpu")
    write_training(small_scan_file, tmp_path / "with", config, test_file=small_scan_file)
    write_training(small_scan_file, tmp_path / "without", config)
    with (tmp_path / "with" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        assert all(float(row["test_loss"]) > 0 for row in csv.DictReader(file))
    assert digest(tmp_path / "with" / "check.npz") == digest(tmp_path / "without" / "check.npz")


def test_the_checkpoint_opens_without_pickle_and_holds_the_weights(
    small_scan_file, tmp_path
) -> None:
    from ptycho_torch.bundle import load_bundle

    train(small_scan_file, tmp_path / "out")
    path = tmp_path / "out" / "checkpoints" / "last.ckpt"
    weights = torch.load(path, weights_only=True)["state_dict"]
    for name, tensor in load_bundle(tmp_path / "out").reconstructor.state_dict().items():
        assert torch.equal(weights[f"reconstructor.{name}"], tensor), name


def files_in(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in paths)


FLAGS = ["--accelerator", "cpu", "--max_epochs", "4", "--batch_size", "7"]


def test_a_loss_that_is_no_number_ends_the_training(
    small_scan_file, tmp_path, monkeypatch, capsys
) -> None:
    from ptycho_torch.reconstructor import Reconstructor

    loss = Reconstructor.counts_loss
    monkeypatch.setattr(
        Reconstructor, "counts_loss", lambda *arguments: loss(*arguments) * torch.nan
    )
    status = main(
        ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path / "out"), *FLAGS]
    )
    assert status == 2
    assert "Expected the loss to be a finite number" in capsys.readouterr().err
    assert files_in(tmp_path) == []


def test_progress_is_told_and_quiet_says_nothing(small_scan_file, tmp_path, capsys) -> None:
    arguments = ["--train_data_file", str(small_scan_file), *FLAGS]
    assert main([*arguments, "--output_dir", str(tmp_path / "loud")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines[:4]] == ["1/4", "2/4", "3/4", "4/4"]
    assert all("loss" in line and "patterns/s" in line for line in lines[:4])
    assert lines[3].endswith("0:00 left")
    assert lines[4:] == [f"wrote {tmp_path / 'loud'}"]
    assert main([*arguments, "--output_dir", str(tmp_path / "quiet"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("columns", [60, 200])
def test_a_terminal_gets_a_bar(columns, monkeypatch) -> None:
    import io

    from ptycho_torch.lightning_module import EpochRecord
    from ptycho_torch.progress import ProgressReport

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    class Trainer:
        current_epoch, world_size, is_global_zero = 0, 2, True

    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    progress = ProgressReport(patterns=24, epochs=2, stream=stream)
    progress.on_train_start(Trainer(), None)
    progress.on_train_batch_end(
        Trainer(), None, {"loss": torch.tensor(0.5)}, torch.ones(6, 2, 2), 0
    )
    record = EpochRecord(
        epoch=0, steps=1, train_loss=0.4, test_loss=None, learning_rate=1.0, seconds=1.0
    )
    progress.note(record)
    progress.on_train_end(Trainer(), None)
    nothing, first, last = stream.getvalue().split("\r")
    assert nothing == ""
    assert first.startswith("epoch 1/2  [######......")
    assert "loss" not in first  # that of the lesson is another one than a log's
    assert columns < 100 or "loss 0.4000" in last
    assert last.endswith("\n")
    assert first.count("\n") + last.count("\n") == 1
    # Whatever stands there is overwritten, and no more.
    assert [len(first), len(last)] == [columns - 1, columns]


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_processes_share_out_the_batches_of_one(world_size) -> None:
    from ptycho_torch.data.datamodule import SharedBatches

    alone = SharedBatches(23, 6, seed=4)
    alone.set_epoch(2)
    shares = [SharedBatches(23, 6, 4, rank, world_size) for rank in range(world_size)]
    for share in shares:
        share.set_epoch(2)
        assert len(share) == 4
    assert sorted(index for batch in alone for index in batch) == list(range(23))
    for batch, *parts in zip(alone, *shares, strict=True):
        together = [index for part in parts for index in part]
        assert len({len(part) for part in parts}) == 1
        assert set(together) == set(batch)
        assert len(together) - len(batch) < world_size
    first, other = list(alone), SharedBatches(23, 6, seed=4)
    assert first == list(alone) != list(other)


def test_workers_and_other_numbers_train_too(small_scan_file, tmp_path) -> None:
    exact = train(small_scan_file, tmp_path / "exact")["loss"]
    assert train(small_scan_file, tmp_path / "workers", num_workers=1)["loss"] == exact
    for precision, tolerance in (("bf16-mixed", 0.05), ("64-true", 0.01)):
        loss = train(small_scan_file, tmp_path / precision, precision=precision)["loss"]
        assert loss == pytest.approx(exact, rel=tolerance), precision


def test_inference_writes_an_object_that_lies_where_the_scan_looked(
    small_scan_file, small_scan, small_truth, tmp_path
) -> None:
    train(small_scan_file, tmp_path / "model")
    write_reconstruction(
        tmp_path / "model", small_scan_file, tmp_path / "out", InferenceConfig(accelerator="cpu")
    )
    with np.load(tmp_path / "out" / "reconstruction.npz") as arrays:
        object_, origin, coverage = arrays["object"], arrays["origin"], arrays["coverage"]
    assert object_.dtype == np.complex64
    assert object_.shape == coverage.shape
    for axis in (0, 1):
        inside = small_scan.positions_px[:, axis] - origin[axis]
        assert inside.min() > 0
        assert inside.max() < object_.shape[axis] - 1
    heaviest = np.unravel_index(coverage.argmax(), coverage.shape) + origin
    nearest = np.linalg.norm(small_scan.positions_px - heaviest, axis=1).min()
    assert nearest < 6


@pytest.mark.slow
def test_train_and_inference_open_the_scan_and_never_the_truth(
    small_scan_file, tmp_path, command
) -> None:
    opened = tmp_path / "opened"
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    watched = {"PYTHONPATH": os.pathsep.join([str(tmp_path)]), "OPENED": str(opened)}
    training = command(
        "train", "--train_data_file", small_scan_file, "--output_dir", tmp_path / "model",
        "--max_epochs", 1, "--accelerator", "cpu", "--quiet", **watched,
    )  # fmt: skip
    assert training.returncode == 0, training.stderr
    assert small_scan_file.with_name("truth.npz").exists()
    by_training = opened.read_text().split("\n")
    opened.unlink()
    inference = command(
        "inference", "--model_path", tmp_path / "model", "--test_data", small_scan_file,
        "--output_dir", tmp_path / "out", "--accelerator", "cpu", "--quiet", **watched,
    )  # fmt: skip
    assert inference.returncode == 0, inference.stderr
    for names in (by_training, opened.read_text().split("\n")):
        assert str(small_scan_file) in names
        assert not [name for name in names if "truth" in Path(name).name]
