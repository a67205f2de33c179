"""Read a scan from a file of any format that is known, and judge it before it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.contract import read_layout
from ptycho_torch.data.hdf5_file import open_hdf5, refuse_patterns
from ptycho_torch.data.light import centre_problems, mean_pattern, order_by_light
from ptycho_torch.data.npz_source import NpzSource
from ptycho_torch.data.plausibility import (
    bad_pixel_problems,
    position_problems,
    probe_problems,
    stack_problems,
)
from ptycho_torch.data.probe_file import HDF5_MAGIC, load_probe
from ptycho_torch.data.scan import Scan
from ptycho_torch.data.schema import BAD_PIXELS, OBJECT, PIXEL_SIZE, PROBE, STACK, X, Y
from ptycho_torch.data.stack import read_stack

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import Any

    from numpy.typing import NDArray

    from ptycho_torch.data.contract import Layout, ScanSource
    from ptycho_torch.data.stack import Stack

ZIP_MAGIC = b"PK"


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


def open_source(path: Path, patterns: Path | None = None, probe: Path | None = None) -> ScanSource:
    """Open a file by what it is, not by its name.

    Args:
        path: An NPZ, CXI or Ptychodus file.
        patterns: A file that holds the patterns to a Ptychodus product.
        probe: A file whose probe to take instead of the scan's own.

    Raises:
        DataError: If it is missing or of another kind.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no file there"
        raise DataError(expected(str(path), "be a scan", got, "Check the path."))
    with path.open("rb") as file:
        magic = file.read(8)
    if magic != HDF5_MAGIC and not magic.startswith(ZIP_MAGIC):
        got = "a file of another kind" if magic else "an empty file"
        raise DataError(
            expected(str(path), "be a scan (NPZ, or HDF5)", got, "Write it with numpy.savez.")
        )
    if magic == HDF5_MAGIC:
        source: ScanSource = open_hdf5(path, patterns, probe_apart=probe is not None)
    else:
        refuse_patterns(patterns)
        source = NpzSource(path)
    if probe is not None:
        source.hold(PROBE.key, load_probe(probe), f"the probe in {probe}")
        source.notes.append(f"the probe is from {probe}")
    return source


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
    arrays: dict[str, NDArray[Any]] = {
        spec.key: source.read(layout.keys[spec.key])
        for spec in (Y, X, PROBE, OBJECT, BAD_PIXELS, PIXEL_SIZE)
        if spec.key in layout.keys
    }
    named = {spec.key: source.name(layout.keys[spec.key]) for spec in (PROBE, STACK)}
    positions_px = np.stack([arrays[Y.key], arrays[X.key]], axis=1).astype(np.float64)
    probe = arrays[PROBE.key]
    wrong = list(probe_problems(named[PROBE.key], probe))
    light = None if wrong else np.square(np.abs(probe))
    guess = arrays.get(OBJECT.key)
    place = f"ycoords and xcoords in {source.path}"
    yield from position_problems(place, positions_px, light, None if guess is None else guess.shape)
    yield from wrong
    bad = arrays[BAD_PIXELS.key] != 0 if BAD_PIXELS.key in arrays else None
    if bad is not None:
        yield from bad_pixel_problems(source.name(layout.keys[BAD_PIXELS.key]), bad)
    if layout.legacy is None:
        legacy = order_by_light(source.read(layout.keys[STACK.key]), counts=counts)
        if legacy is None:
            got = f"shape {source.headers[layout.keys[STACK.key]].shape}, which can be read twice"
            remedy = "Leave out one pattern and its position, so that the axes differ."
            yield expected(named[STACK.key], "have one axis of patterns", got, remedy)
            return
        layout = found.layout = replace(layout, legacy=legacy)
        source.notes.append("two axes could be that of the patterns; the light per pattern told")
    stack = read_stack(source, layout, bad, counts=counts, scratch=found.scratch)
    _note(found, stack, bad, counts=counts)
    faults = [*stack_problems(named[STACK.key], stack.lowest, stack.highest)]
    if not (faults or wrong):
        mean = mean_pattern(stack.amplitude)
        faults += centre_problems(named[STACK.key], mean, probe, stack.bad_pixels)
    yield from faults
    size = arrays.get(PIXEL_SIZE.key)
    with np.errstate(over="ignore"):
        found.scan = Scan(
            diffraction_amplitude=stack.amplitude,
            positions_px=positions_px,
            probe=probe,
            object_guess=guess,
            bad_pixels=stack.bad_pixels,
            pixel_size_m=None if size is None else (float(size[0]), float(size[1])),
        )


def _note(
    found: Examined, stack: Stack, bad_pixels: NDArray[np.bool_] | None, *, counts: bool
) -> None:
    """Note what a reader should know about how the patterns were read."""
    notes = found.source.notes
    found.whole_numbers = stack.whole_numbers
    if stack.bad_pixels is not None:
        known = 0 if bad_pixels is None else int(bad_pixels.sum())
        total = int(stack.bad_pixels.sum())
        if total > known:
            notes.append(f"{total - known} pixels stuck at what is no count are taken as bad")
        notes.append(f"{total} bad pixels count nothing")
    if counts and not stack.whole_numbers:
        notes.append("the stack holds numbers that are not whole; are they counts, or their roots?")


def load_scan(
    path: str | os.PathLike[str],
    *,
    counts: bool = False,
    patterns: str | os.PathLike[str] | None = None,
    probe: str | os.PathLike[str] | None = None,
    note: Callable[[str], None] | None = None,
) -> Scan:
    """Read a scan, whatever its format and age.

    Args:
        path: An NPZ file after DATA-001 or FORMAT-001, a CXI file, or a Ptychodus product.
        counts: Whether the stack holds counts; their square roots are taken.
        patterns: A file that holds the patterns to a Ptychodus product.
        probe: A file whose probe to take instead of the scan's own.
        note: Called with each thing that a reader should know about how the file was read.

    Returns:
        The scan in the canonical layout and types. A stack of 64 MiB or more that is stored so is
        mapped: it may be larger than the memory.

    Raises:
        DataError: If the file is missing, of another kind, or breaks the contract.
    """
    beside = [None if file is None else Path(file) for file in (patterns, probe)]
    found = Examined(source=open_source(Path(path), *beside))
    scan = read_scan(found, counts=counts)
    if note is not None:
        for text in found.source.notes:
            note(f"{path}: {text}")
    return scan


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
