"""From a scan to its image: predict, stitch, refine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import UsageError, check_least, expected
from ptycho_torch.data.links import link_patterns
from ptycho_torch.data.scan import PlacedObject
from ptycho_torch.outputs import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho_torch.config import InferenceConfig
    from ptycho_torch.data.dataset import PatternDataset
    from ptycho_torch.data.links import Links
    from ptycho_torch.data.scan import Scan
    from ptycho_torch.misfit import Misfit
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
        islands: Parts of the scan that share no light with each other: no data tell the phase of
            one from that of the next.
        misfit: How far the patterns that it predicts are from the measured ones.
        interrupted: Whether Ctrl-C ended its refinement before the last pass.
    """

    placed: PlacedObject
    coverage: NDArray[np.float32]
    misfit: Misfit
    islands: int = 1
    probe: NDArray[np.complex64] | None = None
    positions_px: NDArray[np.float64] | None = None
    interrupted: bool = False

    @property
    def object_(self) -> NDArray[np.complex64]:
        """Give the object, complex64 (y, x)."""
        return self.placed.object_

    @property
    def origin_px(self) -> tuple[float, float]:
        """Give the position (y, x) of its pixel [0, 0], in the pixels in which scans are given."""
        return self.placed.origin_px


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
    *,
    keep_interrupted: bool = False,
) -> Reconstruction:
    """Predict the patches of a scan and stitch them; refine the image if the settings say so.

    Args:
        reconstructor: A trained network; ``None`` to refine from a flat start.
        scan: The scan.
        config: How to reconstruct.
        log: Where to note the seconds; nowhere if ``None``.
        report: Called at the start of a refinement and after each of its passes.
        keep_interrupted: Whether Ctrl-C after a pass gives the image so far instead of ending.

    Returns:
        The object and what goes with it.

    Raises:
        UsageError: If a setting cannot be, the scan has fewer patterns than asked for, no
            accelerator is there, there is neither a network nor a pass of refinement, or the image
            holds NaN.
    """
    check_inference(config, has_network=reconstructor is not None)
    from ptycho_torch.data.dataset import PatternDataset  # noqa: PLC0415 - needs PyTorch

    log = log or RunLog("")
    patterns = PatternDataset(scan, config.n_images)
    if reconstructor is None:
        light = np.square(np.abs(scan.probe))
    else:
        reconstructor.look_at(scan)
        light = reconstructor.light.cpu().numpy()
    links = link_patterns(patterns.positions_px.numpy(), light)
    log.facts["islands"] = links.islands
    predicted = None
    if reconstructor is not None:
        predicted = _predict(reconstructor, patterns, config, links, log)
    if predicted is None or config.refinement.passes:
        image = None if predicted is None else predicted[0]
        found = _refine(image, patterns, config, log, report, keep_interrupted=keep_interrupted)
    else:
        found = _as_predicted(*predicted, patterns, log)
    if not np.isfinite(found.object_).all():
        remedy = "Look at the loss in metrics.csv and train again."
        raise UsageError(expected("the reconstruction", "be finite", "NaN or infinity", remedy))
    log.facts["misfit"] = asdict(found.misfit)
    return replace(found, islands=links.islands)


def check_inference(config: InferenceConfig, *, has_network: bool = True) -> None:
    """Refuse settings that cannot be.

    Raises:
        UsageError: If a setting is out of its range, or nothing would be done.
    """
    refinement = config.refinement
    if not (has_network or refinement.passes):
        to, remedy = "have at least 1 pass of refinement", "Give --refine, or a trained bundle."
        raise UsageError(expected("a reconstruction without a network", to, "none", remedy))
    for name, value, minimum in (
        ("batch_size", config.batch_size, 1),
        ("passes", refinement.passes, 0),
        ("batch_size of a refinement", refinement.batch_size, 1),
        ("probe_modes", refinement.probe_modes, 1),
        ("seed", refinement.seed, 0),
    ):
        check_least(name, value, minimum)
    if refinement.probe_modes > 1 and not refinement.probe:
        to, got = "come with --refine_probe", "a probe that stays as it is"
        raise UsageError(expected("--probe_modes", to, got, "Add --refine_probe."))


def _predict(
    reconstructor: Reconstructor,
    patterns: PatternDataset,
    config: InferenceConfig,
    links: Links,
    log: RunLog,
) -> tuple[PlacedObject, NDArray[np.float32]]:
    """Give the image that the network says, and its coverage."""
    from ptycho_torch.needs_torch import choose_device  # noqa: PLC0415 - needs PyTorch

    reconstructor = reconstructor.to(choose_device(config.accelerator))
    with log.stage("infer"):
        patches = reconstructor.predict(
            patterns.diffraction_amplitude, config.batch_size, patterns.positions_px
        )
    with log.stage("stitch"):
        stitched = reconstructor.stitch(patches, patterns.positions_px, links)
        placed = PlacedObject(
            object_=stitched.object_.cpu().numpy(),
            origin_px=(float(stitched.origin_px[0]), float(stitched.origin_px[1])),
        )
    return placed, stitched.coverage.cpu().numpy()


def _as_predicted(
    placed: PlacedObject, coverage: NDArray[np.float32], patterns: PatternDataset, log: RunLog
) -> Reconstruction:
    """Give what the network says as the result."""
    from ptycho_torch.misfit import misfit_of  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.needs_torch import torch  # noqa: PLC0415 - needs PyTorch

    with log.stage("stitch"):
        misfit = misfit_of(placed, patterns, torch.from_numpy(patterns.scan.probe)[None])
    return Reconstruction(placed=placed, coverage=coverage, misfit=misfit)


def _refine(
    image: PlacedObject | None,
    patterns: PatternDataset,
    config: InferenceConfig,
    log: RunLog,
    report: Callable[[PassRecord], None] | None,
    *,
    keep_interrupted: bool,
) -> Reconstruction:
    """Give what the scan says when one starts from an image, or from a flat sample."""
    from ptycho_torch.estimate import placed_object  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.misfit import misfit_of  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.needs_torch import choose_device, torch  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.refinement import begin_refinement  # noqa: PLC0415 - needs PyTorch

    passes: list[dict[str, float]] = []
    interrupted = False
    with log.stage("refine"):
        probe = torch.from_numpy(patterns.scan.probe).to(choose_device(config.accelerator))
        refinement = begin_refinement(
            patterns.diffraction_amplitude,
            patterns.positions_px,
            probe,
            config.refinement,
            image,
            patterns.bad_pixels,
        )
        try:
            for record in refinement.passes():
                passes.append(asdict(record))
                if report is not None:
                    report(record)
        except KeyboardInterrupt:
            if not keep_interrupted or len(passes) < 2:  # not one pass is done
                raise
            interrupted = True
        estimate = refinement.estimate
        placed, coverage = placed_object(estimate)
        origin = np.asarray(estimate.origin_px, dtype=np.float64)
        positions_px = estimate.positions_px.cpu().double() + torch.from_numpy(origin)
        misfit = misfit_of(placed, patterns, estimate.probe.cpu(), positions_px)
    log.facts["refinement"] = {
        "start": "flat" if image is None else "network",
        "passes": passes,
        "interrupted": interrupted,
    }
    return Reconstruction(
        placed=placed,
        coverage=coverage,
        misfit=misfit,
        probe=estimate.probe.cpu().numpy() if config.refinement.probe else None,
        positions_px=positions_px.numpy() if config.refinement.positions else None,
        interrupted=interrupted,
    )
