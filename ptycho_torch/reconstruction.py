"""From a scan to its image: predict, stitch, refine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import UsageError, expected
from ptycho_torch.data.scan import PlacedObject
from ptycho_torch.outputs import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho_torch.config import InferenceConfig
    from ptycho_torch.data.dataset import PatternDataset
    from ptycho_torch.data.scan import Scan
    from ptycho_torch.reconstructor import Reconstructor
    from ptycho_torch.refinement import PassRecord

SAME_PROBE = 0.9
"""Least overlap of the scan's probe with the trained one: below, the network knows another beam."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconstruction:
    """What came out.

    Attributes:
        placed: The object.
        coverage: The summed light on each of its pixels, real (y, x).
        probe: The refined probe, complex (mode, y, x); ``None`` where it was not refined.
        positions_px: The refined scan positions, float64 (pattern, yx); ``None`` likewise.
    """

    placed: PlacedObject
    coverage: NDArray[np.float32]
    probe: NDArray[np.complex64] | None = None
    positions_px: NDArray[np.float64] | None = None


def check_probe(reconstructor: Reconstructor, scan: Scan, name: str) -> None:
    """Refuse a scan that was made with another probe than the network was trained for.

    Raises:
        UsageError: If the probes' shapes differ, or their overlap is below 0.9.
    """
    known = reconstructor.forward_model.probe.cpu().numpy()
    if scan.probe.shape != known.shape:
        raise UsageError(
            expected(
                f"the patterns in {name}",
                f"have the shape {known.shape} of those trained on",
                scan.probe.shape,
                "Use a bundle that was trained on such patterns.",
            )
        )
    norm = float(np.linalg.norm(known) * np.linalg.norm(scan.probe))
    overlap = abs(complex(np.vdot(known, scan.probe))) / norm
    if overlap < SAME_PROBE:
        raise UsageError(
            expected(
                f"probeGuess in {name}",
                "be the probe that the bundle was trained with",
                f"one of overlap {overlap:.2f}",
                "Train with this probe first.",
            )
        )


def reconstruct(
    reconstructor: Reconstructor | None,
    scan: Scan,
    config: InferenceConfig,
    log: RunLog | None = None,
    report: Callable[[PassRecord], None] | None = None,
) -> Reconstruction:
    """Predict the patches of a scan and stitch them; refine the image if the settings say so.

    Args:
        reconstructor: A trained network; ``None`` to refine from a flat start.
        scan: The scan.
        config: How to reconstruct.
        log: Where to note the seconds; nowhere if ``None``.
        report: Called at the start of a refinement and after each of its passes.

    Returns:
        The object and what goes with it.

    Raises:
        UsageError: If the scan has fewer patterns than asked for, no accelerator is there, or
            there is neither a network nor a pass of refinement.
    """
    from ptycho_torch.data.dataset import PatternDataset  # noqa: PLC0415 - needs PyTorch

    log = log or RunLog("")
    patterns = PatternDataset(scan, config.n_images)
    if reconstructor is not None:
        predicted = _predict(reconstructor, patterns, config, log)
        if not config.refinement.passes:
            return predicted
        return _refine(predicted.placed, scan, patterns, config, log, report)
    if not config.refinement.passes:
        raise UsageError(
            expected(
                "a reconstruction without a network",
                "have at least 1 pass of refinement",
                "none",
                "Give --refine, or a trained bundle.",
            )
        )
    return _refine(None, scan, patterns, config, log, report)


def _predict(
    reconstructor: Reconstructor, patterns: PatternDataset, config: InferenceConfig, log: RunLog
) -> Reconstruction:
    """Give what the network says."""
    from ptycho_torch.needs_torch import choose_device  # noqa: PLC0415 - needs PyTorch

    reconstructor = reconstructor.to(choose_device(config.accelerator))
    with log.stage("infer"):
        patches = reconstructor.predict(
            patterns.diffraction_amplitude, config.batch_size, patterns.positions_px
        )
    with log.stage("stitch"):
        stitched = reconstructor.stitch(patches, patterns.positions_px)
        placed = PlacedObject(
            object_=stitched.object_.cpu().numpy(),
            origin_px=(float(stitched.origin_px[0]), float(stitched.origin_px[1])),
        )
        coverage = stitched.coverage.cpu().numpy()
    return Reconstruction(placed=placed, coverage=coverage)


def _refine(
    image: PlacedObject | None,
    scan: Scan,
    patterns: PatternDataset,
    config: InferenceConfig,
    log: RunLog,
    report: Callable[[PassRecord], None] | None,
) -> Reconstruction:
    """Give what the scan says when one starts from an image, or from a flat sample."""
    from ptycho_torch.estimate import placed_object  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.needs_torch import choose_device, torch  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.refinement import begin_refinement  # noqa: PLC0415 - needs PyTorch

    with log.stage("refine"):
        probe = torch.from_numpy(scan.probe).to(choose_device(config.accelerator))
        refinement = begin_refinement(
            patterns.diffraction_amplitude, patterns.positions_px, probe, config.refinement, image
        )
        passes = []
        for record in refinement.passes():
            passes.append(asdict(record))
            if report is not None:
                report(record)
    log.facts["refinement"] = {"start": "flat" if image is None else "network", "passes": passes}
    estimate = refinement.estimate
    placed, coverage = placed_object(estimate)
    origin = np.asarray(estimate.origin_px, dtype=np.float64)
    positions_px = estimate.positions_px.double().cpu().numpy() + origin
    return Reconstruction(
        placed=placed,
        coverage=coverage,
        probe=estimate.probe.cpu().numpy() if config.refinement.probe else None,
        positions_px=positions_px if config.refinement.positions else None,
    )
