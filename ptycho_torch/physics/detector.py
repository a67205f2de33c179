"""Pixels of a detector that measured nothing: gaps between modules, dead ones, a beam stop."""

import torch
from torch import Tensor

from ptycho_torch.physics.propagation import far_field

REACH_PX = 1.5
"""How far (standard deviation of a Gaussian) a pixel that measured nothing looks for others."""

FAINT = 1e-2
"""Weight of the empty beam where no measured pixel is near, as within a wide beam stop."""


def beam_on_detector(probe: Tensor) -> Tensor:
    """Give what a detector counts of a beam without a sample.

    Args:
        probe: Complex (y, x) or (mode, y, x), its energy in photons.

    Returns:
        Diffraction intensity, real (y, x).
    """
    intensity = far_field(probe).abs().square()
    return intensity.sum(dim=0) if intensity.ndim == 3 else intensity


def mean_counts(diffraction_amplitude: Tensor, bad_pixels: Tensor | None) -> Tensor:
    """Give the mean counts of a pattern on its measured pixels.

    Args:
        diffraction_amplitude: Roots of counts, real (pattern, y, x), on any device.
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.

    Returns:
        A scalar on the CPU.

    Examples:
        >>> mean_counts(torch.tensor([[[1.0, 2.0]], [[3.0, 0.0]]]), None).item()
        7.0
    """
    counted = 0.0
    for part in torch.split(diffraction_amplitude, 256):
        measured = part if bad_pixels is None else part[:, ~bad_pixels.to(part.device)]
        counted += float(measured.square().sum())
    return torch.tensor(counted / len(diffraction_amplitude))


def transmitted_amplitude(mean_counts: Tensor, probe: Tensor, bad_pixels: Tensor | None) -> Tensor:
    """Give the typical amplitude of a sample, from what it lets through to measured pixels.

    Args:
        mean_counts: Mean counts of a pattern on its measured pixels, a scalar.
        probe: Complex (y, x) or (mode, y, x), its energy in photons.
        bad_pixels: Pixels that measured nothing, boolean (y, x); none if ``None``.

    Returns:
        A scalar; 1 for an empty beam.

    Examples:
        >>> beam = torch.full((2, 2), 1.0 + 0j)
        >>> dark = torch.tensor([[True, False], [False, False]])
        >>> transmitted_amplitude(torch.tensor(1.0), beam, dark).item()
        0.5
    """
    if bad_pixels is None:
        return (mean_counts / probe.abs().square().sum()).sqrt()
    return (mean_counts / beam_on_detector(probe)[~bad_pixels].sum()).sqrt()


def fill_bad_pixels(
    diffraction_amplitude: Tensor, bad_pixels: Tensor, expected_amplitude: Tensor
) -> Tensor:
    """Put a guess where nothing was measured: the Gaussian mean of the measured pixels around.

    Args:
        diffraction_amplitude: Real (pattern, y, x); what bad pixels hold does not count.
        bad_pixels: Boolean (y, x).
        expected_amplitude: What to take where no measured pixel is near, real (y, x).

    Returns:
        Real (pattern, y, x); measured pixels are as before.

    Examples:
        >>> row, bad = torch.tensor([[[2.0, 99.0, 2.0]]]), torch.tensor([[False, True, False]])
        >>> fill_bad_pixels(row, bad, torch.full((1, 3), 2.0)).round(decimals=4)
        tensor([[[2., 2., 2.]]])
    """
    good = (~bad_pixels).to(diffraction_amplitude.dtype)
    known = torch.cat([(diffraction_amplitude * good)[:, None], good.expand(1, 1, *good.shape)])
    taps = torch.arange(-4.0, 5.0, device=good.device, dtype=good.dtype) / REACH_PX
    taps = torch.exp(-taps.square() / 2)
    taps = taps / taps.sum()
    near = torch.nn.functional.conv2d(known, taps[None, None, :, None], padding=(4, 0))
    near = torch.nn.functional.conv2d(near, taps[None, None, None, :], padding=(0, 4))[:, 0]
    guess = (near[:-1] + FAINT * expected_amplitude) / (near[-1] + FAINT)
    return torch.where(bad_pixels, guess, diffraction_amplitude)
