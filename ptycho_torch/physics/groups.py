"""Patches of neighbouring scan points: one region of the object that they share."""

import math

import torch
from torch import Tensor

from ptycho_torch.physics.patches import extract_patches, place_patches

COVERAGE_FLOOR = 1e-6
"""Share of the brightest light that is added to a region's coverage: keeps dark pixels finite."""


def share_patches(patches: Tensor, relative_positions_px: Tensor, light: Tensor) -> Tensor:
    """Replace each patch of a group by what the whole group says about its pixels.

    The patches are placed into one region per group, averaged there with the light as weight, and
    cut out of it again. So the forward model sees one object where the members overlap, and their
    counts together decide what it is.

    Args:
        patches: Complex (group, member, y, x).
        relative_positions_px: Patch centres within their group, real (group, member, yx).
        light: Intensity on a patch's pixels, real (y, x).

    Returns:
        Complex (group, member, y, x).
    """
    groups, members, height, width = patches.shape
    low = relative_positions_px.amin(dim=1, keepdim=True).floor()
    from_corner = (relative_positions_px - low).to(light.dtype)
    down, right = (int(value) for value in from_corner.amax(dim=(0, 1)).floor())
    region = (height + down + 1, width + right + 1)
    # All regions lie side by side in one object, a square of them so that positions stay exact.
    across = math.isqrt(groups - 1) + 1
    number = torch.arange(groups, device=patches.device)
    row, column = torch.div(number, across, rounding_mode="floor"), number % across
    centre = torch.stack(
        [row * region[0] + height // 2, column * region[1] + width // 2], dim=1
    ).to(light.dtype)
    positions_px = (from_corner + centre[:, None]).flatten(0, 1)
    shape = (-(-groups // across) * region[0], across * region[1])
    total = place_patches((patches * light).flatten(0, 1), positions_px, shape)
    coverage = place_patches(light.expand(groups * members, -1, -1), positions_px, shape)
    shared = total / (coverage + COVERAGE_FLOOR * light.max())
    return extract_patches(shared, positions_px, (height, width)).reshape(patches.shape)


def merge_patches(patches: Tensor, groups: Tensor, light: Tensor) -> Tensor:
    """Average what several groups say about the same pattern.

    A group is known up to one phase factor. So each pattern's patches are first turned to the one
    from its own group.

    Args:
        patches: Complex (group, member, y, x); group *i* is the one around pattern *i*.
        groups: Pattern of each member, whole (group, member).
        light: Intensity on a patch's pixels, real (y, x).

    Returns:
        Complex (pattern, y, x), each up to a phase.
    """
    count = len(groups)
    own = (groups == torch.arange(count, device=groups.device)[:, None]).int().argmax(dim=1)
    known = patches[torch.arange(count, device=groups.device), own]
    total = torch.zeros_like(known)
    for member in range(groups.shape[1]):
        pattern, patch = groups[:, member], patches[:, member]
        overlap = (light * known[pattern] * patch.conj()).sum(dim=(-2, -1), keepdim=True)
        turn = overlap / overlap.abs().clamp_min(torch.finfo(light.dtype).tiny)
        total = total.index_add(0, pattern, turn * patch)
    return total / torch.bincount(groups.flatten(), minlength=count)[:, None, None]
