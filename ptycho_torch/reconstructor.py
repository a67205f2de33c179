"""The whole machine: patterns in, a stitched object out. It knows no Lightning and no files."""

import numpy as np

from ptycho_torch.checks import UsageError, expected
from ptycho_torch.config import ModelConfig
from ptycho_torch.data.dataset import group_scan
from ptycho_torch.data.grouping import check_gridsize
from ptycho_torch.data.links import Links
from ptycho_torch.data.scan import Scan
from ptycho_torch.models.unet import UNet
from ptycho_torch.needs_torch import limit_threads, torch
from ptycho_torch.physics.detector import (
    beam_on_detector,
    fill_bad_pixels,
    mean_counts,
    transmitted_amplitude,
)
from ptycho_torch.physics.forward_model import ForwardModel
from ptycho_torch.physics.groups import merge_patches, share_patches
from ptycho_torch.physics.losses import patch_distance, poisson_nll
from ptycho_torch.reassembly import StitchedObject, stitch
from ptycho_torch.synchronisation import synchronise_phases

LEVELS_MAXIMUM = 3

INPUTS = 3
"""Channels that the network sees: the guess's real and imaginary part, and the pattern."""

PLACES = 2
"""Further channels of a member of a group: where it lies, (y, x), in units of the beam's size."""


