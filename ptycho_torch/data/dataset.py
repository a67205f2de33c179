"""A scan's patterns as tensors, in batches cut at once."""

import warnings
from typing import NamedTuple

import numpy as np

from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.data.scan import Scan
from ptycho_torch.needs_torch import torch
from ptycho_torch.physics.patches import extract_patches


class PatternDataset(torch.utils.data.Dataset[torch.Tensor]):
    """The diffraction amplitudes of a scan.

    An index may be a list: a whole batch is one indexing operation, not one per pattern.

    Args:
        scan: The scan.
        n_images: How many patterns to pick, evenly over the scan; all of them if ``None``.

    Attributes:
        diffraction_amplitude: Real (pattern, y, x).
        positions_px: Real (pattern, yx).
    """

    def __init__(self, scan: Scan, n_images: int | None = None) -> None:
        amplitude, positions_px = scan.diffraction_amplitude, scan.positions_px
        if n_images is not None:
            picked = np.asarray(pick_evenly(len(positions_px), n_images))
            amplitude, positions_px = amplitude[picked], positions_px[picked]
        with warnings.catch_warnings():
            # A mapped scan is read-only, and nothing here writes into it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.diffraction_amplitude = torch.from_numpy(amplitude)
        self.positions_px = torch.from_numpy(positions_px)

    def __len__(self) -> int:
        return len(self.diffraction_amplitude)

    def __getitem__(self, index: int | list[int]) -> torch.Tensor:
        """Give one pattern (y, x), or those of a list (pattern, y, x)."""
        return self.diffraction_amplitude[index]


class Lesson(NamedTuple):
    """Patterns, and what is known of the object there.

    Attributes:
        diffraction_amplitude: Real (pattern, y, x).
        object_patches: Complex (pattern, y, x), each up to a phase factor.
    """

    diffraction_amplitude: torch.Tensor
    object_patches: torch.Tensor


class TaughtPatterns(torch.utils.data.Dataset[Lesson]):
    """The diffraction amplitudes of a scan, with patches of an image that explains them.

    Args:
        patterns: The patterns.
        image: The image, complex (y, x).
        positions_px: Patch centres from the centre of the image's pixel [0, 0] (pattern, yx).
        patch_shape: Height and width of a patch.

    Attributes:
        diffraction_amplitude: Real (pattern, y, x).
    """

    def __init__(
        self,
        patterns: PatternDataset,
        image: torch.Tensor,
        positions_px: torch.Tensor,
        patch_shape: tuple[int, int],
    ) -> None:
        self.diffraction_amplitude = patterns.diffraction_amplitude
        self._image = image
        self._positions_px = positions_px
        self._patch_shape = patch_shape

    def __len__(self) -> int:
        return len(self.diffraction_amplitude)

    def __getitem__(self, index: list[int]) -> Lesson:
        """Give the patterns of a list and their patches."""
        patches = extract_patches(self._image, self._positions_px[index], self._patch_shape)
        return Lesson(self.diffraction_amplitude[index], patches)
