"""How good a reconstruction is, measured where the scan really looked.

Scored are the pixels within 5 px of a scan position. A far field fixes an object up to one global
phase, so that phase, the mean of the wrapped difference, is removed, and nothing else is: no ramp,
no shift, no scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import DataError, expected

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCORED_RADIUS_PX = 5.0
SCORED_PIXELS_MINIMUM = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconstructionScore:
    """Figures of a reconstruction against the truth, over the scored pixels.

    Attributes:
        phase_correlation: Pearson correlation of the phases; 0 where one of them is constant.
        phase_psnr_db: ``20 log10(R / RMSE)`` with R the range of the true phase.
        phase_rmse_rad: RMSE, the root of the mean squared wrapped difference of the phases.
        phase_ssim: Mean structural similarity of the phases.
        amplitude_correlation: Pearson correlation of the amplitudes.
        phase_range_rad: R.
        scored_pixels: Number of pixels scored.
    """

    phase_correlation: float
    phase_psnr_db: float
    phase_rmse_rad: float
    phase_ssim: float
    amplitude_correlation: float
    phase_range_rad: float
    scored_pixels: int


def scored_region(
    positions_px: NDArray[np.float64],
    shape: tuple[int, int],
    radius_px: float = SCORED_RADIUS_PX,
) -> NDArray[np.bool_]:
    """Mark the pixels near a scan position.

    Args:
        positions_px: Scan positions (position, yx) from the centre of pixel [0, 0] of the region.
        shape: Height and width of the region.
        radius_px: How near.

    Returns:
        Boolean (y, x).

    Examples:
        >>> scored_region(np.array([[1.0, 2.5]]), (3, 5), 1.0).astype(int).tolist()
        [[0, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    region = np.zeros(shape, dtype=bool)
    reach = int(np.ceil(radius_px)) + 1
    for y, x in positions_px:
        rows = np.arange(max(int(y) - reach, 0), min(int(y) + reach + 1, shape[0]))
        columns = np.arange(max(int(x) - reach, 0), min(int(x) + reach + 1, shape[1]))
        near = np.hypot(rows[:, None] - y, columns[None, :] - x) <= radius_px
        region[rows[:, None], columns[None, :]] |= near
    return region


def wrap_phase(phase_rad: NDArray[np.floating]) -> NDArray[np.floating]:
    """Bring phases to -pi … pi.

    Examples:
        >>> wrap_phase(np.array([0.0, 1.5 * np.pi])).round(4).tolist()
        [0.0, -1.5708]
    """
    return np.asarray((phase_rad + np.pi) % (2 * np.pi) - np.pi)


def phase_difference(
    object_: NDArray[np.complexfloating], truth: NDArray[np.complexfloating]
) -> NDArray[np.float64]:
    """Give the phase by which an object exceeds the truth, without its mean.

    The mean is that of the *wrapped* difference, found on the circle first, so that it does not
    depend on where the phase wraps.

    Args:
        object_: Complex (...), the scored pixels.
        truth: Complex (...), the same pixels.

    Returns:
        The difference in rad, real (...), of mean 0 where it does not wrap.

    Examples:
        >>> truth = np.exp(1j * np.array([0.1, 0.2, 0.3]))
        >>> abs(phase_difference(truth * np.exp(3j), truth)).max() < 1e-9
        np.True_
    """
    relative = object_ * np.conj(truth)
    turn = np.angle(np.exp(1j * np.angle(relative)).mean())
    difference = wrap_phase(np.angle(relative) - turn)
    return np.asarray(wrap_phase(difference - difference.mean()), dtype=np.float64)


def phase_psnr(difference_rad: NDArray[np.floating], range_rad: float) -> float:
    """Give the peak signal-to-noise ratio ``20 log10(range / RMSE)`` in dB.

    Examples:
        >>> round(phase_psnr(np.array([0.1, -0.1]), 2.0), 2)
        26.02
    """
    error_rad = float(np.sqrt(np.mean(np.square(difference_rad))))
    return float("inf") if error_rad == 0 else float(20 * np.log10(range_rad / error_rad))


def correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Give the Pearson correlation; 0 where one side is constant and so predicts nothing.

    Examples:
        >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.5]))  # doctest: +ELLIPSIS
        0.997...
        >>> correlation(np.array([1.0, 1.0]), np.array([1.0, 2.0]))
        0.0
    """
    a, b = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / scale) if scale else 0.0


def structural_similarity(
    first: NDArray[np.floating], second: NDArray[np.floating], range_: float
) -> NDArray[np.float64]:
    """Compare mean, contrast and structure around each pixel.

    SSIM of Wang et al. (*IEEE Trans. Image Process.* 13, 600 (2004)) with its Gaussian window of
    1.5 px and constants 0.01 and 0.03.

    Args:
        first: Real (y, x).
        second: Real (y, x).
        range_: The range of the values.

    Returns:
        -1 … 1, real (y, x); 1 where both are the same.

    Examples:
        >>> image = np.outer(np.arange(8.0), np.ones(9))
        >>> structural_similarity(image, image, 7.0).min().round(12)
        np.float64(1.0)
    """
    taps = np.exp(-np.square(np.arange(-5, 6) / 1.5) / 2)
    taps = taps / taps.sum()

    def blurred(image: NDArray[np.floating]) -> NDArray[np.float64]:
        padded = np.pad(np.asarray(image, dtype=np.float64), 5, mode="edge")
        for axis in (0, 1):
            windows = np.lib.stride_tricks.sliding_window_view(padded, 11, axis=axis)
            padded = windows @ taps
        return padded

    mean_a, mean_b = blurred(first), blurred(second)
    variance_a = blurred(np.square(first)) - mean_a**2
    variance_b = blurred(np.square(second)) - mean_b**2
    covariance = blurred(first * second) - mean_a * mean_b
    c1, c2 = (0.01 * range_) ** 2, (0.03 * range_) ** 2
    brightness = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return np.asarray(brightness * (2 * covariance + c2) / (variance_a + variance_b + c2))


def score_reconstruction(
    object_: NDArray[np.complexfloating],
    truth: NDArray[np.complexfloating],
    positions_px: NDArray[np.float64],
) -> ReconstructionScore:
    """Compare an object with the truth on the same pixels.

    Args:
        object_: Reconstruction, complex (y, x).
        truth: Complex (y, x), the same pixels; see :func:`same_pixels`.
        positions_px: Scan positions (position, yx) from the centre of the truth's pixel [0, 0].

    Returns:
        The figures.

    Raises:
        DataError: If the shapes differ, fewer than 5000 pixels are scored, or one is not finite.
    """
    if object_.shape != truth.shape:
        raise DataError(
            expected(
                "the object",
                f"have the truth's shape {truth.shape}",
                object_.shape,
                "Bring both to the same pixels first (same_pixels).",
            )
        )
    region = scored_region(positions_px, (truth.shape[0], truth.shape[1]))
    found, true = object_[region], truth[region]
    if len(true) < SCORED_PIXELS_MINIMUM or not np.isfinite(found).all():
        raise DataError(
            expected(
                "the scored region",
                f"hold at least {SCORED_PIXELS_MINIMUM} finite pixels",
                f"{int(np.isfinite(found).sum())}",
                "Scan a larger field.",
            )
        )
    true_phase = np.angle(true)
    difference_rad = phase_difference(found, true)
    range_rad = float(np.ptp(true_phase))
    true_image = np.where(region, np.angle(truth), true_phase.mean())
    shown = true_image.copy()
    shown[region] += difference_rad
    return ReconstructionScore(
        phase_correlation=correlation(true_phase + difference_rad, true_phase),
        phase_psnr_db=phase_psnr(difference_rad, range_rad),
        phase_rmse_rad=float(np.sqrt(np.mean(np.square(difference_rad)))),
        phase_ssim=float(structural_similarity(shown, true_image, range_rad)[region].mean()),
        amplitude_correlation=correlation(np.abs(found), np.abs(true)),
        phase_range_rad=range_rad,
        scored_pixels=len(true),
    )


def same_pixels(
    object_: NDArray[np.complexfloating],
    origin_px: tuple[float, float],
    shape: tuple[int, int],
    target_origin_px: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.complexfloating]:
    """Cut or pad an object with zeros to the pixels of another one.

    Args:
        object_: Complex (y, x).
        origin_px: Position (y, x) of its pixel [0, 0]; a whole number of pixels from the target's.
        shape: Height and width of the target.
        target_origin_px: Position (y, x) of the target's pixel [0, 0].

    Returns:
        The object on the target's pixels, complex (y, x).

    Examples:
        >>> same_pixels(np.array([[1, 2], [3, 4]]), (0.0, -1.0), (1, 3)).tolist()
        [[2, 0, 0]]
    """
    shift = [round(origin_px[axis] - target_origin_px[axis]) for axis in (0, 1)]
    target = np.zeros(shape, dtype=object_.dtype)
    into, out_of = [], []
    for axis in (0, 1):
        start = max(shift[axis], 0)
        stop = max(min(shift[axis] + object_.shape[axis], shape[axis]), start)
        into.append(slice(start, stop))
        out_of.append(slice(start - shift[axis], stop - shift[axis]))
    target[into[0], into[1]] = object_[out_of[0], out_of[1]]
    return target
