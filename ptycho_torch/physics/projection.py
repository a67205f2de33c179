"""The constraint that the detector puts on a wave."""

import torch
from torch import Tensor


def incoherent_sum(detector_waves: Tensor) -> Tensor:
    """Add up what the modes of a partially coherent beam bring to the detector.

    Args:
        detector_waves: Complex (pattern, mode, y, x).

    Returns:
        Diffraction intensity, real (pattern, y, x).

    Examples:
        >>> incoherent_sum(torch.tensor([[[[3.0 + 0j]], [[4.0j]]]]))
        tensor([[[25.]]])
    """
    return (detector_waves.real.square() + detector_waves.imag.square()).sum(dim=1)


def project_amplitude(
    detector_waves: Tensor, diffraction_amplitude: Tensor, bad_pixels: Tensor | None = None
) -> Tensor:
    """Give the smallest change of the modes that explains the measured amplitudes.

    Every mode is scaled by the same factor, so phases and the share of each mode stay
    (Thibault and Menzel, *Nature* 494, 68 (2013)). What was not measured asks for no change.

    Args:
        detector_waves: Complex (pattern, mode, y, x).
        diffraction_amplitude: Roots of counts, real (pattern, y, x).
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.

    Returns:
        What to add to the waves, complex (pattern, mode, y, x).

    Examples:
        >>> waves = torch.tensor([[[[3.0 + 0j]], [[4.0j]]]])
        >>> project_amplitude(waves, torch.tensor([[[10.0]]])).flatten().tolist()
        [(3+0j), 4j]
    """
    predicted = incoherent_sum(detector_waves).sqrt()
    floor = torch.finfo(predicted.dtype).tiny ** 0.5
    factor = diffraction_amplitude / predicted.clamp_min(floor) - 1
    if bad_pixels is not None:
        factor = factor.masked_fill(bad_pixels, 0)
    return detector_waves * factor[:, None]
