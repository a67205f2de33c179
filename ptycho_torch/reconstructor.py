"""The whole machine: patterns in, a stitched object out. It knows no Lightning and no files."""

from ptycho_torch.checks import UsageError, expected
from ptycho_torch.config import ModelConfig
from ptycho_torch.models.unet import UNet
from ptycho_torch.needs_torch import limit_threads, torch
from ptycho_torch.physics.forward_model import ForwardModel
from ptycho_torch.physics.losses import patch_distance, poisson_nll
from ptycho_torch.reassembly import StitchedObject, stitch, synchronise_phases

LEVELS_MAXIMUM = 3

INPUTS = 3
"""Channels that the network sees: the guess's real and imaginary part, and the pattern."""


PREDICTED_PIXELS_PER_THREAD = 500_000
"""Fewer pixels of a batch than this are not worth another thread when predicting.

With 2 threads on 2 busy cores, 512 patterns took 9 s instead of 1 s with one thread.
"""


class Reconstructor(torch.nn.Module):
    """Predict object patches from diffraction amplitudes, for one known probe.

    A pattern is projected back to the sample in one step; a U-Net turns that blurred guess, with
    the pattern itself beside it, into amplitude and phase. Its teacher is physics alone: the patch,
    sent through the probe to the detector, must explain the counts.

    Args:
        probe: Complex (y, x) or (mode, y, x); the sum of ``abs()**2`` is the number of photons in
            the beam.
        config: Shape of the network.

    Raises:
        UsageError: If the network cannot have that shape.

    Attributes:
        amplitude_scale: Typical amplitude of the object; what the network predicts is relative.
        input_mean: Mean of the network's inputs, real (1, channel, 1, 1).
        input_spread: Their standard deviation, of the same shape.
    """

    amplitude_scale: torch.Tensor
    input_mean: torch.Tensor
    input_spread: torch.Tensor

    def __init__(self, probe: torch.Tensor, config: ModelConfig) -> None:
        super().__init__()
        if config.channels < 1 or not 1 <= config.levels <= LEVELS_MAXIMUM:
            raise UsageError(
                expected(
                    "ModelConfig",
                    f"have at least 1 channel and 1 to {LEVELS_MAXIMUM} levels",
                    f"{config.channels} and {config.levels}",
                    "Windows are multiples of 8 px, which can be halved three times.",
                )
            )
        self.config = config
        self.forward_model = ForwardModel(probe, config.probe_energy)
        self.network = UNet(INPUTS, config.channels, config.levels)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("amplitude_scale", torch.ones(()))
        self.register_buffer("input_mean", torch.zeros(1, INPUTS, 1, 1))
        self.register_buffer("input_spread", torch.ones(1, INPUTS, 1, 1))

    @torch.no_grad()
    def calibrate(self, diffraction_amplitude: torch.Tensor) -> None:
        """Take the scales of the inputs from the patterns to train on.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).
        """
        photons = diffraction_amplitude.square().sum(dim=(1, 2)).mean()
        beam = self.forward_model.probe.abs().square().sum()
        self.amplitude_scale.copy_((photons / beam).sqrt())
        images = self._images(diffraction_amplitude)
        self.input_mean.copy_(images.mean(dim=(0, 2, 3), keepdim=True))
        self.input_spread.copy_(images.std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-6))

    def _images(self, diffraction_amplitude: torch.Tensor) -> torch.Tensor:
        """Give the network's inputs, real (pattern, channel, y, x), in the probe's window."""
        guess = self.forward_model.back_project(diffraction_amplitude)
        pattern = diffraction_amplitude[:, *self.forward_model.window].log1p()
        return torch.stack([guess.real, guess.imag, pattern], dim=1)

    def forward(self, diffraction_amplitude: torch.Tensor) -> torch.Tensor:
        """Predict patches.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).

        Returns:
            Object patches in the probe's window, complex (pattern, y, x), each up to a phase.
        """
        images = (self._images(diffraction_amplitude) - self.input_mean) / self.input_spread
        images = images.contiguous(memory_format=torch.channels_last)
        amplitude, phase_rad = self.network(images)
        return torch.polar(amplitude * self.amplitude_scale, phase_rad)

    def loss(self, diffraction_amplitude: torch.Tensor) -> torch.Tensor:
        """Judge the predicted patches by the counts that they explain.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).

        Returns:
            The Poisson negative log-likelihood per pixel, above that of a perfect model.
        """
        return self.counts_loss(self(diffraction_amplitude), diffraction_amplitude)

    def counts_loss(
        self, object_patches: torch.Tensor, diffraction_amplitude: torch.Tensor
    ) -> torch.Tensor:
        """Judge patches, complex (pattern, y, x), by the counts that they explain."""
        return poisson_nll(self.forward_model(object_patches), diffraction_amplitude.square())

    def lesson_loss(
        self, object_patches: torch.Tensor, known_patches: torch.Tensor
    ) -> torch.Tensor:
        """Judge patches by known ones, weighed by the light on their pixels.

        Args:
            object_patches: Complex (pattern, y, x).
            known_patches: Complex (pattern, y, x).

        Returns:
            The mean squared difference, each patch at its best phase, relative to the object's
            typical amplitude.
        """
        distance = patch_distance(object_patches, known_patches, self.light)
        return distance / self.amplitude_scale.square()

    @property
    def light(self) -> torch.Tensor:
        """The beam's intensity on the pixels of a patch, real (y, x)."""
        light = self.forward_model.window_probe.abs().square()
        return light.sum(dim=0) if light.ndim == 3 else light

    @torch.no_grad()
    def predict(self, diffraction_amplitude: torch.Tensor, batch_size: int) -> torch.Tensor:
        """Predict the patches of many patterns, batch by batch.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).
            batch_size: Patterns per forward pass.

        Returns:
            Object patches, complex (pattern, y, x).
        """
        device = self.forward_model.probe.device
        batches = torch.split(diffraction_amplitude, batch_size)
        pixels = batch_size * self.light.numel()
        with limit_threads(pixels // PREDICTED_PIXELS_PER_THREAD):
            return torch.cat([self(batch.to(device)) for batch in batches])

    @torch.no_grad()
    def stitch(self, patches: torch.Tensor, positions_px: torch.Tensor) -> StitchedObject:
        """Bring patches to a common phase and average them where they overlap.

        Args:
            patches: Complex (pattern, y, x).
            positions_px: Patch centres, real (pattern, yx).

        Returns:
            The object.
        """
        weight = self.light
        positions_px = positions_px.to(patches.device, weight.dtype)
        with limit_threads(1):
            return stitch(synchronise_phases(patches, weight, positions_px), weight, positions_px)
