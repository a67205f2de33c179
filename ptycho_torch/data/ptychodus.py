"""Scans in Ptychodus products: HDF5 files with probe, object and positions in metres.

A product holds no patterns; they lie in a file of their own, or beside the product's arrays as
``dp``. Positions become pixels by the object's centre and pixel size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.damage import damage_told
from ptycho_torch.data.hdf5 import Hdf5Source
from ptycho_torch.data.hdf5_values import find_array, one_mode
from ptycho_torch.data.npz_source import Header, NpzSource
from ptycho_torch.data.schema import BAD_PIXELS, OBJECT, PIXEL_SIZE, PROBE, STACK, X, Y

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PATTERNS = ("patterns", "dp", "entry/data/data", "entry_1/data_1/data")
"""Where HDF5 files keep counts; the first is Ptychodus' own."""

NPZ_PATTERNS = ("patterns", *STACK.keys)
"""Where NPZ files keep patterns: counts under the first, amplitudes under the contract's names."""

POSITION_INDEXES, INDEXES = "probe_position_indexes", "indexes"
JOIN = "Join the two: python -m ptycho_torch.convert PRODUCT --patterns FILE --output NPZ."


def open_product(path: Path, file: Any, patterns: Path | None, *, probe_apart: bool) -> Hdf5Source:
    """Read what is small in a product, and the header of its patterns.

    Args:
        path: The file.
        file: The file, open.
        patterns: A file with the patterns, HDF5 or NPZ, or ``None``.
        probe_apart: Whether the probe comes from elsewhere.

    Raises:
        DataError: If it lacks something, or has it in another shape.
    """
    source = Hdf5Source(path=path, format="Ptychodus product")
    indexes = _point_to_patterns(source, file, patterns)
    if not probe_apart:
        probe = find_array(file, ("probe",), path, "probe")[1]
        name = f"probe in {path}"
        source.hold(PROBE.key, one_mode(np.asarray(probe[()]), name), name)
    object_ = find_array(file, ("object",), path, "object")[1]
    name = f"object in {path}"
    source.hold(OBJECT.key, one_mode(np.asarray(object_[()]), name), name)
    pixel_m = np.array([_attribute(object_, f"pixel_{side}_m", path) for side in SIDES])
    centre_m = [float(object_.attrs.get(f"center_{axis}_m", 0)) for axis in "yx"]
    if not (pixel_m > 0).all():
        remedy = "It is needed to turn metres into pixels."
        both = f"pixel_height_m and pixel_width_m of {name}"
        raise DataError(expected(both, "be above 0", pixel_m.tolist(), remedy))
    source.hold(PIXEL_SIZE.key, pixel_m)
    size = source.arrays[OBJECT.key].shape
    for key, axis in ((Y.key, 0), (X.key, 1)):
        place = f"probe_position_{'yx'[axis]}_m"
        array = find_array(file, (place,), path, "positions")[1]
        metres = np.asarray(array[()], dtype=np.float64)
        source.hold(key, (metres - centre_m[axis]) / pixel_m[axis] + size[axis] / 2)
    if POSITION_INDEXES in file:
        _match(source, np.asarray(file[POSITION_INDEXES][()]).astype(np.int64), indexes)
    return source


SIDES = ("height", "width")


def _attribute(array: Any, name: str, path: Path) -> float:
    if name not in array.attrs:
        remedy = "It is needed to turn metres into pixels."
        raise DataError(expected(f"object in {path}", f"have the attribute {name}", "none", remedy))
    return float(array.attrs[name])


