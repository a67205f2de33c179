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

from typing import TYPE_CHECKING

from ptycho_torch.bundle import Bundle, load_bundle, save_bundle
from ptycho_torch.config import InferenceConfig, SimulationConfig, TrainingConfig
from ptycho_torch.data.npz import load_object, save_object, save_scan
from ptycho_torch.data.scan import PlacedObject, Scan
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.simulate import simulate_scan
from ptycho_torch.training import train_scan

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Bundle",
    "InferenceConfig",
    "PlacedObject",
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
    checkpoint: Path | None = None,
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
        TorchMissing: If PyTorch is not installed (POLICY-001).
    """
    bundle, _ = train_scan(
        scan,
        config or TrainingConfig(),
        test=test,
        checkpoint=checkpoint,
        resume=resume,
        quiet=quiet,
    )
    return bundle


def reconstruct(bundle: Bundle, scan: Scan, config: InferenceConfig | None = None) -> PlacedObject:
    """Reconstruct the object of a scan with a trained network.

    Args:
        bundle: What :func:`train` or :func:`load_bundle` gave.
        scan: The scan, made with the probe that the network was trained for.
        config: How to reconstruct; the defaults if ``None``.

    Returns:
        The complex object, and the scan coordinates of its pixel [0, 0].

    Raises:
        UsageError: If the scan was made with another probe, or no such device is there.
    """
    from ptycho_torch import reconstruction  # noqa: PLC0415 - its command line is not needed to import

    reconstruction.check_probe(bundle.reconstructor, scan, "the scan")
    config = config or InferenceConfig()
    return reconstruction.reconstruct(bundle.reconstructor, scan, config).placed
