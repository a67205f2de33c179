"""What the data cannot tell about a probe and an object that are both unknown."""

import torch
from torch import Tensor


def fix_gauge(object_: Tensor, probe: Tensor, known_probe: Tensor) -> tuple[Tensor, Tensor]:
    """Give a probe the energy and the mean direction that it had, and the object what that costs.

    Data cannot tell a brighter beam from a clearer sample, nor a tilted beam from a sample with a
    phase ramp. Without a choice, an object slowly takes up a ramp while its probe is refined.

    Args:
        object_: Complex (y, x).
        probe: Complex (mode, y, x).
        known_probe: Complex (mode, y, x), whose energy and direction to take.

    Returns:
        Object and probe; every exit wave is as before up to a phase factor.
    """
    scale = (known_probe.abs().square().sum() / probe.abs().square().sum()).sqrt()
    tilt = mean_direction(probe) - mean_direction(known_probe)
    return tilt_wave(object_, tilt) / scale, tilt_wave(probe, -tilt) * scale


def mean_direction(probe: Tensor) -> Tensor:
    """Give the mean phase gradient of a beam, in rad per pixel.

    Args:
        probe: Complex (mode, y, x).

    Returns:
        Real (yx).

    Examples:
        >>> beam = tilt_wave(torch.ones(1, 5, 7, dtype=torch.complex64), torch.tensor([0.5, -0.2]))
        >>> [round(value, 3) for value in mean_direction(beam).tolist()]
        [0.5, -0.2]
    """
    along_y = (probe[:, :-1].conj() * probe[:, 1:]).sum().angle()
    along_x = (probe[:, :, :-1].conj() * probe[:, :, 1:]).sum().angle()
    return torch.stack([along_y, along_x])


def tilt_wave(wave: Tensor, tilt: Tensor) -> Tensor:
    """Multiply a wave by a phase ramp.

    Args:
        wave: Complex (..., y, x).
        tilt: The ramp in rad per pixel, real (yx).

    Returns:
        Complex (..., y, x).
    """
    y = torch.arange(wave.shape[-2], device=wave.device, dtype=wave.real.dtype)[:, None]
    x = torch.arange(wave.shape[-1], device=wave.device, dtype=wave.real.dtype)
    angle = tilt[0] * y + tilt[1] * x
    return wave * torch.polar(torch.ones_like(angle), angle)
