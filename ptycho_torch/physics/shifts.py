"""Move waves by fractions of a pixel in Fourier space."""

import math

import torch
from torch import Tensor


def _frequencies(size: int, like: Tensor) -> Tensor:
    """Give the frequencies of an axis in rad per pixel; that of Nyquist, of open sign, as 0."""
    cycles: Tensor = torch.fft.fftfreq(size, device=like.device, dtype=like.dtype)
    frequency = 2 * math.pi * cycles
    if size % 2 == 0:
        frequency[size // 2] = 0
    return frequency


def shift_waves(waves: Tensor, offsets_px: Tensor) -> Tensor:
    """Move waves; what leaves at one edge comes in at the opposite one.

    Exact for waves without content at the Nyquist frequency, and unitary: moving by the opposite
    offset is the inverse and the adjoint.

    Args:
        waves: Complex (offset, ..., y, x), or (1, ..., y, x) to move one by each offset.
        offsets_px: How far, towards greater indices, real (offset, yx).

    Returns:
        Complex (offset, ..., y, x).

    Examples:
        >>> wave = torch.tensor([[[0, 1, 0, 0, 0]]], dtype=torch.complex64)
        >>> shift_waves(wave, torch.tensor([[0.0, 2.0], [0.0, -1.0]])).real.round().abs()
        tensor([[[0., 0., 0., 1., 0.]],
        <BLANKLINE>
                [[1., 0., 0., 0., 0.]]])
    """
    spectrum = torch.fft.fft2(waves)
    for axis in (-2, -1):
        angle = -offsets_px[:, axis, None] * _frequencies(waves.shape[axis], offsets_px)
        factor = torch.polar(torch.ones_like(angle), angle)
        shape = [len(offsets_px), *[1] * (waves.ndim - 1)]
        shape[axis] = waves.shape[axis]
        spectrum = spectrum * factor.reshape(shape)
    moved: Tensor = torch.fft.ifft2(spectrum)
    return moved


def shift_derivatives(waves: Tensor) -> tuple[Tensor, Tensor]:
    """Give the change of waves with an offset along y, and with one along x, per pixel.

    Args:
        waves: Complex (..., y, x).

    Returns:
        Two stacks like the input: the negative gradients along y and x.
    """
    spectrum = torch.fft.fft2(waves)
    height, width = waves.shape[-2:]
    along_y = -1j * _frequencies(height, waves.real)[:, None]
    along_x = -1j * _frequencies(width, waves.real)
    return torch.fft.ifft2(spectrum * along_y), torch.fft.ifft2(spectrum * along_x)
