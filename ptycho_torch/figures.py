"""What the pictures of a reconstruction show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN_COVERAGE = 0.1
"""Pixels with less than this share of the typical coverage are left out of the pictures."""


def shown_pixels(coverage: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Mark the pixels that pictures show: those with at least a tenth of the typical coverage.

    Examples:
        >>> shown_pixels(np.array([0.0, 0.05, 1.0, 1.2])).tolist()
        [False, False, True, True]
    """
    return np.asarray(coverage > SHOWN_COVERAGE * float(np.median(coverage[coverage > 0])))


def centred_phase(
    object_: NDArray[np.complexfloating], shown: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give the phase with its circular mean over the shown pixels at 0, in rad.

    Examples:
        >>> centred_phase(np.exp(1j * np.array([3.0, 3.4])), np.array([True, True])).round(3)
        array([-0.2,  0.2])
    """
    mean = np.exp(1j * np.angle(object_[shown])).sum()
    return np.asarray(np.angle(object_ * np.conj(mean)), dtype=np.float64)
