"""Bring the patterns of a file to amplitudes, in memory or mapped, and look at each."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.schema import STACK

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho_torch.data.contract import Layout, ScanSource

MAPPED_BYTES = 64 * 2**20
"""Stacks from this size on are mapped instead of read, where their file allows it."""

CHUNK_BYTES = 2**24
"""Bytes of a stack that are looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """The patterns of a file.

    Attributes:
        amplitude: Float32 (pattern, y, x); 0 where bad pixels are, unless it is mapped.
        bad_pixels: Pixels that measured nothing, boolean (y, x), or ``None``.
        lowest: Least value of each pattern where it counts, float32 (pattern).
        highest: Greatest value, likewise.
        whole_numbers: Whether all values are whole numbers, as counts are.
    """

    amplitude: NDArray[np.float32]
    bad_pixels: NDArray[np.bool_] | None
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    whole_numbers: bool


def read_stack(
    source: ScanSource,
    layout: Layout,
    bad_pixels: NDArray[np.bool_] | None,
    *,
    counts: bool,
    scratch: Path | None = None,
) -> Stack:
    """Read the patterns.

    Args:
        source: The file.
        layout: What its headers told.
        bad_pixels: Pixels that are known to have measured nothing, boolean (y, x).
        counts: Whether the file holds counts instead of amplitudes.
        scratch: A file for the converted stack; it is kept in memory if ``None``.

    Raises:
        DataError: If the file is damaged.
    """
    key = layout.keys[STACK.key]
    header = source.headers[key]
    large = int(np.prod(header.shape)) * header.dtype.itemsize >= MAPPED_BYTES
    stored = source.map(key) if large and not layout.legacy else None
    if stored is None:
        stored = source.read(key)
        stored = np.moveaxis(stored, -1, 0) if layout.legacy else stored
    as_it_is = (
        isinstance(stored, np.ndarray)
        and stored.dtype == np.float32
        and stored.flags.c_contiguous
        and not counts
    )
    mapped = as_it_is and isinstance(stored, np.memmap)
    bad_pixels = _with_stuck(stored, layout.count, bad_pixels)
    converted = not mapped and not (as_it_is and bad_pixels is None)
    amplitude = np.asarray(stored) if as_it_is else _new_stack(stored.shape, scratch)
    lowest = np.empty(layout.count, np.float32)
    highest = np.empty(layout.count, np.float32)
    rows = max(1, CHUNK_BYTES * layout.count // max(stored.nbytes, 1))
    checksum, whole_numbers = header.checksum[0], True
    for start in range(0, layout.count, rows):
        part = slice(start, start + rows)
        chunk = np.asarray(stored[part])
        if mapped:
            checksum = zlib.crc32(chunk.data, checksum)
        with np.errstate(invalid="ignore", over="ignore"):
            values = chunk.astype(np.float32)
            if bad_pixels is not None:
                values[:, bad_pixels] = 0 * values[:, bad_pixels] if mapped else 0
            whole_numbers &= bool((values == np.rint(values)).all())
            lowest[part], highest[part] = values.min(axis=(1, 2)), values.max(axis=(1, 2))
            if converted:
                amplitude[part] = np.sqrt(values) if counts else values
    if mapped and checksum != header.checksum[1]:
        raise DataError(
            expected(source.name(key), "be undamaged", "another checksum", "Copy the file again.")
        )
    return Stack(
        amplitude=amplitude,
        bad_pixels=bad_pixels,
        lowest=lowest,
        highest=highest,
        whole_numbers=whole_numbers,
    )


def _with_stuck(
    stored: Any, count: int, bad_pixels: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    """Add pixels whose whole numbers can be no counts, as detectors mark those that count nothing.

    They are below 0, or the greatest number of their type, in the first, the middle and the last
    pattern.
    """
    stuck: NDArray[np.bool_] | None = None
    for row in (0, count // 2, count - 1):
        pattern = np.asarray(stored[row : row + 1])[0]
        if pattern.dtype.kind not in "iu":
            return bad_pixels
        marked = (pattern == np.iinfo(pattern.dtype).max) | (pattern < 0)
        stuck = marked if stuck is None else stuck & marked
    if stuck is None or not stuck.any():
        return bad_pixels
    return stuck if bad_pixels is None else stuck | bad_pixels


def _new_stack(shape: tuple[int, ...], scratch: Path | None) -> NDArray[np.float32]:
    """Make room for a converted stack, in memory or in a file."""
    if scratch is None:
        return np.empty(shape, np.float32)
    return np.memmap(scratch, mode="w+", dtype=np.float32, shape=shape)