def _match(
    source: Hdf5Source, wanted: NDArray[np.int64], indexes: NDArray[np.int64] | None
) -> None:
    """Find the pattern to each position by the index that both have.

    Args:
        source: Patterns and positions as they come.
        wanted: Index of each position.
        indexes: Index of each pattern; its row if ``None``.
    """
    header = source.headers[STACK.key]
    count, name = header.shape[0], f"{POSITION_INDEXES} in {source.path}"
    if indexes is None and len(wanted) == count > 1 and (wanted == wanted[0]).all():
        source.notes.append(f"{POSITION_INDEXES} are all the same: positions are in order")
        return
    rows = np.arange(count) if indexes is None else indexes
    for each, called in ((wanted, name), (rows, f"{INDEXES} of the patterns")):
        if len(np.unique(each)) < len(each):
            got = f"{len(each) - len(np.unique(each))} repeated ones"
            raise DataError(expected(called, "be distinct", got, "Keep one pattern per position."))
    found = np.isin(wanted, rows)
    if not found.any() or (indexes is None and not found.all()):
        got = f"numbers from {wanted.min()} to {wanted.max()}" if len(wanted) else "none"
        to = f"be rows of the {count} patterns, counted from 0"
        if indexes is not None:
            to = f"be among the patterns' own, {rows.min()} to {rows.max()}"
        raise DataError(expected(name, to, got, "Give the patterns that the product is of."))
    order = np.argsort(rows)
    picked = order[np.searchsorted(rows, wanted[found], sorter=order)]
    if not found.all():
        source.notes.append(f"{int((~found).sum())} positions have no pattern and are left out")
        for key in (Y.key, X.key):
            source.hold(key, source.arrays[key][found])
    if len(picked) < count:
        source.notes.append(f"{len(picked)} of {count} patterns have a position")
    if not np.array_equal(picked, np.arange(count)):
        source.picked = picked
        shape = (len(picked), *header.shape[1:])
        source.headers[STACK.key] = Header(shape=shape, dtype=header.dtype)


def _point_to_patterns(
    source: Hdf5Source, file: Any, patterns: Path | None
) -> NDArray[np.int64] | None:
    """Find the patterns, in the product or in the file that goes with it, and their indexes."""
    if patterns is None:
        if not any(place in file for place in PATTERNS):
            got = "none; Ptychodus keeps them in a file of their own"
            raise DataError(expected(str(source.path), "hold the patterns (dp)", got, JOIN))
        return _take(source, file, source.path)
    if not patterns.is_file():
        got = "a folder" if patterns.is_dir() else "no file there"
        raise DataError(expected(str(patterns), "hold patterns", got, "Check the path."))
    if patterns.suffix != ".npz":
        import h5py  # noqa: PLC0415 - only for files that need it

        whole = damage_told(patterns, "be a whole HDF5 file of patterns", "Copy the file again.")
        with whole, h5py.File(patterns, "r") as other:
            return _take(source, other, patterns)
    npz = NpzSource(patterns)
    for place in NPZ_PATTERNS:
        if place in npz.headers:
            source.point(STACK.key, patterns, place, npz.headers[place])
            source.counts = place == NPZ_PATTERNS[0]
            if BAD_PIXELS.key in npz.headers:
                source.hold(BAD_PIXELS.key, npz.read(BAD_PIXELS.key))
            return npz.read(INDEXES).astype(np.int64) if INDEXES in npz.headers else None
    to, got = f"hold patterns under one of {', '.join(NPZ_PATTERNS)}", "none of these names"
    raise DataError(expected(str(patterns), to, got, "Give the file of the product's patterns."))


def _take(source: Hdf5Source, file: Any, path: Path) -> NDArray[np.int64] | None:
    """Note where an open HDF5 file has the patterns; give their indexes, if it has any."""
    place, stack = find_array(file, PATTERNS, path, "patterns")
    source.point(STACK.key, path, place, Header(shape=stack.shape, dtype=stack.dtype))
    if BAD_PIXELS.key in file:
        bad = find_array(file, (BAD_PIXELS.key,), path, "bad pixels")[1]
        source.hold(BAD_PIXELS.key, np.asarray(bad[()]))
    return np.asarray(file[INDEXES][()]).astype(np.int64) if INDEXES in file else None
