"""Free-space propagation between the sample and a far detector."""

import torch
from torch import Tensor

_PIXELS = (-2, -1)


def far_field(exit_wave: Tensor) -> Tensor:
    """Propagate exit waves to a detector in the far field.

    The centred, unitary discrete Fourier transform of the last two axes: the zero frequency lands
    on pixel ``size // 2``, the sum of ``abs()**2`` is kept, and so counts on the detector are
    counts in the beam (Goodman, *Introduction to Fourier Optics*, section 4.3, up to the phase
    curvature, which no detector sees).

    Args:
        exit_wave: Complex (..., y, x); its centre is pixel ``size // 2``.

    Returns:
        The detector wave, complex (..., y, x).

    Examples:
        >>> wave = torch.zeros(4, 6, dtype=torch.complex64)
        >>> wave[2, 3] = 1.0
        >>> bool(torch.allclose(far_field(wave), torch.full((4, 6), 24**-0.5 + 0j)))
        True
    """
    wave = torch.fft.ifftshift(exit_wave, dim=_PIXELS)
    detector_wave: Tensor = torch.fft.fftshift(torch.fft.fft2(wave, norm="ortho"), dim=_PIXELS)
    return detector_wave


def inverse_far_field(detector_wave: Tensor) -> Tensor:
    """Undo :func:`far_field`, of which it is the inverse and the adjoint.

    Args:
        detector_wave: Complex (..., y, x); its zero frequency is pixel ``size // 2``.

    Returns:
        The exit wave, complex (..., y, x).

    Examples:
        >>> wave = torch.randn(3, 5, dtype=torch.complex128)
        >>> bool(torch.allclose(inverse_far_field(far_field(wave)), wave))
        True
    """
    wave = torch.fft.ifftshift(detector_wave, dim=_PIXELS)
    exit_wave: Tensor = torch.fft.fftshift(torch.fft.ifft2(wave, norm="ortho"), dim=_PIXELS)
    return exit_wave
