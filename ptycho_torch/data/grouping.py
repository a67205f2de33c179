"""Which patterns of a scan to take, and which of them are neighbours."""

from __future__ import annotations

import numpy as np

from ptycho_torch.checks import UsageError, check_least, expected

BLOCK = 1024
"""Scan points whose distances to all others are held at once."""


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


def check_gridsize(gridsize: int, patterns: int, among: str = "the patterns") -> None:
    """Refuse groups that so many patterns cannot fill.

    Args:
        gridsize: Width of a group.
        patterns: Number of patterns to group.
        among: What they are called in the error.

    Raises:
        UsageError: If the width is not at least 1, or a group needs more patterns than there are.
    """
    check_least("--gridsize", gridsize, 1)
    if gridsize**2 > patterns:
        to = f"be at least {gridsize**2} for groups of --gridsize {gridsize}"
        remedy = "Take more, or train with a smaller --gridsize."
        raise UsageError(expected(among, to, patterns, remedy))


def group_neighbours(positions_px: np.ndarray, gridsize: int) -> np.ndarray:
    """Group every scan point with its nearest ones.

    Which points are taken, and in what order, depends on the positions alone. Of points at the same
    distance the earlier ones are taken.

    Args:
        positions_px: Float (position, yx), at least ``gridsize**2`` of them.
        gridsize: Width of a group.

    Returns:
        Indices (group, member), as many groups as points. Group *i* holds point *i* once, and
        ``gridsize**2`` distinct points in all: sorted by y into rows, and by x within each row.

    Examples:
        >>> corners = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0], [9.0, 9.0]])
        >>> group_neighbours(corners, 2).tolist()[3:]
        [[0, 1, 2, 3], [2, 1, 3, 4]]
    """
    count = gridsize**2
    groups = [np.empty((0, count), dtype=np.int64)]
    for start in range(0, len(positions_px), BLOCK):
        block = positions_px[start : start + BLOCK]
        distance = np.square(block[:, None, :] - positions_px[None, :, :]).sum(axis=2)
        distance[np.arange(len(block)), np.arange(len(block)) + start] = -1.0
        farthest = np.partition(distance, count - 1, axis=1)[:, count - 1, None]
        rows, columns = np.nonzero(distance <= farthest)
        order = np.lexsort((columns, distance[rows, columns], rows))
        first = np.searchsorted(rows, np.arange(len(block)))
        groups.append(np.sort(columns[order][first[:, None] + np.arange(count)], axis=1))
    members = np.concatenate(groups)
    for axis, shape in ((0, (-1, count)), (1, (-1, gridsize))):
        members = members.reshape(shape)
        order = np.argsort(positions_px[members, axis], axis=1, kind="stable")
        members = np.take_along_axis(members, order, axis=1)
    return members.reshape(-1, count)
