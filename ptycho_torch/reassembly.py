"""Stitch overlapping patches into one object.

Patches on a common phase (:mod:`ptycho_torch.synchronisation`) are averaged with the light that
fell on each pixel as weight.
"""

from dataclasses import dataclass

import numpy as np

from ptycho_torch.needs_torch import torch
from ptycho_torch.physics.patches import place_patches

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
