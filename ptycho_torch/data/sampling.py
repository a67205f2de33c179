"""How densely the patterns of a scan lie, compared with the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.data.grouping import pick_evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLED = 512
"""Patterns whose nearest neighbours are looked for; enough for a median."""

WITHIN = 0.9
"""Share of a beam's light within its diameter."""


def beam_diameter_px(light: NDArray[np.floating]) -> float:
    """Give the diameter of the circle around a beam's centre that holds 90 % of its light.

    Args:
        light: Intensity, real (y, x).

    Examples:
        >>> y, x = np.mgrid[-20:21, -20:21]
        >>> beam_diameter_px((np.hypot(y, x) <= 10.0) * 1.0)  # 20 px across, 90 % within 19
        18.9...
    """
    y, x = np.indices(light.shape)
    total = light.sum(dtype=np.float64)
    centre = [float((light * axis).sum(dtype=np.float64) / total) for axis in (y, x)]
    radius = np.hypot(y - centre[0], x - centre[1]).ravel()
    order = np.argsort(radius)
    held = np.cumsum(light.ravel()[order], dtype=np.float64)
    return float(2 * radius[order][np.searchsorted(held, WITHIN * total)])


def nearest_distance_px(positions_px: NDArray[np.floating]) -> float | None:
    """Give the median distance of a pattern from its nearest neighbour elsewhere.

    Patterns that were taken at one place count as one.

    Args:
        positions_px: Scan positions (pattern, yx).

    Returns:
        Pixels; ``None`` if there is only one place.

    Examples:
        >>> nearest_distance_px(np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0], [3.0, 9.0]]))
        5.0
    """
    places = np.unique(positions_px, axis=0)
    if len(places) < 2:
        return None
    picked = pick_evenly(len(places), min(SAMPLED, len(places)))
    distances = []
    for number in picked:
        square = np.square(places - places[number]).sum(axis=1)
        square[number] = np.inf
        distances.append(float(np.sqrt(square.min())))
    return float(np.median(distances))
