"""Stitch overlapping patches into one object.

A single far-field pattern fixes its patch only up to a phase factor. So patches are first brought
to a common phase, from what neighbours say about the pixels that they share, and then averaged
with the light that fell on each pixel as weight.
"""

from dataclasses import dataclass

import numpy as np

from ptycho_torch.data.grouping import neighbour_pairs
from ptycho_torch.needs_torch import torch
from ptycho_torch.physics.patches import place_patches

NEIGHBOURS = 8
COVERAGE_FLOOR = 1e-6
"""Pixels with less than this share of the greatest coverage stay zero: no light fell there."""

CHUNK = 256
"""Patches that are placed at once; bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StitchedObject:
    """A stitched object.

    Attributes:
        object_: Complex (y, x); zero where no light fell.
        coverage: Summed weight, real (y, x).
        origin_px: Position (y, x) of pixel [0, 0], in the pixels of the scan positions.
    """

    object_: torch.Tensor
    coverage: torch.Tensor
    origin_px: tuple[int, int]


def relative_overlaps(
    weighted_patches: torch.Tensor, positions_px: torch.Tensor, pairs: torch.Tensor
) -> torch.Tensor:
    """Give, for pairs of patches, the inner product over the pixels that they share.

    Patches are compared at whole-pixel offsets, near enough for one phase per patch.

    Args:
        weighted_patches: Complex (position, y, x).
        positions_px: Real (position, yx).
        pairs: Indices (pair, 2).

    Returns:
        ``sum(first * conj(second))``, complex (pair).
    """
    height, width = weighted_patches.shape[1:]
    offsets = (positions_px[pairs[:, 1]] - positions_px[pairs[:, 0]]).round().long()
    products = weighted_patches.new_zeros(len(pairs))
    distinct, group = torch.unique(offsets, dim=0, return_inverse=True)
    for number, (down, right) in enumerate(distinct.tolist()):
        if abs(down) >= height or abs(right) >= width:
            continue
        members = (group == number).nonzero()[:, 0]
        first = weighted_patches[pairs[members, 0]]
        second = weighted_patches[pairs[members, 1]]
        first = first[
            :, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)
        ]
        second = second[
            :, max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
        ]
        products[members] = (first * second.conj()).sum(dim=(1, 2))
    return products


def synchronise_phases(
    patches: torch.Tensor, weight: torch.Tensor, positions_px: torch.Tensor
) -> torch.Tensor:
    """Turn each patch by one phase, so that neighbours agree where they overlap.

    The phases are those of the leading eigenvector of the normalised matrix of overlaps (Singer,
    *Appl. Comput. Harmon. Anal.* 30, 20 (2011); for ptychography Marchesini, Tu and Wu, the same
    journal 41, 815 (2016)). They are found densely: memory grows with the square of the patterns.

    Args:
        patches: Complex (position, y, x).
        weight: Light on a patch's pixels, real (y, x).
        positions_px: Real (position, yx).

    Returns:
        The patches, turned; complex (position, y, x).
    """
    count = len(patches)
    if count < 2:
        return patches
    pairs = torch.from_numpy(neighbour_pairs(positions_px.double().cpu().numpy(), NEIGHBOURS))
    pairs = pairs.to(patches.device)
    products = relative_overlaps(patches * weight, positions_px, pairs)
    overlaps = torch.zeros(count, count, dtype=torch.complex128)
    overlaps[pairs[:, 0], pairs[:, 1]] = products.cpu().to(overlaps.dtype)
    overlaps = overlaps + overlaps.mH
    degree = overlaps.abs().sum(dim=1)
    root = torch.where(degree > 0, degree, 1.0).rsqrt()
    leading = torch.linalg.eigh(root[:, None] * overlaps * root)[1][:, -1]
    modulus = leading.abs()
    turn = torch.where(modulus > 0, leading / modulus.clamp_min(1e-300), 1.0).conj()
    return patches * turn.to(patches.dtype).to(patches.device)[:, None, None]


def stitch(
    patches: torch.Tensor, weight: torch.Tensor, positions_px: torch.Tensor
) -> StitchedObject:
    """Average patches where they overlap, between pixels too.

    Args:
        patches: Complex (position, y, x), on a common phase.
        weight: Light on a patch's pixels, real (y, x).
        positions_px: Patch centres, real (position, yx); a patch's centre is ``size // 2``.

    Returns:
        The object on the smallest canvas that holds every patch.
    """
    height, width = patches.shape[1:]
    corner = positions_px.min(dim=0).values.floor() - torch.tensor(
        [height // 2, width // 2], device=positions_px.device
    )
    extent = (positions_px.max(dim=0).values - corner).floor().long() + 2
    shape = (int(extent[0]) + height - height // 2, int(extent[1]) + width - width // 2)
    total = patches.new_zeros(shape)
    coverage = weight.new_zeros(shape)
    for start in range(0, len(patches), CHUNK):
        part = patches[start : start + CHUNK]
        centres = positions_px[start : start + CHUNK] - corner
        total = total + place_patches(part * weight, centres, shape)
        coverage = coverage + place_patches(weight.expand(len(part), -1, -1), centres, shape)
    lit = coverage > COVERAGE_FLOOR * coverage.max()
    object_ = torch.where(lit, total / torch.where(lit, coverage, 1.0), 0)
    origin = np.asarray(corner.cpu()).astype(int)
    return StitchedObject(
        object_=object_, coverage=coverage, origin_px=(int(origin[0]), int(origin[1]))
    )
