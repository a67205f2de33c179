"""Train a reconstructor on a scan in memory."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import (
    UsageError,
    check_least,
    expected,
    installed_version,
    one_of,
    require,
    require_torch,
)
from ptycho_torch.commands import is_first_process
from ptycho_torch.config import ModelConfig, TrainingConfig, plain_settings
from ptycho_torch.data.grouping import check_gridsize, pick_evenly
from ptycho_torch.pass_report import PassReport

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho_torch.bundle import Bundle
    from ptycho_torch.data.scan import Scan
    from ptycho_torch.fitting import Training

STRATEGIES = ("auto", "ddp")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")
SAME_EXPOSURE = 1e-3
"""Relative difference of the beam's amplitude below which two scans count as exposed alike."""

DISTRIBUTIONS = ("torch", "lightning", "numpy", "safetensors")


def train_scan(
    scan: Scan,
    config: TrainingConfig,
    *,
    test: Scan | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    quiet: bool = True,
) -> tuple[Bundle, Training]:
    """Train on a scan.

    Args:
        scan: What to train on.
        config: How to train.
        test: A scan of the same detector to judge the loss on after each epoch.
        checkpoint: Where to keep the last complete epoch; nowhere if ``None``.
        resume: Whether to go on from there.
        quiet: Whether to say nothing on stderr.

    Returns:
        The trained network, and how the training went.

    Raises:
        UsageError: If something asked for cannot be done.
        DataError: If there is no checkpoint to go on from.
        KeyboardInterrupt: If Ctrl-C ended the training; its text says how to go on.
    """
    require_torch()
    require("lightning", "safetensors")
    check_training(scan, config, test)
    import torch  # noqa: PLC0415 - costly, so after what can be refused without it

    from ptycho_torch.bundle import Bundle  # noqa: PLC0415 - as late as PyTorch
    from ptycho_torch.checkpoints import Identity, check_resumable  # noqa: PLC0415
    from ptycho_torch.data.dataset import PatternDataset  # noqa: PLC0415
    from ptycho_torch.fitting import Keeping, calibration_patterns, fit  # noqa: PLC0415
    from ptycho_torch.reconstructor import Reconstructor  # noqa: PLC0415
    from ptycho_torch.teaching import teach  # noqa: PLC0415

    digest, keeping = scan.digest(), None
    if checkpoint is not None:
        identity = Identity.of(config, digest)
        if resume:
            check_resumable(checkpoint, identity)
        keeping = Keeping(checkpoint=checkpoint, identity=identity, resume=resume)
    torch.manual_seed(config.seed)
    patterns = PatternDataset(scan, config.n_images)
    reconstructor = Reconstructor(
        torch.from_numpy(scan.probe), ModelConfig(gridsize=config.gridsize)
    )
    reconstructor.look_at(_all_bad_pixels(scan, test))
    reconstructor.calibrate(calibration_patterns(patterns))
    lessons = None
    if config.teacher_passes:
        report = _teacher_report(config, quiet=quiet)
        lessons = teach(
            patterns,
            reconstructor.forward_model,
            config.teacher_passes,
            seed=config.seed,
            accelerator=config.accelerator,
            report=report,
        )
        if report is not None:
            report.close()
    training = fit(
        reconstructor,
        patterns if lessons is None else lessons,
        config,
        test=None if test is None else PatternDataset(_same_exposure(test, scan)),
        keeping=keeping,
        quiet=quiet,
    )
    last = training.history[-1]
    about: dict[str, Any] = {
        "config": plain_settings(config),
        "data": {"sha256": digest, "patterns": len(patterns), "of": len(scan.positions_px)},
        "metrics": {
            "epochs": len(training.history),
            "patterns_processed": training.patterns_processed,
            "train_loss": last.train_loss,
            "test_loss": last.test_loss,
        },
        "versions": versions(),
    }
    return Bundle(reconstructor=reconstructor, training=about), training


def _all_bad_pixels(scan: Scan, test: Scan | None) -> Scan:
    """Give the scan with what either of two scans did not measure as bad pixels."""
    if test is None or test.bad_pixels is None:
        return scan
    bad = test.bad_pixels if scan.bad_pixels is None else scan.bad_pixels | test.bad_pixels
    return replace(scan, bad_pixels=bad)


def _same_exposure(test: Scan, scan: Scan) -> Scan:
    """Give a test scan as bright as the one trained on; their probes tell how bright each is."""
    ratio = np.float32(np.linalg.norm(scan.probe) / np.linalg.norm(test.probe))
    if abs(ratio - 1) < SAME_EXPOSURE:
        return test
    amplitude = ratio * test.diffraction_amplitude
    return replace(test, diffraction_amplitude=amplitude, probe=ratio * test.probe)


def _teacher_report(config: TrainingConfig, *, quiet: bool) -> PassReport | None:
    """Tell of the teacher's passes on a terminal; a line per epoch is enough for a log."""
    if quiet or not is_first_process() or not sys.stderr.isatty():
        return None
    return PassReport(config.teacher_passes, "teacher pass")


def versions() -> dict[str, str]:
    """Give the versions that a bundle was made with."""
    from ptycho_torch import __version__  # noqa: PLC0415 - the package's own, once it is loaded

    found = {name: installed_version(name) for name in DISTRIBUTIONS}
    return {
        "ptycho_torch": __version__,
        "python": platform.python_version(),
        **{name: version for name, version in found.items() if version},
    }


def check_training(scan: Scan, config: TrainingConfig, test: Scan | None) -> None:
    """Refuse what can be refused before PyTorch is imported.

    Raises:
        UsageError: If a setting or the test scan does not fit.
    """
    for name, minimum in (
        ("max_epochs", 1),
        ("batch_size", 1),
        ("devices", 1),
        ("num_workers", 0),
        ("teacher_passes", 0),
        ("seed", 0),
    ):
        check_least(f"--{name}", getattr(config, name), minimum)
    if not 0 < config.learning_rate < float("inf"):
        to, remedy = "be a finite number above 0", "Leave it out for the default."
        raise UsageError(expected("--learning_rate", to, config.learning_rate, remedy))
    for name, choices in (("strategy", STRATEGIES), ("precision", PRECISIONS)):
        one_of(f"--{name}", choices)(getattr(config, name))
    patterns = len(pick_evenly(len(scan.positions_px), config.n_images))
    check_gridsize(config.gridsize, patterns, "the patterns to train on")
    if test is not None:
        check_gridsize(config.gridsize, len(test.positions_px), "the patterns of the test scan")
    if config.batch_size < config.devices:
        to = f"be at least {config.devices}, one pattern per device"
        raise UsageError(expected("--batch_size", to, config.batch_size, "Enlarge it."))
    if test is not None and test.probe.shape != scan.probe.shape:
        to = f"have patterns of the shape {scan.probe.shape}"
        remedy = "Test on a scan of the same detector."
        raise UsageError(expected("the test scan", to, test.probe.shape, remedy))
