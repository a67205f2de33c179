"""Scans and objects as NPZ files, written completely or not at all.

A member of an NPZ file that is stored uncompressed can be *mapped*: the system reads the pages that
are looked at, and may forget them again. What this module writes is laid out for that.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.npz_source import LOCAL_HEADER, NpzSource
from ptycho_torch.data.scan import PlacedObject, Scan
from ptycho_torch.data.schema import BAD_PIXELS, OBJECT, PIXEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

ALIGNMENT = 64


def save_scan(path: str | os.PathLike[str], scan: Scan) -> None:
    """Write a scan in the canonical layout, completely or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {
        "diff3d": scan.diffraction_amplitude,
        "ycoords": scan.positions_px[:, 0],
        "xcoords": scan.positions_px[:, 1],
        "probeGuess": scan.probe,
    }
    more = {
        OBJECT.key: scan.object_guess,
        BAD_PIXELS.key: scan.bad_pixels,
        PIXEL_SIZE.key: None if scan.pixel_size_m is None else np.array(scan.pixel_size_m),
    }
    write_npz(Path(path), arrays | {key: array for key, array in more.items() if array is not None})


def load_object(path: str | os.PathLike[str]) -> PlacedObject:
    """Read an object that :func:`save_object` or inference wrote.

    Raises:
        DataError: If the file is missing, no NPZ, or holds no placed object.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(expected(str(path), "be an NPZ file", "no file there", "Check the path."))
    source = NpzSource(path)
    for key in ("object", "origin"):
        if key not in source.headers:
            remedy = "Give the reconstruction.npz of an inference, or a simulated truth."
            raise DataError(
                expected(str(path), f"hold the array {key}", "none of that name", remedy)
            )
    object_, origin = source.read("object"), source.read("origin")
    if object_.ndim != 2 or origin.shape != (2,):
        raise DataError(
            expected(
                str(path),
                "hold object (y, x) and origin (yx)",
                f"shapes {object_.shape} and {origin.shape}",
                "Write it with this package.",
            )
        )
    return PlacedObject(
        object_=object_.astype(np.complex64), origin_px=(float(origin[0]), float(origin[1]))
    )


def save_object(
    path: str | os.PathLike[str], placed: PlacedObject, **more: NDArray[np.generic]
) -> None:
    """Write an object and its origin, with further arrays beside it."""
    write_npz(Path(path), {"object": placed.object_, "origin": np.array(placed.origin_px), **more})


def write_npz(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays to a temporary file beside ``path``, then move it there.

    The same arrays give the same bytes, and each can be mapped.
    """
    write_npz_rows(path, {key: (np.shape(value), None, [value]) for key, value in arrays.items()})


def write_npz_rows(
    path: Path,
    arrays: Mapping[
        str, tuple[tuple[int, ...], np.dtype[Any] | None, Iterable[NDArray[np.generic]]]
    ],
) -> None:
    """Write arrays that come in pieces, so that none needs to be in memory.

    Args:
        path: The file, written completely or not at all.
        arrays: By name: the shape, the type (that of the one piece, if ``None``), and the pieces,
            which follow each other along the first axis.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for key, (shape, dtype, pieces) in arrays.items():
                _write_member(archive, key, shape, dtype, iter(pieces))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write_member(
    archive: zipfile.ZipFile,
    key: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any] | None,
    pieces: Iterator[NDArray[np.generic]],
) -> None:
    first = np.asarray(next(pieces), dtype=dtype)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header,
        {
            "descr": np.lib.format.dtype_to_descr(first.dtype),
            "fortran_order": False,
            "shape": shape,
        },
    )
    info = zipfile.ZipInfo(f"{key}.npy")
    if archive.fp is None:
        message = "the archive is open for writing"
        raise ValueError(message)
    zip64_extra = 20  # force_zip64 adds it, so that the size need not be known
    before = archive.fp.tell() + LOCAL_HEADER + len(info.filename) + zip64_extra
    padding = -before % ALIGNMENT  # NumPy's own header fills a multiple of 64 bytes
    padding += ALIGNMENT if 0 < padding < 4 else 0
    if padding:
        info.extra = b"\xfe\xca" + (padding - 4).to_bytes(2, "little") + bytes(padding - 4)
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(header.getvalue())
        member.write(_bytes(first))
        for piece in pieces:
            member.write(_bytes(np.asarray(piece, dtype=first.dtype)))


def _bytes(array: NDArray[np.generic]) -> memoryview:
    """Give an array's bytes in C order, without a copy where they lie so already."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
