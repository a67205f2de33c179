"""NPZ files for reading: headers without data, arrays without pickle, maps of large stacks."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.damage import damage_told

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LOCAL_HEADER = 30
"""Bytes of a ZIP member's own header, before its name and extra field."""

PLAIN = "hold plain numeric arrays"
DAMAGED = "Write it again with numpy.savez; nothing is unpickled."


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an array is, known before it is read.

    Attributes:
        shape: Its shape.
        dtype: Its type.
        start: Where its data begin in the file, if they can be mapped.
        fortran: Whether its first axis is the fastest.
        checksum: CRC-32 of what stands before the data, and of all; known where they can be mapped.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int | None = None
    fortran: bool = False
    checksum: tuple[int, int] = (0, 0)


class NpzSource:
    """An NPZ file whose arrays are read one by one, when asked for.

    Args:
        path: The file.

    Raises:
        DataError: If it is no NPZ file, or holds something other than plain arrays.

    Attributes:
        headers: The header of each array, by its name.
        counts: Whether the format itself says that patterns are counts.
        notes: What a reader should know about how the file was read.
    """

    format = "NPZ"
    counts = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self.headers: dict[str, Header] = {}
        self._held: dict[str, NDArray[np.generic]] = {}
        self._names: dict[str, str] = {}
        if not zipfile.is_zipfile(path):
            got = "a file of another kind, or a cut-off one"
            remedy = "Write it with numpy.savez."
            raise DataError(expected(str(path), "be an NPZ file", got, remedy))
        with (
            damage_told(path, PLAIN, DAMAGED),
            zipfile.ZipFile(path) as archive,
            path.open("rb") as file,
        ):
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    header = _read_header(archive, info, file)
                    self.headers[info.filename.removesuffix(".npy")] = header

    def name(self, key: str) -> str:
        """Give the name of an array for an error."""
        return self._names.get(key, f"{key} in {self.path}")

    def read(self, key: str) -> NDArray[np.generic]:
        """Read an array.

        Raises:
            DataError: If its data are damaged.
        """
        if key in self._held:
            return self._held[key]
        with (
            damage_told(self.path, PLAIN, DAMAGED),
            np.load(self.path, allow_pickle=False) as archive,
        ):
            return np.asarray(archive[key])

    def hold(self, key: str, array: NDArray[np.generic], name: str | None = None) -> None:
        """Take an array from elsewhere instead of the file's own; see :class:`ScanSource`."""
        if name is not None:
            self._names[key] = name
        self._held[key] = array
        self.headers[key] = Header(shape=array.shape, dtype=array.dtype)

    def map(self, key: str) -> NDArray[np.generic] | None:
        """Map an array read-only; ``None`` if it is compressed, or not aligned to its type."""
        header = self.headers[key]
        if header.start is None or header.dtype.hasobject or 0 in header.shape:
            return None
        if header.start % header.dtype.alignment:
            return None
        return np.memmap(
            self.path,
            mode="r",
            dtype=header.dtype,
            shape=header.shape,
            offset=header.start,
            order="F" if header.fortran else "C",
        )


def _read_header(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: io.BufferedReader
) -> Header:
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            message = f"{info.filename} has the unknown version {version}"
            raise ValueError(message)
        shape, fortran, dtype = read(member)
        length = member.tell()
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if not dtype.hasobject and length + size != info.file_size:
        message = f"{info.filename} holds {info.file_size - length} bytes instead of {size}"
        raise ValueError(message)
    if info.compress_type != zipfile.ZIP_STORED:
        return Header(shape=shape, dtype=dtype, fortran=fortran)
    file.seek(info.header_offset)
    local = file.read(LOCAL_HEADER)
    names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    file.seek(names, io.SEEK_CUR)
    before = zlib.crc32(file.read(length))
    return Header(
        shape=shape,
        dtype=dtype,
        start=file.tell(),
        fortran=fortran,
        checksum=(before, info.CRC),
    )
