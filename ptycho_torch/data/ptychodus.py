"""Scans in Ptychodus products: HDF5 files with probe, object and positions in metres.

A product holds no patterns; they lie in a file of their own, or beside the product's arrays as
``dp``. Positions become pixels by the object's centre and pixel size. Patterns are counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.hdf5 import Hdf5Source, one_mode
from ptycho_torch.data.npz_source import Header, NpzSource
from ptycho_torch.data.schema import OBJECT, PROBE, STACK, X, Y

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT_PATTERNS = ("dp", "entry/data/data", "entry_1/data_1/data")
NPZ_PATTERNS = ("patterns", "diff3d", "diffraction")


def open_product(path: Path, file: Any, patterns: Path | None) -> Hdf5Source:
    """Read what is small in a product, and the header of its patterns.

    Args:
        path: The file.
        file: The file, open.
        patterns: A file with the patterns, HDF5 (``dp``) or NPZ (``patterns``), or ``None``.

    Raises:
        DataError: If it lacks something, or has it in another shape.
    """
    source = Hdf5Source(path=path, format="Ptychodus product")
    _point_to_patterns(source, file, patterns)
    count = source.headers[STACK.key].shape[0]
    probe, object_ = file["probe"], file["object"]
    source.hold(PROBE.key, one_mode(np.asarray(probe[()]), f"probe in {path}"))
    source.hold(OBJECT.key, one_mode(np.asarray(object_[()]), f"object in {path}"))
    attributes = object_.attrs
    pixel_m = np.array([attributes["pixel_height_m"], attributes["pixel_width_m"]], dtype=float)
    centre_m = np.array([attributes.get("center_y_m", 0), attributes.get("center_x_m", 0)], float)
    if not (pixel_m > 0).all():
        remedy = "It is needed to turn metres into pixels."
        name = f"pixel_height_m and pixel_width_m of object in {path}"
        raise DataError(expected(name, "be above 0", pixel_m.tolist(), remedy))
    size = np.array(source.arrays[OBJECT.key].shape)
    for key, name, axis in ((Y.key, "probe_position_y_m", 0), (X.key, "probe_position_x_m", 1)):
        metres = np.asarray(file[name][()], dtype=np.float64)
        source.hold(key, (metres - centre_m[axis]) / pixel_m[axis] + size[axis] / 2)
    if "probe_position_indexes" in file:
        picked = np.asarray(file["probe_position_indexes"][()]).astype(np.int64)
        if len(picked) != count and len(picked) and picked.min() >= 0 and picked.max() < count:
            source.picked = picked
            header = source.headers[STACK.key]
            shape = (len(picked), *header.shape[1:])
            source.headers[STACK.key] = Header(shape=shape, dtype=header.dtype)
            source.notes.append(f"{len(picked)} of {count} patterns have a position")
    source.notes.append(f"a pixel of the object is {pixel_m[0]:.4g} m × {pixel_m[1]:.4g} m (y, x)")
    return source


def _point_to_patterns(source: Hdf5Source, file: Any, patterns: Path | None) -> None:
    """Find the patterns: in the product, or in the file that goes with it."""
    import h5py  # noqa: PLC0415 - only for files that need it

    if patterns is None:
        for place in PRODUCT_PATTERNS:
            if place in file:
                stack = file[place]
                header = Header(shape=stack.shape, dtype=stack.dtype)
                return source.point(STACK.key, source.path, place, header)
        remedy = (
            "Join the two: python -m ptycho_torch.convert PRODUCT --patterns FILE --output NPZ."
        )
        got = "none; Ptychodus keeps them in a file of their own"
        raise DataError(expected(str(source.path), "hold the patterns (dp)", got, remedy))
    if not patterns.is_file():
        raise DataError(
            expected(str(patterns), "hold patterns", "no file there", "Check the path.")
        )
    if patterns.suffix == ".npz":
        headers = NpzSource(patterns).headers
        for place in NPZ_PATTERNS:
            if place in headers:
                return source.point(STACK.key, patterns, place, headers[place])
    else:
        with h5py.File(patterns, "r") as other:
            for place in PRODUCT_PATTERNS:
                if place in other:
                    header = Header(shape=other[place].shape, dtype=other[place].dtype)
                    return source.point(STACK.key, patterns, place, header)
    names = ", ".join((*PRODUCT_PATTERNS, *NPZ_PATTERNS))
    to, got = f"hold patterns under one of {names}", "none of these names"
    raise DataError(expected(str(patterns), to, got, "Give the file of the product's patterns."))
