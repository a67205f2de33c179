"""A scan's patterns as tensors, in batches cut at once."""

import warnings
from typing import NamedTuple

import numpy as np

from ptycho_torch.checks import UsageError, expected
from ptycho_torch.data.grouping import group_neighbours, pick_evenly
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
        scan: The scan.
        diffraction_amplitude: Real (pattern, y, x).
        positions_px: Real (pattern, yx).
        bad_pixels: Pixels that measured nothing, boolean (y, x), or ``None``.
    """

    def __init__(self, scan: Scan, n_images: int | None = None) -> None:
        self.scan = scan
        amplitude, positions_px = scan.diffraction_amplitude, scan.positions_px
        if n_images is not None:
            picked = np.asarray(pick_evenly(len(positions_px), n_images))
            amplitude, positions_px = amplitude[picked], positions_px[picked]
        with warnings.catch_warnings():
            # A mapped scan is read-only, and nothing here writes into it.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.diffraction_amplitude = torch.from_numpy(amplitude)
        self.positions_px = torch.from_numpy(positions_px)
        self.bad_pixels = None if scan.bad_pixels is None else torch.from_numpy(scan.bad_pixels)

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
        positions_px: Real (pattern, yx).
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
        self.positions_px = positions_px
        self._patch_shape = patch_shape

    def __len__(self) -> int:
        return len(self.diffraction_amplitude)

    def __getitem__(self, index: list[int]) -> Lesson:
        """Give the patterns of a list and their patches."""
        patches = extract_patches(self._image, self.positions_px[index], self._patch_shape)
        return Lesson(self.diffraction_amplitude[index], patches)


class Group(NamedTuple):
    """Neighbouring patterns, and what is known of the object there.

    Attributes:
        diffraction_amplitude: Real (group, member, y, x).
        relative_positions_px: Patch centres from the mean of their group (group, member, yx).
        object_patches: Complex (group, member, y, x), each group up to a phase factor; ``None``
            where nothing but the counts is known.
    """

    diffraction_amplitude: torch.Tensor
    relative_positions_px: torch.Tensor
    object_patches: torch.Tensor | None


class GroupedPatterns(torch.utils.data.Dataset[Group]):
    """The patterns of a scan, each with its nearest neighbours.

    Args:
        patterns: The patterns, with or without lessons.
        gridsize: Width of a group, which has ``gridsize**2`` members.

    Raises:
        UsageError: If neighbours lie so far apart that they share no light.

    Attributes:
        members: Patterns per group.
    """

    def __init__(self, patterns: PatternDataset | TaughtPatterns, gridsize: int) -> None:
        self.patterns = patterns
        self.members = gridsize**2
        self.groups, self.relative_positions_px = group_scan(patterns.positions_px, gridsize)
        spread = float(np.ptp(self.relative_positions_px.numpy(), axis=1).max())
        width = max(patterns.diffraction_amplitude.shape[1:])
        if spread > width:
            raise UsageError(
                expected(
                    f"groups for --gridsize {gridsize}",
                    f"span at most {width} px, the width of a pattern",
                    f"{spread:.0f} px",
                    "Their patterns share no light: use --gridsize 1.",
                )
            )

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: list[int]) -> Group:
        """Give the groups of a list."""
        chosen = self.groups[index]
        found = self.patterns[chosen.flatten().tolist()]
        amplitude, patches = (found, None) if isinstance(found, torch.Tensor) else found
        return Group(
            amplitude.reshape(*chosen.shape, *amplitude.shape[1:]),
            self.relative_positions_px[index],
            None if patches is None else patches.reshape(*chosen.shape, *patches.shape[1:]),
        )


def group_scan(positions_px: torch.Tensor, gridsize: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Group scan points with their nearest ones.

    Args:
        positions_px: Real (pattern, yx).
        gridsize: Width of a group.

    Returns:
        Pattern of each member, whole (group, member), and where the members lie from the mean of
        their group, real (group, member, yx).
    """
    groups = torch.from_numpy(group_neighbours(positions_px.cpu().numpy(), gridsize))
    positions = positions_px.cpu()[groups]
    relative = positions - positions.mean(dim=1, keepdim=True)
    return groups, relative.to(torch.float32)
