"""How far predicted diffraction is from what was counted."""

import torch
from torch import Tensor

INTENSITY_FLOOR = 1e-3
"""Least predicted intensity, in counts per pixel: keeps a dark pixel's gradient finite."""


def poisson_nll(
    predicted_intensity: Tensor, counts: Tensor, bad_pixels: Tensor | None = None
) -> Tensor:
    """Give the negative log-likelihood of photon counts, per pixel, less that of a perfect model.

    For counts *n* and prediction *I* it is ``I - n + n log(n / I)``: half the Poisson deviance. Its
    gradient ``1 - n / I`` is that of the likelihood itself; the subtracted constant makes 0 the
    best value and about 0.5 the value at which only photon noise is left (Thibault and
    Guizar-Sicairos, *New J. Phys.* 14, 063004 (2012)).

    Args:
        predicted_intensity: Expected counts, real (...).
        counts: Measured counts, real (...).
        bad_pixels: Pixels that measured nothing, boolean, of the last axes; none if ``None``.

    Returns:
        The mean over all measured pixels, a scalar.

    Examples:
        >>> counts = torch.tensor([4.0, 0.0, 9.0])
        >>> poisson_nll(counts, counts).item() < 1e-3
        True
    """
    intensity = predicted_intensity + INTENSITY_FLOOR
    perfect = counts - torch.xlogy(counts, counts)
    surprise = intensity - counts * intensity.log() - perfect
    return surprise.mean() if bad_pixels is None else surprise[..., ~bad_pixels].mean()


def patch_distance(patches: Tensor, known_patches: Tensor, weight: Tensor) -> Tensor:
    """Give how far patches are from known ones, each after the phase factor that fits it best.

    Args:
        patches: Complex (pattern, y, x), or (group, member, y, x) with one factor for a group.
        known_patches: Complex, of the same shape.
        weight: How much a pixel counts, real (y, x).

    Returns:
        The mean squared difference of the pixels, a scalar.

    Examples:
        >>> known = torch.tensor([[[1.0 + 1.0j, 2.0]]])
        >>> patch_distance(1j * known, known, torch.ones(1, 2)).item() < 1e-12
        True
    """
    one = tuple(range(1, patches.ndim))
    overlap = (weight * patches * known_patches.conj()).sum(dim=one, keepdim=True).detach()
    turn = overlap / overlap.abs().clamp_min(torch.finfo(weight.dtype).tiny)
    difference = patches - turn * known_patches
    squared = difference.real.square() + difference.imag.square()
    return (weight * squared).sum(dim=(-2, -1)).mean() / weight.sum()


def amplitude_mse(predicted_amplitude: Tensor, amplitude: Tensor) -> Tensor:
    """Give the mean squared difference of diffraction amplitudes (roots of counts).

    With the noise of counting, which an amplitude carries with a variance of about 1/4, the best
    value is about 0.25.

    Args:
        predicted_amplitude: Real (...).
        amplitude: Measured, real (...).

    Returns:
        The mean over all pixels, a scalar.

    Examples:
        >>> amplitude_mse(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0])).item()
        2.0
    """
    return (predicted_amplitude - amplitude).square().mean()
