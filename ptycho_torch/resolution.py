"""How fine a detail two images agree on: Fourier ring correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import DataError, expected

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_IMAGE_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingCorrelation:
    """Correlation of two images by spatial frequency.

    Attributes:
        frequency: Mean frequency of each ring in cycles per pixel, up to 0.5, real (ring).
        correlation: Correlation there, -1 … 1, real (ring).
        half_bit: The correlation at which each pixel tells half a bit, real (ring).
    """

    frequency: NDArray[np.float64]
    correlation: NDArray[np.float64]
    half_bit: NDArray[np.float64]

    def cutoff(self, threshold: float | None = None) -> float | None:
        """Give the frequency at which the correlation first falls below a threshold.

        Args:
            threshold: Such as 1/7; the half-bit curve if ``None``.

        Returns:
            Cycles per pixel, interpolated between rings; 0.5 where it never falls below, and
            ``None`` where it lies below from the first ring on.
        """
        limit = self.half_bit if threshold is None else np.full_like(self.half_bit, threshold)
        above = self.correlation - limit
        below = np.flatnonzero(above < 0)
        if not len(below):
            return 0.5
        ring = int(below[0])
        if ring == 0:
            return None
        share = above[ring - 1] / (above[ring - 1] - above[ring])
        step = self.frequency[ring] - self.frequency[ring - 1]
        return float(self.frequency[ring - 1] + share * step)


def fourier_ring_correlation(
    first: NDArray[np.complexfloating], second: NDArray[np.complexfloating]
) -> RingCorrelation:
    """Correlate two images ring by ring in Fourier space.

    Both fade out towards the edges by a Hann window, and the global phase between them is taken
    out. The half-bit curve is that of van Heel and Schatz (*J. Struct. Biol.* 151, 250 (2005)) for
    images of half the data each.

    Args:
        first: Complex (y, x).
        second: Complex (y, x), of the same pixels.

    Returns:
        The correlation in rings of one frequency step of the shorter side.

    Raises:
        DataError: If the shapes differ or a side is shorter than 16 px.

    Examples:
        >>> image = np.random.default_rng(0).standard_normal((32, 40)) + 0j
        >>> same = fourier_ring_correlation(image, image * np.exp(2j))
        >>> same.correlation.min().round(6), same.cutoff()
        (np.float64(1.0), 0.5)
    """
    if first.shape != second.shape or min(first.shape) < SMALLEST_IMAGE_PX:
        raise DataError(
            expected(
                "two images",
                f"have one shape of at least {SMALLEST_IMAGE_PX} px each way",
                f"{first.shape} and {second.shape}",
                "Cut them to the pixels that both know.",
            )
        )
    height, width = first.shape
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    turn = np.exp(1j * np.angle((window * first * np.conj(second)).sum()))
    mean = (window * (first + turn * second)).sum() / (2 * window.sum())
    spectra = [np.fft.fft2(window * (image - mean)) for image in (first, turn * second)]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    rings = np.rint(frequency * min(height, width)).astype(int)
    rings[frequency > 0.5] = 0  # the corners belong to no whole ring
    count = np.bincount(rings.ravel())[1:]

    def summed(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(rings.ravel(), weights=values.ravel())[1:], dtype=np.float64)

    common = summed((spectra[0] * np.conj(spectra[1])).real)
    energy = np.sqrt(summed(np.abs(spectra[0]) ** 2) * summed(np.abs(spectra[1]) ** 2))
    root = np.sqrt(count / 2)  # two pixels of a ring tell less than two: the window couples them
    return RingCorrelation(
        frequency=summed(frequency) / count,
        correlation=common / np.maximum(energy, np.finfo(float).tiny),
        half_bit=(0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root),
    )