FIRST_PATTERNS = 8
"""How many patterns' predictions are kept, to compare a loaded bundle with the trained network."""

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
        exposure: By what measured amplitudes are multiplied before they are looked at: 1 where the
            beam has the energy of the known probe, see :meth:`look_at`.
    """

    amplitude_scale: torch.Tensor
    input_mean: torch.Tensor
    input_spread: torch.Tensor

    def __init__(self, probe: torch.Tensor, config: ModelConfig) -> None:
        super().__init__()
        if config.channels < 1 or not 1 <= config.levels <= LEVELS_MAXIMUM or config.gridsize < 1:
            raise UsageError(
                expected(
                    "ModelConfig",
                    f"have at least 1 channel, 1 to {LEVELS_MAXIMUM} levels and a gridsize from 1",
                    f"{config.channels}, {config.levels} and {config.gridsize}",
                    "Windows are multiples of 8 px, which can be halved three times.",
                )
            )
        self.config = config
        self.forward_model = ForwardModel(probe, config.probe_energy)
        self.exposure = 1.0
        self.members = config.gridsize**2
        inputs = INPUTS if self.members == 1 else self.members * (INPUTS + PLACES)
        self.network = UNet(inputs, config.channels, config.levels, self.members)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("amplitude_scale", torch.ones(()))
        self.register_buffer("input_mean", torch.zeros(1, INPUTS, 1, 1))
        self.register_buffer("input_spread", torch.ones(1, INPUTS, 1, 1))

    def look_at(self, scan: Scan) -> None:
        """Take over what differs from scan to scan of one beam: bad pixels and the exposure.

        The network knows patterns of its own probe's energy. Those of a scan that was exposed for
        longer, and whose probe says so, are dimmed to it.
        """
        model = self.forward_model
        known = model.probe.cpu().numpy()
        self.exposure = float(np.linalg.norm(known) / np.linalg.norm(scan.probe))
        bad = None if scan.bad_pixels is None else torch.from_numpy(scan.bad_pixels)
        model.bad_pixels = None if bad is None else bad.to(model.probe.device)

    @torch.no_grad()
    def calibrate(self, diffraction_amplitude: torch.Tensor) -> None:
        """Take the scales of the inputs from the patterns to train on.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).
        """
        model = self.forward_model
        photons = mean_counts(diffraction_amplitude, model.bad_pixels)
        self.amplitude_scale.copy_(transmitted_amplitude(photons, model.probe, model.bad_pixels))
        images = self._images(diffraction_amplitude)
        self.input_mean.copy_(images.mean(dim=(0, 2, 3), keepdim=True))
        self.input_spread.copy_(images.std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-6))

    def _images(self, diffraction_amplitude: torch.Tensor) -> torch.Tensor:
        """Give the network's inputs, real (pattern, channel, y, x), in the probe's window."""
        model = self.forward_model
        if model.bad_pixels is not None:
            empty = beam_on_detector(model.probe).sqrt() * self.amplitude_scale
            diffraction_amplitude = fill_bad_pixels(diffraction_amplitude, model.bad_pixels, empty)
        guess = model.back_project(diffraction_amplitude)
        pattern = diffraction_amplitude[:, *model.window].log1p()
        return torch.stack([guess.real, guess.imag, pattern], dim=1)

    def forward(
        self,
        diffraction_amplitude: torch.Tensor,
        relative_positions_px: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict patches.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x), or for groups
                (group, member, y, x).
            relative_positions_px: Where members lie in their group, real (group, member, yx);
                ``None`` for single patterns.

        Returns:
            Object patches in the probe's window, complex, of the input's leading axes: each pattern
            or each group up to a phase.
        """
        patterns = diffraction_amplitude.flatten(end_dim=-3) * self.exposure
        images = (self._images(patterns) - self.input_mean) / self.input_spread
        if relative_positions_px is not None:
            images = images.reshape(*diffraction_amplitude.shape[:2], *images.shape[1:])
            places = relative_positions_px / self.forward_model.beam_size_px
            places = places[..., None, None].expand(-1, -1, -1, *images.shape[-2:])
            images = torch.cat([images, places], dim=2).flatten(1, 2)
        images = images.contiguous(memory_format=torch.channels_last)
        amplitude, phase_rad = self.network(images)
        patches = torch.polar(amplitude * self.amplitude_scale, phase_rad)
        return patches[:, 0] if relative_positions_px is None else patches

    def agree(
        self,
        diffraction_amplitude: torch.Tensor,
        relative_positions_px: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict patches, those of a group from the one region that its members share.

        Takes and gives what :meth:`forward` does.
        """
        patches: torch.Tensor = self(diffraction_amplitude, relative_positions_px)
        if relative_positions_px is None:
            return patches
        return share_patches(patches, relative_positions_px, self.light)

    def loss(
        self,
        diffraction_amplitude: torch.Tensor,
        relative_positions_px: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Judge the patches predicted from what :meth:`forward` takes by the counts.

        Returns:
            The Poisson negative log-likelihood per pixel, above that of a perfect model.
        """
        patches = self.agree(diffraction_amplitude, relative_positions_px)
        return self.counts_loss(patches, diffraction_amplitude)

    def counts_loss(
        self, object_patches: torch.Tensor, diffraction_amplitude: torch.Tensor
    ) -> torch.Tensor:
        """Judge patches, complex (…, pattern, y, x), by the counts that they explain."""
        predicted = self.forward_model(object_patches.flatten(end_dim=-3))
        counts = (diffraction_amplitude.flatten(end_dim=-3) * self.exposure).square()
        return poisson_nll(predicted, counts, self.forward_model.bad_pixels)

    def lesson_loss(
        self, object_patches: torch.Tensor, known_patches: torch.Tensor
    ) -> torch.Tensor:
        """Judge patches by known ones, weighed by the light on their pixels.

        Args:
            object_patches: Complex (pattern, y, x), or for groups (group, member, y, x).
            known_patches: Complex, of the same shape.

        Returns:
            The mean squared difference, each pattern or group at its best phase, relative to the
            object's typical amplitude.
        """
        distance = patch_distance(object_patches, known_patches, self.light)
        return distance / self.amplitude_scale.square()

    def first_patches(self, scan: Scan) -> torch.Tensor:
        """Predict the first patterns of a scan, by which two copies of a network are compared.

        Args:
            scan: The scan.

        Returns:
            Object patches, complex (pattern, y, x): 8 patterns, or as many as a group has.
        """
        self.look_at(scan)
        count = max(FIRST_PATTERNS, self.members)
        first = torch.tensor(scan.diffraction_amplitude[:count])
        return self.predict(first, count, torch.tensor(scan.positions_px[:count]))

    @property
    def light(self) -> torch.Tensor:
        """The beam's intensity on the pixels of a patch, real (y, x)."""
        return self.forward_model.light

    @torch.no_grad()
    def predict(
        self,
        diffraction_amplitude: torch.Tensor,
        batch_size: int,
        positions_px: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict the patches of many patterns, batch by batch.

        Args:
            diffraction_amplitude: Roots of counts, real (pattern, y, x).
            batch_size: Patterns per forward pass.
            positions_px: Patch centres, real (pattern, yx); single patterns need none.

        Returns:
            Object patches, complex (pattern, y, x), each up to a phase.

        Raises:
            UsageError: If there are fewer patterns than a group has.
        """
        device = self.forward_model.probe.device
        if self.members > 1:
            return self._predict_groups(diffraction_amplitude, batch_size, positions_px)
        batches = torch.split(diffraction_amplitude, batch_size)
        pixels = batch_size * self.light.numel()
        with limit_threads(pixels // PREDICTED_PIXELS_PER_THREAD):
            return torch.cat([self(batch.to(device)) for batch in batches])

    def _predict_groups(
        self,
        diffraction_amplitude: torch.Tensor,
        batch_size: int,
        positions_px: torch.Tensor | None,
    ) -> torch.Tensor:
        """Predict each pattern in every group that it is in, and average."""
        if positions_px is None:
            message = "patterns are grouped by their positions"
            raise TypeError(message)
        check_gridsize(self.config.gridsize, len(positions_px))
        device = self.forward_model.probe.device
        groups, relative = group_scan(positions_px, self.config.gridsize)
        size = max(1, batch_size // self.members)
        pixels = batch_size * self.light.numel()
        with limit_threads(pixels // PREDICTED_PIXELS_PER_THREAD):
            patches = torch.cat(
                [
                    self(diffraction_amplitude[chosen].to(device), places.to(device))
                    for chosen, places in zip(
                        torch.split(groups, size), torch.split(relative, size), strict=True
                    )
                ]
            )
            return merge_patches(patches, groups.to(device), self.light)

    @torch.no_grad()
    def stitch(
        self, patches: torch.Tensor, positions_px: torch.Tensor, links: Links | None = None
    ) -> StitchedObject:
        """Bring patches to a common phase and average them where they overlap.

        Args:
            patches: Complex (pattern, y, x).
            positions_px: Patch centres, real (pattern, yx).
            links: Which patterns share light; looked for if ``None``.

        Returns:
            The object.
        """
        weight = self.light
        positions_px = positions_px.to(patches.device, weight.dtype)
        with limit_threads(1):
            patches = synchronise_phases(patches, weight, positions_px, links)
            return stitch(patches, weight, positions_px)
