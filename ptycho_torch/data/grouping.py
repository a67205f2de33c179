"""Which patterns of a scan to take, and which of them are neighbours."""

from __future__ import annotations

import numpy as np

from ptycho_torch.checks import UsageError, expected


def pick_evenly(available: int, wanted: int | None, name: str = "--n_images") -> list[int]:
    """Pick patterns evenly over the scan, in its order.

    The first patterns of a raster cover a strip; evenly picked ones cover the whole field.

    Args:
        available: Number of patterns in the scan.
        wanted: Number of patterns to pick; all of them if ``None``.
        name: What the number is called in an error.

    Returns:
        Indices, ascending and distinct.

    Raises:
        UsageError: If there are not so many.

    Examples:
        >>> pick_evenly(10, 4)
        [0, 3, 6, 9]
        >>> pick_evenly(3, None)
        [0, 1, 2]
    """
    if wanted is None:
        return list(range(available))
    if not 1 <= wanted <= available:
        raise UsageError(
            expected(
                name, f"be 1 to {available}, the patterns in the file", wanted, "Ask for fewer."
            )
        )
    return [int(index) for index in np.linspace(0, available - 1, wanted).round()]


def neighbour_pairs(positions_px: np.ndarray, count: int) -> np.ndarray:
    """Pair every scan point with its nearest ones.

    Args:
        positions_px: Float (position, yx).
        count: How many neighbours each point brings; fewer where the scan has fewer.

    Returns:
        Distinct pairs of indices (pair, 2), the smaller first, sorted.

    Examples:
        >>> neighbour_pairs(np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0]]), 1).tolist()
        [[0, 1], [1, 2]]
    """
    total = len(positions_px)
    count = min(count, total - 1)
    if count < 1:
        return np.empty((0, 2), dtype=np.int64)
    pairs = []
    for start in range(0, total, 1024):
        block = positions_px[start : start + 1024]
        distance = np.square(block[:, None, :] - positions_px[None, :, :]).sum(axis=2)
        rows = np.arange(len(block))
        distance[rows, rows + start] = np.inf
        nearest = np.argpartition(distance, count - 1, axis=1)[:, :count]
        pairs.append(np.stack(np.broadcast_arrays(rows[:, None] + start, nearest), axis=2))
    return np.unique(np.sort(np.concatenate(pairs).reshape(-1, 2), axis=1), axis=0)
