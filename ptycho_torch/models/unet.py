"""A small U-Net with one head for amplitude and one for phase."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

LOG_AMPLITUDE_LIMIT = 3.0
"""Predicted amplitudes stay within exp(±3): no object is darker or brighter by more than that."""

HEAD_SCALE = 0.1
"""Spread of the untrained heads' output: a new network starts from a nearly empty sample."""


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.SiLU(),
    )


class UNet(nn.Module):
    """Map images to a positive amplitude and a phase (Ronneberger et al., MICCAI 2015).

    It works at half resolution on 2 × 2 pixels as channels, and its heads give the pixels back.
    An untrained network gives an amplitude near 1 and a phase near 0, so that a forward model
    behind it starts at about the right energy whatever the seed.

    Args:
        inputs: Channels of the input images.
        channels: Feature channels at the finest level; they double at each level.
        levels: Number of levels. Images must be divisible by ``2**levels`` in both directions.
        outputs: Amplitudes and phases to predict.
    """

    def __init__(self, inputs: int, channels: int, levels: int, outputs: int = 1) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(levels)]
        self.stem = nn.Conv2d(4 * inputs, channels, 3, padding=1)
        self.encoders = nn.ModuleList(
            _block(before, after)
            for before, after in zip([channels, *widths], widths, strict=False)
        )
        self.decoders = nn.ModuleList(
            _block(low + high, high) for high, low in reversed(list(pairwise(widths)))
        )
        self.amplitude_head = nn.Conv2d(channels, 4 * outputs, 3, padding=1)
        self.phase_head = nn.Conv2d(channels, 4 * outputs, 3, padding=1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights: He for the body, small for the heads."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        for head in (self.amplitude_head, self.phase_head):
            fan_in = head.in_channels * math.prod(head.kernel_size)
            nn.init.normal_(head.weight, std=HEAD_SCALE / math.sqrt(fan_in))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Predict amplitude and phase.

        Args:
            images: Real (image, channel, y, x), each channel of about zero mean and unit spread.

        Returns:
            Amplitude, positive, and phase in rad, both real (image, output, y, x).
        """
        features = self.stem(nn.functional.pixel_unshuffle(images, 2))
        skipped = []
        for encoder in self.encoders[:-1]:
            features = encoder(features)
            skipped.append(features)
            features = nn.functional.avg_pool2d(features, 2)
        features = self.encoders[-1](features)
        for decoder in self.decoders:
            features = nn.functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = decoder(torch.cat([features, skipped.pop()], dim=1))
        amplitude = nn.functional.pixel_shuffle(self.amplitude_head(features), 2)
        phase_rad = nn.functional.pixel_shuffle(self.phase_head(features), 2)
        return amplitude.clamp(-LOG_AMPLITUDE_LIMIT, LOG_AMPLITUDE_LIMIT).exp(), phase_rad
