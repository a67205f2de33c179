"""Which patterns of a scan share light, and into how many islands the scan falls apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECTORS = 8
"""Directions in each of which a pattern is linked with its nearest neighbour.

Nearest neighbours alone fall apart on a fly scan, where all of them lie on the same line. The
nearest one in each of at least 6 directions joins whatever can be joined (Yao, *SIAM J. Comput.*
11, 721 (1982)).
"""

SHARED_LIGHT = 1e-3
"""Least light that linked patterns share, of what a pattern shares with itself."""

BLOCK = 256
"""Patterns that are linked at once; bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """How the patterns of a scan hang together.

    Attributes:
        pairs: Linked patterns, whole (pair, 2), distinct, the smaller number first, sorted.
        island: Number of the island that each pattern lies on, whole (pattern); the largest is 0.
    """

    pairs: NDArray[np.int64]
    island: NDArray[np.int64]

    @property
    def islands(self) -> int:
        """Give the number of islands: parts of the scan that share no light with each other."""
        return int(self.island.max()) + 1


def shared_light(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give how much light two patterns share by how far they lie apart.

    Args:
        light: Intensity of the beam, real (y, x).

    Returns:
        The normalised autocorrelation, real (2 y - 1, 2 x - 1); 1 at no distance, in its middle.

    Examples:
        >>> shared_light(np.array([[1.0, 1.0]])).round(6).tolist()
        [[0.5, 1.0, 0.5]]
    """
    height, width = light.shape
    spectrum = np.fft.rfft2(light, (2 * height, 2 * width))
    shared = np.fft.irfft2(np.abs(spectrum) ** 2, (2 * height, 2 * width))
    shared = np.roll(shared, (height - 1, width - 1), axis=(0, 1))[:-1, :-1]
    return np.asarray(shared / shared.max(), dtype=np.float64)


def link_patterns(positions_px: NDArray[np.floating], light: NDArray[np.floating]) -> Links:
    """Link each pattern with the nearest ones around it that share its light.

    Args:
        positions_px: Scan positions (pattern, yx).
        light: Intensity of the beam, real (y, x).

    Returns:
        The links. All patterns that hang together by shared light do so by links.

    Examples:
        >>> row = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0], [9.0, 0.0]])
        >>> links = link_patterns(row, np.ones((3, 3)))
        >>> links.pairs.tolist(), links.island.tolist()
        ([[0, 1], [1, 2]], [0, 0, 0, 1])
    """
    shared = shared_light(np.asarray(light, dtype=np.float64)) >= SHARED_LIGHT
    island = np.arange(len(positions_px))
    pairs = _nearest_around(positions_px, shared, np.full(len(island), -1))
    while (island := _merge(island, pairs)).any():
        more = _nearest_around(positions_px, shared, island)
        if not len(more):
            break
        pairs = np.concatenate([pairs, more])
    _, island, size = np.unique(island, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-size, kind="stable"), kind="stable")
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return Links(pairs=pairs, island=rank[island])


def _nearest_around(
    positions_px: NDArray[np.floating], shared: NDArray[np.bool_], island: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pair patterns with the nearest one in each direction, on other islands than their own.

    Args:
        positions_px: Scan positions (pattern, yx).
        shared: Whether light is shared by whole-pixel distance, boolean (2 y - 1, 2 x - 1).
        island: Island of each pattern; -1 for all lets every pair in.
    """
    reach = (shared.shape[0] // 2, shared.shape[1] // 2)
    long = int(np.ptp(positions_px, axis=0).argmax())
    order = np.argsort(positions_px[:, long], kind="stable")
    positions_px, island = positions_px[order], island[order]
    along = positions_px[:, long]
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(order), BLOCK):
        own = np.arange(start, min(start + BLOCK, len(order)))
        low = np.searchsorted(along, along[own[0]] - reach[long] - 1)
        high = np.searchsorted(along, along[own[-1]] + reach[long] + 1, side="right")
        near = positions_px[low:high]
        down, right = (near[:, axis] - positions_px[own, axis, None] for axis in (0, 1))
        row, column = np.nonzero((np.abs(down) < reach[0] + 0.5) & (np.abs(right) < reach[1] + 0.5))
        down, right = down[row, column], right[row, column]
        usable = shared[np.rint(down).astype(int) + reach[0], np.rint(right).astype(int) + reach[1]]
        usable &= own[row] != column + low
        usable &= (island[own[row]] != island[column + low]) | (island[own[row]] < 0)
        row, column, down, right = (each[usable] for each in (row, column, down, right))
        sector = np.rint(np.arctan2(down, right) * (SECTORS / (2 * np.pi))) % SECTORS
        direction = row * SECTORS + sector.astype(int)
        nearest = np.lexsort((np.square(down) + np.square(right), direction))
        chosen = nearest[np.unique(direction[nearest], return_index=True)[1]]
        found.append(order[np.stack([own[row[chosen]], low + column[chosen]], axis=1)])
    return np.concatenate(found)


def _merge(island: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give linked patterns the same island: the least number among them."""
    while True:
        least = island.copy()
        np.minimum.at(least, pairs[:, 0], island[pairs[:, 1]])
        np.minimum.at(least, pairs[:, 1], island[pairs[:, 0]])
        least = least[least]
        if np.array_equal(least, island):
            return island
        island = least
