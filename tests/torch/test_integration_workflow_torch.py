"""Simulate, train, save, load, infer and stitch, through the command lines, and prove the result.

What is proved is the reconstruction: that its phase is that of the simulated object, where the scan
looked, and that neither an untrained network nor patches at mirrored places would pass.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ptycho_torch.config import InferenceConfig, ModelConfig, SimulationConfig, TrainingConfig
from ptycho_torch.data.npz import load_object, save_object, save_scan
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.figures import centred_phase, shown_pixels
from ptycho_torch.metrics import same_pixels
from ptycho_torch.pictures import PHASE_COLOURS, save_picture
from ptycho_torch.reconstruction import reconstruct
from ptycho_torch.simulate import simulate_scan

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from ptycho_torch.metrics import ReconstructionScore

    Command = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.torch]

PATTERNS = 512
EPOCHS = 6


Run = tuple[dict[str, Any], dict[str, float]]


def read_run(folder: Path) -> Run:
    """Give a run's record, and its seconds by stage."""
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return run, {stage["name"]: stage["seconds"] for stage in run["stages"]}


def run_children(command: Command, scan_file: Path, trained: Path, inferred: Path) -> None:
    """Train and infer, each in a process of its own, through the command lines."""
    training = command(
        "train", "--train_data_file", scan_file, "--output_dir", trained,
        "--max_epochs", EPOCHS, "--n_images", PATTERNS, "--gridsize", 1,
        "--accelerator", "cpu", "--quiet",
    )  # fmt: skip
    assert training.returncode == 0, training.stderr
    inference = command(
        "inference", "--model_path", trained, "--test_data", scan_file,
        "--output_dir", inferred, "--n_images", PATTERNS, "--accelerator", "cpu", "--quiet",
    )  # fmt: skip
    assert inference.returncode == 0, inference.stderr


def check_outputs(trained: Path, inferred: Path) -> None:
    """Hold that all files are there, the work was done, and the bundle is the trained network."""
    train_run, train_seconds = read_run(trained)
    infer_run, infer_seconds = read_run(inferred)
    assert min(train_seconds.values()) > 0
    assert min(infer_seconds.values()) > 0
    assert train_run["patterns_processed"] >= PATTERNS * EPOCHS
    assert infer_run["patterns_processed"] >= PATTERNS
    for name in ("checkpoints/last.ckpt", "wts.h5.zip", "metrics.csv"):
        assert (trained / name).stat().st_size > 0, name
    for name in ("reconstructed_amplitude.png", "reconstructed_phase.png"):
        assert 1000 < (inferred / name).stat().st_size < 100_000, name
    with np.load(trained / "check.npz") as kept, np.load(inferred / "check.npz") as loaded:
        assert kept["object_patches"].shape[0] == 8
        assert kept["object_patches"].tobytes() == loaded["object_patches"].tobytes()


def hand_over(ptyreg: Any, train: Run, infer: Run, scores: dict[str, ReconstructionScore]) -> None:
    """Give the figures to whoever records this run."""
    train_run, train_seconds = train
    infer_run, infer_seconds = infer
    found = scores["found"]
    ptyreg.stage("import", seconds=train_seconds["import"] + infer_seconds["import"])
    ptyreg.stage("train", seconds=train_seconds["train"])
    ptyreg.stage("save", seconds=train_seconds["save"])
    for name in ("load", "infer", "stitch"):
        ptyreg.stage(name, seconds=infer_seconds[name])
    ptyreg.metric("phase_correlation", found.phase_correlation, unit="1")
    ptyreg.metric("phase_psnr", found.phase_psnr_db, unit="dB")
    ptyreg.metric("amplitude_correlation", found.amplitude_correlation, unit="1")
    for control in ("untrained", "mirrored"):
        correlation = scores[control].phase_correlation
        ptyreg.metric(f"{control}_phase_correlation", correlation, unit="1")
    processed = train_run["patterns_processed"]
    ptyreg.metric("patterns_processed", processed, unit="1")
    ptyreg.metric("patterns_per_second", processed / train_seconds["train"], unit="1/s")
    peak = max(train_run["peak_rss_bytes"], infer_run["peak_rss_bytes"])
    ptyreg.metric("peak_rss", peak / 2**20, unit="MiB")
    ptyreg.environment(train_run["environment"])


def test_run_pytorch_train_save_load_infer(
    tmp_path: Path, monkeypatch, ptyreg, command, score, prove_reconstruction
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    scan_file, truth_file = tmp_path / "scan.npz", tmp_path / "truth.npz"
    trained, inferred = tmp_path / "trained", tmp_path / "inferred"
    with ptyreg.stage("simulate"):
        scan, truth = simulate_scan(SimulationConfig(n_patterns=PATTERNS))
        save_scan(scan_file, scan)
        save_object(truth_file, truth)
    assert load_scan(scan_file).object_guess is None

    run_children(command, scan_file, trained, inferred)
    check_outputs(trained, inferred)

    import torch

    from ptycho_torch.bundle import load_bundle
    from ptycho_torch.reconstructor import Reconstructor

    on_cpu = InferenceConfig(accelerator="cpu")
    torch.manual_seed(TrainingConfig().seed)
    new = Reconstructor(torch.from_numpy(scan.probe), ModelConfig())
    new.calibrate(torch.from_numpy(scan.diffraction_amplitude))
    ends_px = scan.positions_px.min(axis=0) + scan.positions_px.max(axis=0)
    mirrored = replace(scan, positions_px=ends_px - scan.positions_px)
    known = load_bundle(trained).reconstructor
    scores = {
        "found": score(load_object(inferred / "reconstruction.npz"), truth, scan),
        "untrained": score(reconstruct(new, scan, on_cpu).placed, truth, scan),
        "mirrored": score(reconstruct(known, mirrored, on_cpu).placed, truth, scan),
    }
    prove_reconstruction(**scores)

    hand_over(ptyreg, read_run(trained), read_run(inferred), scores)
    with np.load(inferred / "reconstruction.npz") as arrays:
        origin_px = (float(arrays["origin"][0]), float(arrays["origin"][1]))
        coverage = same_pixels(arrays["coverage"], origin_px, truth.object_.shape)
    shown = shown_pixels(coverage)
    true_phase = tmp_path / "true_phase.png"
    save_picture(true_phase, centred_phase(truth.object_, shown), shown, PHASE_COLOURS)
    for path, name, title in (
        (inferred / "reconstructed_phase.png", "reconstructed-phase", "Reconstructed phase"),
        (inferred / "reconstructed_amplitude.png", "reconstructed-amplitude", "Amplitude"),
        (true_phase, "true-phase", "True phase"),
        (trained / "loss.png", "loss", "Training loss by epoch (logarithmic)"),
    ):
        ptyreg.artifact(path, name=name, title=title)
