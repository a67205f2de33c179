"""Read a scan from a file of any format that is known, and judge it before it is used."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.contract import read_layout
from ptycho_torch.data.npz_source import NpzSource
from ptycho_torch.data.plausibility import (
    order_by_light,
    position_problems,
    probe_problems,
    stack_problems,
)
from ptycho_torch.data.scan import Scan
from ptycho_torch.data.schema import OBJECT, PROBE, STACK, X, Y

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho_torch.data.contract import Layout, ScanSource

MAPPED_BYTES = 64 * 2**20
"""Stacks from this size on are mapped instead of read, where their file allows it."""

CHUNK_BYTES = 2**24
"""Bytes of a stack that are looked at together."""

HDF5_MAGIC, ZIP_MAGIC = b"\x89HDF\r\n\x1a\n", b"PK"


@dataclass(slots=True, kw_only=True)
class Examined:
    """What is known of a file so far.

    Attributes:
        source: The file.
        layout: What its headers told.
        scan: What was read, right or wrong.
        scratch: A file for the converted stack; it is kept in memory if ``None``.
        whole_numbers: Whether the stack holds whole numbers only, as counts do.
    """

    source: ScanSource
    layout: Layout | None = None
    scan: Scan | None = None
    scratch: Path | None = None
    whole_numbers: bool = True


def open_source(path: Path, patterns: Path | None = None) -> ScanSource:
    """Open a file by what it is, not by its name.

    Args:
        path: An NPZ, CXI or Ptychodus file.
        patterns: A file that holds the patterns to a Ptychodus product.

    Raises:
        DataError: If it is missing or of another kind.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no file there"
        raise DataError(expected(str(path), "be a scan", got, "Check the path."))
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == HDF5_MAGIC:
        from ptycho_torch.data.hdf5_file import open_hdf5  # noqa: PLC0415 - needs h5py

        return open_hdf5(path, patterns)
    if not magic.startswith(ZIP_MAGIC):
        got = "a file of another kind" if magic else "an empty file"
        raise DataError(
            expected(str(path), "be a scan (NPZ, or HDF5)", got, "Write it with numpy.savez.")
        )
    return NpzSource(path)


def examine(found: Examined, *, counts: bool) -> Iterator[str]:
    """Read a file step by step and say what is wrong with it.

    Args:
        found: Where to put what is read.
        counts: Whether the stack holds counts instead of amplitudes.

    Yields:
        Problems; without any, ``found`` is complete.

    Raises:
        DataError: If the file is damaged, so that nothing more can be said.
    """
    source = found.source
    counts = counts or source.counts
    found.layout, problems = read_layout(source, counts=counts)
    yield from problems
    if found.layout is None:
        return
    layout = found.layout
    columns = [source.read(layout.keys[spec.key]) for spec in (Y, X)]
    positions_px = np.stack(columns, axis=1).astype(np.float64)
    yield from position_problems(source, positions_px, layout)
    probe = source.read(layout.keys[PROBE.key])
    yield from probe_problems(source.name(layout.keys[PROBE.key]), probe)
    guess = source.read(layout.keys[OBJECT.key]) if OBJECT.key in layout.keys else None
    if layout.legacy is None:
        key = layout.keys[STACK.key]
        legacy = order_by_light(source.read(key), counts=counts)
        if legacy is None:
            got = f"shape {source.headers[key].shape}, which can be read twice"
            remedy = "Leave out one pattern and its position, so that the axes differ."
            yield expected(source.name(key), "have one axis of patterns", got, remedy)
            return
        layout = found.layout = replace(layout, legacy=legacy)
        source.notes.append("two axes could be that of the patterns; the light per pattern told")
    lowest = np.empty(layout.count, np.float32)
    highest = np.empty(layout.count, np.float32)
    amplitude = _read_stack(found, layout, lowest, highest, counts=counts)
    yield from stack_problems(source.name(layout.keys[STACK.key]), lowest, highest)
    with np.errstate(over="ignore"):
        found.scan = Scan(
            diffraction_amplitude=amplitude,
            positions_px=positions_px,
            probe=probe.astype(np.complex64),
            object_guess=None if guess is None else guess.astype(np.complex64),
        )


def _read_stack(
    found: Examined,
    layout: Layout,
    lowest: NDArray[np.float32],
    highest: NDArray[np.float32],
    *,
    counts: bool,
) -> NDArray[np.float32]:
    """Bring the stack to amplitudes (pattern, y, x), in memory or mapped, and look at each."""
    source, key = found.source, layout.keys[STACK.key]
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
    checked = as_it_is and isinstance(stored, np.memmap)
    amplitude = np.asarray(stored) if as_it_is else _new_stack(stored.shape, found.scratch)
    rows = max(1, CHUNK_BYTES * layout.count // max(stored.nbytes, 1))
    checksum = header.checksum[0]
    for start in range(0, layout.count, rows):
        part = slice(start, start + rows)
        chunk = np.asarray(stored[part])
        if checked:
            checksum = zlib.crc32(chunk.data, checksum)
        with np.errstate(invalid="ignore", over="ignore"):
            found.whole_numbers &= bool((chunk == np.rint(chunk)).all())
            values = chunk.astype(np.float32)
            lowest[part], highest[part] = values.min(axis=(1, 2)), values.max(axis=(1, 2))
            if not as_it_is:
                amplitude[part] = np.sqrt(values) if counts else values
    if checked and checksum != header.checksum[1]:
        raise DataError(
            expected(source.name(key), "be undamaged", "another checksum", "Copy the file again.")
        )
    return amplitude


def _new_stack(shape: tuple[int, ...], scratch: Path | None) -> NDArray[np.float32]:
    """Make room for a converted stack, in memory or in a file."""
    if scratch is None:
        return np.empty(shape, np.float32)
    return np.memmap(scratch, mode="w+", dtype=np.float32, shape=shape)


def load_scan(path: Path, *, counts: bool = False, patterns: Path | None = None) -> Scan:
    """Read a scan, whatever its format and age.

    Args:
        path: An NPZ file after DATA-001 or FORMAT-001, a CXI file, or a Ptychodus product.
        counts: Whether the stack holds counts; their square roots are taken.
        patterns: A file that holds the patterns to a Ptychodus product.

    Returns:
        The scan in the canonical layout and types. A stack of 64 MiB or more that is stored so is
        mapped: it may be larger than the memory.

    Raises:
        DataError: If the file is missing, of another kind, or breaks the contract.
    """
    return read_scan(Examined(source=open_source(path, patterns)), counts=counts)


def read_scan(found: Examined, *, counts: bool) -> Scan:
    """Read a scan from a file that is open; see :func:`load_scan`.

    Raises:
        DataError: At the first problem.
    """
    for problem in examine(found, counts=counts):
        raise DataError(problem)
    if found.scan is None:
        message = "a file in which nothing is wrong was read completely"
        raise RuntimeError(message)
    return found.scan
