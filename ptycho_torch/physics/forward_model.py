"""From an object patch to the photons that a detector counts, and one step back."""

import torch
from torch import Tensor, nn

from ptycho_torch.physics.projection import incoherent_sum
from ptycho_torch.physics.propagation import far_field, inverse_far_field

WINDOW_MULTIPLE = 8
"""Window widths are multiples of this, so that a network can halve them three times."""

REGULARISATION = 0.03
"""Share of the probe's peak intensity below which :meth:`ForwardModel.back_project` fades out."""


def probe_window(probe: Tensor, energy: float) -> tuple[slice, slice]:
    """Find the smallest centred square that holds most of the probe.

    Args:
        probe: Complex (..., y, x), centred on pixel ``size // 2``.
        energy: Share of the probe's energy to hold, 0 … 1.

    Returns:
        Rows and columns, of a width that is a multiple of 8 and centred like the probe.

    Examples:
        >>> probe = torch.zeros(40, 64)
        >>> probe[20, 32] = 1.0
        >>> probe_window(probe, 0.99)
        (slice(16, 24, None), slice(28, 36, None))
    """
    intensity = probe.abs().square()
    height, width = probe.shape[-2:]
    if intensity.ndim == 3:
        intensity = intensity.sum(dim=0)
    largest = min(height, width) // WINDOW_MULTIPLE * WINDOW_MULTIPLE
    for size in range(WINDOW_MULTIPLE, largest + 1, WINDOW_MULTIPLE):
        top, left = height // 2 - size // 2, width // 2 - size // 2
        window = (slice(top, top + size), slice(left, left + size))
        if size == largest or intensity[window].sum() >= energy * intensity.sum():
            return window
    message = f"probe of shape {tuple(probe.shape)} is smaller than {WINDOW_MULTIPLE} px"
    raise ValueError(message)


class ForwardModel(nn.Module):
    """A known probe, thin-sample interaction, and the far field.

    Exit wave = probe · object patch; the detector counts the squared modulus of its far field. A
    partially coherent beam has several modes, whose counts add up (Thibault and Menzel, *Nature*
    494, 68 (2013)). Patches live in the window of the probe; outside of it there is no light.

    Args:
        probe: Complex (y, x) or (mode, y, x); the sum of ``abs()**2`` is the number of photons in
            the beam.
        energy: Share of the probe's energy that the window must hold.

    Attributes:
        bad_pixels: Pixels of the detector that measured nothing, boolean (y, x); ``None`` if all
            did. It belongs to a scan, so a bundle does not keep it.
    """

    probe: Tensor
    bad_pixels: Tensor | None

    def __init__(self, probe: Tensor, energy: float) -> None:
        super().__init__()
        self.register_buffer("probe", probe)
        self.register_buffer("bad_pixels", None, persistent=False)
        self.window = probe_window(probe, energy)

    @property
    def window_probe(self) -> Tensor:
        """The part of the probe within the window, complex (y, x) or (mode, y, x)."""
        return self.probe[..., *self.window]

    @property
    def light(self) -> Tensor:
        """The beam's intensity on the pixels of a patch, real (y, x)."""
        light = self.window_probe.abs().square()
        return light.sum(dim=0) if light.ndim == 3 else light

    @property
    def beam_size_px(self) -> float:
        """The beam's root mean square distance from its centre."""
        light = self.light
        from_centre = [torch.arange(size, device=light.device) - size // 2 for size in light.shape]
        square = from_centre[0].square()[:, None] + from_centre[1].square()
        return float(((light * square).sum() / light.sum()).sqrt())

    def detector_wave(self, object_patches: Tensor) -> Tensor:
        """Propagate patches through the probe to the detector.

        Args:
            object_patches: Complex (pattern, y, x), of the window's shape.

        Returns:
            Complex (pattern, y, x), or (pattern, mode, y, x) for a probe of several modes, of the
            detector's shape.
        """
        rows, columns = self.window
        height, width = self.probe.shape[-2:]
        around = (columns.start, width - columns.stop, rows.start, height - rows.stop)
        if self.probe.ndim == 3:
            object_patches = object_patches[:, None]
        return far_field(nn.functional.pad(self.window_probe * object_patches, around))

    def forward(self, object_patches: Tensor) -> Tensor:
        """Predict the expected counts.

        Args:
            object_patches: Complex (pattern, y, x), of the window's shape.

        Returns:
            Diffraction intensity in photons, real (pattern, y, x), of the detector's shape.
        """
        wave = self.detector_wave(object_patches)
        return incoherent_sum(wave if wave.ndim == 4 else wave[:, None])

    def back_project(self, diffraction_amplitude: Tensor) -> Tensor:
        """Guess patches from measured amplitudes in one step, without knowing their phase.

        Of several modes, the brightest is taken for all.

        The measured amplitude takes the phase that the probe alone has on the detector, goes back
        to the sample and is divided by the probe where there is light: the first step of an
        iterative reconstruction that starts from an empty sample (Maiden, Johnson and Li,
        *Optica* 4, 736 (2017), for one pattern).

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).

        Returns:
            Complex (pattern, y, x), of the window's shape.
        """
        probe = self.probe
        if probe.ndim == 3:
            probe = probe[probe.abs().square().sum(dim=(1, 2)).argmax()]
        wave = far_field(probe)
        phase = wave / wave.abs().clamp_min(torch.finfo(wave.real.dtype).tiny)
        exit_wave = inverse_far_field(diffraction_amplitude * phase)[..., *self.window]
        within = probe[self.window]
        intensity = within.abs().square()
        return exit_wave * within.conj() / (intensity + REGULARISATION * intensity.max())
