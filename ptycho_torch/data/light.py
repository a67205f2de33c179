"""What the light of a stack tells: which axis is that of the patterns, and where the centre is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import expected
from ptycho_torch.data.grouping import pick_evenly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STEADIER = 2.0
"""How much steadier the light per pattern must be one way than the other to decide."""

SURE, CLEARER = 0.5, 0.5
"""Correlation with the beam from which a centre is believed, and by how much it must be better."""


LOOKED_AT = 64
"""Patterns whose mean is compared with the beam."""


def order_by_light(stack: NDArray[np.generic], *, counts: bool) -> bool | None:
    """Tell which axis of an equal-sided stack is that of the patterns, by the light along it.

    Each pattern of a scan holds about as much light as the next: the beam is the same and the
    object takes away its share. A row or a column of the detector does not; most light falls near
    the centre.

    Args:
        stack: Amplitudes or counts, real (n, h, n).
        counts: Whether it holds counts.

    Returns:
        Whether it is the last axis; ``None`` if the light does not tell.

    Examples:
        >>> row = np.array([1.0, 9.0, 1.0])
        >>> order_by_light(np.stack([row[:, None] * row] * 3), counts=False)
        False
        >>> order_by_light(np.ones((3, 3, 3)), counts=False) is None
        True
    """
    values = np.asarray(stack, dtype=np.float64)
    light = values if counts else np.square(values)
    spread = []
    for axes in ((1, 2), (0, 1)):
        sums = light.sum(axis=axes)
        spread.append(float(sums.std() / max(abs(sums.mean()), 1e-300)))
    canonical, legacy = spread
    if STEADIER * canonical < legacy:
        return False
    return True if STEADIER * legacy < canonical else None


def mean_pattern(diffraction_amplitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give the mean of some patterns, picked evenly, real (y, x)."""
    count = len(diffraction_amplitude)
    picked = pick_evenly(count, min(LOOKED_AT, count))
    return np.asarray(np.mean(diffraction_amplitude[picked], axis=0, dtype=np.float64))


def centre_problems(
    name: str,
    mean_amplitude: NDArray[np.floating],
    probe: NDArray[np.complexfloating],
    bad_pixels: NDArray[np.bool_] | None = None,
) -> Iterator[str]:
    """Judge whether patterns and probe have their centre at pixel ``size // 2``.

    Much of the light passes a sample undeflected, so the mean pattern resembles the beam without
    it. Where it does so only after the corners were exchanged with the centre, the zero frequency
    lies in a corner, as the discrete Fourier transform leaves it.

    Args:
        name: What the patterns are called.
        mean_amplitude: Mean diffraction amplitude, real (y, x).
        probe: Complex (y, x).
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.
    """
    beam = np.abs(np.fft.fftshift(np.fft.fft2(probe)))
    good = np.ones(beam.shape, bool) if bad_pixels is None else ~bad_pixels
    as_it_is = _likeness(mean_amplitude, beam, good)
    exchanged = _likeness(mean_amplitude, np.fft.ifftshift(beam), good)
    if exchanged > max(SURE, as_it_is + CLEARER):
        remedy = "Exchange corners and centre: numpy.fft.fftshift(stack, axes=(1, 2))."
        to = "have the zero frequency at pixel size // 2"
        yield expected(name, to, "it in the corner", remedy)


def _likeness(
    first: NDArray[np.floating], second: NDArray[np.floating], where: NDArray[np.bool_]
) -> float:
    """Give the Pearson correlation of some pixels; 0 where an image is constant."""
    a, b = (image[where] - image[where].mean() for image in (first, second))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0
