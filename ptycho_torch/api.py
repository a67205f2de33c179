"""Everything in five functions, as small as the command lines are.

Examples:
    >>> from ptycho_torch.api import simulate_scan, train
    >>> scan, truth = simulate_scan(SimulationConfig(n_patterns=16, size_px=32))
    >>> bundle = train(scan, TrainingConfig(max_epochs=1, accelerator="cpu"))
    >>> image = reconstruct(bundle, scan, InferenceConfig(accelerator="cpu"))
    >>> image.object_.ndim, len(image.origin_px)
    (2, 2)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch import reconstruction
from ptycho_torch.bundle import Bundle, load_bundle, save_bundle
from ptycho_torch.checks import require_torch
from ptycho_torch.config import (
    InferenceConfig,
    RefinementConfig,
    SimulationConfig,
    TrainingConfig,
)
from ptycho_torch.data.npz import load_object, save_object, save_scan
from ptycho_torch.data.plausibility import check_scan
from ptycho_torch.data.scan import PlacedObject, Scan
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.reconstruction import Reconstruction
from ptycho_torch.simulate import simulate_scan
from ptycho_torch.training import train_scan

if TYPE_CHECKING:
    import os

__all__ = [
    "Bundle",
    "InferenceConfig",
    "PlacedObject",
    "Reconstruction",
    "RefinementConfig",
    "Scan",
    "SimulationConfig",
    "TrainingConfig",
    "load_bundle",
    "load_object",
    "load_scan",
    "reconstruct",
    "save_bundle",
    "save_object",
    "save_scan",
    "simulate_scan",
    "train",
]


def train(
    scan: Scan,
    config: TrainingConfig | None = None,
    *,
    test: Scan | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    quiet: bool = True,
) -> Bundle:
    """Train a network on a scan with a known probe.

    Args:
        scan: What to train on.
        config: How to train; the defaults if ``None``.
        test: A scan of the same detector to judge the loss on after each epoch.
        checkpoint: Where to keep the last complete epoch; nowhere if ``None``.
        resume: Whether to go on from there.
        quiet: Whether to say nothing on stderr.

    Returns:
        The network, and in ``training`` with what data it was trained and how well.

    Raises:
        UsageError: If something asked for cannot be done.
        DataError: If the values of a scan cannot be right.
        TorchMissing: If PyTorch is not installed (POLICY-001).
    """
    check_scan(scan)
    if test is not None:
        check_scan(test, "the test scan")
    bundle, _ = train_scan(
        scan,
        config or TrainingConfig(),
        test=test,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        resume=resume,
        quiet=quiet,
    )
    return bundle


def reconstruct(
    bundle: Bundle | None, scan: Scan, config: InferenceConfig | None = None
) -> Reconstruction:
    """Reconstruct the object of a scan with a trained network, by iterating, or both.

    Args:
        bundle: What :func:`train` or :func:`load_bundle` gave; ``None`` to refine from a flat
            start.
        scan: The scan, made with the probe that the network was trained for.
        config: How to reconstruct; the defaults if ``None``.

    Returns:
        The complex ``object_``, ``origin_px``, the scan coordinates of its pixel [0, 0], and its
        coverage; the refined probe and positions where the settings ask for them.

    Raises:
        UsageError: If the scan was made with another probe, a setting cannot be, or there is
            neither a network nor a pass of refinement.
        DataError: If the values of the scan cannot be right.
        TorchMissing: If PyTorch is not installed (POLICY-001).
    """
    require_torch()
    check_scan(scan)
    config = config or InferenceConfig()
    if bundle is None:
        return reconstruction.reconstruct(None, scan, config)
    reconstruction.check_probe(bundle.reconstructor, scan, "the scan")
    return reconstruction.reconstruct(bundle.reconstructor, scan, config)
