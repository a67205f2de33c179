"""How badly an image explains the patterns that it was made from: a check that needs no truth."""

from dataclasses import dataclass

from ptycho_torch.data.dataset import PatternDataset
from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.data.scan import PlacedObject
from ptycho_torch.estimate import beam_and_patches, start_estimate
from ptycho_torch.needs_torch import limit_threads, torch
from ptycho_torch.physics.projection import incoherent_sum
from ptycho_torch.physics.propagation import far_field

LOOKED_AT = 128
"""Patterns that are predicted, picked evenly; enough for a mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """How far predicted patterns are from the measured ones.

    Attributes:
        relative: Squared difference of the amplitudes, of the squared amplitudes: 0 for a perfect
            image of infinitely many photons, 1 for one that explains nothing.
        noise: What photon noise alone would leave of it.
    """

    relative: float
    noise: float


@torch.no_grad()
def misfit_of(
    image: PlacedObject,
    patterns: PatternDataset,
    probe: torch.Tensor,
    positions_px: torch.Tensor | None = None,
) -> Misfit:
    """Predict some of the patterns from an image, and compare.

    Args:
        image: The image.
        patterns: What it was made from.
        probe: Complex (mode, y, x), on the CPU.
        positions_px: Real (pattern, yx), if they were refined.

    Returns:
        The misfit over the measured pixels.
    """
    picked = torch.tensor(pick_evenly(len(patterns), min(LOOKED_AT, len(patterns))))
    measured = patterns.diffraction_amplitude[picked]
    positions_px = (patterns.positions_px if positions_px is None else positions_px)[picked]
    with limit_threads(1):
        bad = patterns.bad_pixels
        estimate = start_estimate(measured, positions_px, probe, image, bad_pixels=bad)
        probes, patches, _ = beam_and_patches(estimate, torch.arange(len(picked)))
        intensity = incoherent_sum(far_field(probes * patches[:, None]))
        if bad is not None:
            intensity, measured = intensity[:, ~bad], measured[:, ~bad]
        missed = (intensity.sqrt() - measured).square().sum()
        noise = intensity.clamp_max(0.25).sum()
        light = measured.square().sum()
    return Misfit(relative=float(missed / light), noise=float(noise / light))
