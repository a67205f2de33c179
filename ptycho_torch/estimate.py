"""What an iterative reconstruction starts from and ends with."""

from dataclasses import dataclass

import numpy as np

from ptycho_torch.checks import UsageError, expected
from ptycho_torch.data.scan import PlacedObject
from ptycho_torch.metrics import same_pixels
from ptycho_torch.needs_torch import torch
from ptycho_torch.physics.detector import mean_counts, transmitted_amplitude
from ptycho_torch.physics.patches import patch_indices, place_patches
from ptycho_torch.physics.shifts import shift_derivatives, shift_waves

MARGIN_PX = 8
"""Pixels around the scan's field for positions that move while they are refined."""

MODES_MAXIMUM = 10
FURTHER_MODE_ENERGY = 0.02
"""Share of the beam that each further mode starts with."""

LIT = 0.01
"""Share of the greatest coverage below which rows and columns at the edges are cut off."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """What is known of sample, beam and scan.

    Attributes:
        object_: Complex (y, x), large enough for the probe at every position.
        probe: Complex (mode, y, x), its energy in photons.
        positions_px: Real (pattern, yx), from the centre of the object's pixel [0, 0].
        origin_px: Position (y, x) of that pixel, in the pixels of the scan.
    """

    object_: torch.Tensor
    probe: torch.Tensor
    positions_px: torch.Tensor
    origin_px: tuple[int, int]


def split_modes(probe: torch.Tensor, count: int) -> torch.Tensor:
    """Make a beam partially coherent: give small shares of it to further, orthogonal modes.

    They are built from the derivatives of the probe, the modes of a beam that trembles.

    Args:
        probe: Complex (y, x).
        count: Number of modes.

    Returns:
        Complex (mode, y, x), of the same total energy; the probe alone for one mode.

    Raises:
        UsageError: If there cannot be so many.
    """
    if not 1 <= count <= MODES_MAXIMUM:
        raise UsageError(
            expected("--probe_modes", f"be 1 to {MODES_MAXIMUM}", count, "Ask for fewer.")
        )
    row, found = [probe], [probe]
    while len(found) < count:
        row = [shift_derivatives(row[0])[0], *(shift_derivatives(wave)[1] for wave in row)]
        found += row
    flat = torch.stack(found[:count]).flatten(start_dim=1)
    basis = torch.linalg.qr(flat.mT).Q.mT.reshape(-1, *probe.shape)
    energy = probe.abs().square().sum()
    further = basis[1:] * (FURTHER_MODE_ENERGY * energy).sqrt()
    first = probe * (1 - FURTHER_MODE_ENERGY * (count - 1)) ** 0.5
    return torch.cat([first[None], further])


def start_estimate(
    diffraction_amplitude: torch.Tensor,
    positions_px: torch.Tensor,
    probe: torch.Tensor,
    image: PlacedObject | None = None,
    *,
    margin_px: int = 0,
    bad_pixels: torch.Tensor | None = None,
) -> Estimate:
    """Lay out the canvas that a scan needs, and fill it.

    Args:
        diffraction_amplitude: Roots of counts, real (pattern, y, x).
        positions_px: Real (pattern, yx).
        probe: Complex (mode, y, x).
        image: What to fill the canvas with; where it is zero or missing, and everywhere if
            ``None``, the sample is taken as flat, as dark as the mean pattern says.
        margin_px: Further pixels on each side.
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.

    Returns:
        The start.
    """
    height, width = probe.shape[1:]
    half = torch.tensor([height // 2, width // 2], device=positions_px.device)
    whole = positions_px.round().long()
    corner = whole.min(dim=0).values - half - margin_px
    extent = whole.max(dim=0).values - corner + torch.tensor([height, width]).to(half) - half
    rows, columns = (int(value) + margin_px for value in extent)
    origin_px = (int(corner[0]), int(corner[1]))
    bad = None if bad_pixels is None else bad_pixels.to(probe.device)
    level = transmitted_amplitude(mean_counts(diffraction_amplitude, bad), probe, bad)
    object_ = torch.ones(rows, columns, dtype=probe.dtype, device=probe.device) * level
    if image is not None:
        origin = (float(origin_px[0]), float(origin_px[1]))
        known = torch.from_numpy(
            same_pixels(image.object_, image.origin_px, (rows, columns), origin)
        ).to(object_)
        mean = known.sum()
        flat = object_ * (mean / mean.abs()) if mean.abs() > 0 else object_
        object_ = torch.where(known != 0, known, flat)
    return Estimate(
        object_=object_,
        probe=probe,
        positions_px=positions_px - corner,
        origin_px=origin_px,
    )


def beam_and_patches(
    estimate: Estimate, picked: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give what meets at some scan points; beam times patch is the exit wave.

    Args:
        estimate: Sample, beam and scan.
        picked: Numbers of the patterns.

    Returns:
        The probes at their places between the pixels, complex (pattern, mode, y, x); the patches,
        complex (pattern, y, x); and where their pixels lie in the flattened object, of that shape.
    """
    height, width = estimate.probe.shape[1:]
    positions_px = estimate.positions_px[picked]
    whole = positions_px.round()
    half = torch.tensor([height // 2, width // 2], device=whole.device)
    shape = (int(estimate.object_.shape[0]), int(estimate.object_.shape[1]))
    indices = patch_indices(whole.long() - half, (height, width), shape)
    offsets = (positions_px - whole).to(estimate.probe.real.dtype)
    probes = shift_waves(estimate.probe[None], offsets)
    return probes, estimate.object_.reshape(-1)[indices], indices


def placed_object(estimate: Estimate) -> tuple[PlacedObject, np.ndarray]:
    """Give the object where there was light, and how much there was.

    Returns:
        The object, and its coverage: the summed light on each pixel, real (y, x).
    """
    light = estimate.probe.abs().square().sum(dim=0)
    shape = (int(estimate.object_.shape[0]), int(estimate.object_.shape[1]))
    whole = estimate.positions_px.round()
    coverage = light.new_zeros(shape)
    for part in torch.split(whole, 256):
        coverage = coverage + place_patches(light.expand(len(part), -1, -1), part, shape)
    lit = coverage.cpu().numpy()
    seen = lit >= LIT * lit.max()
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    origin_px = (
        float(estimate.origin_px[0] + rows[0]),
        float(estimate.origin_px[1] + columns[0]),
    )
    object_ = np.ascontiguousarray(estimate.object_.cpu().numpy()[box])
    return PlacedObject(object_=object_, origin_px=origin_px), np.ascontiguousarray(lit[box])
