"""Many records in one file: a file for each would cost most of a merge.

A pack is ``records/SELECTOR/DIGEST.pack``: a line of JSON that tells names and sizes, then the
records as single files would hold them. Each is found, read and held against its name as if it
were a file of its own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from .entries import Entry, is_record_name
from .errors import RecordError

__all__ = ["SUFFIX", "PackedEntry", "pack_name", "packed", "unpacked"]

SUFFIX = ".pack"

#: Bytes of the longest first line that is read.
_HEADER_LIMIT = 64 * 2**20


class _Header(msgspec.Struct):
    pack: int
    names: list[str]
    sizes: list[int]


class PackedEntry(Entry):
    """A record that lies in a pack.

    Args:
        pack: The file.
        name: The file name that the record would have.
        start: Where it begins, in bytes.
        size: Its length; 0 for a pack whose first line cannot be read.
    """

    __slots__ = ("_pack", "_size", "_start")

    def __init__(self, pack: Path, name: str, start: int, size: int) -> None:
        super().__init__(f"{pack.parent}/", name)
        self._pack, self._start, self._size = pack, start, size

    @property
    def path(self) -> Path:
        """The pack."""
        return self._pack

    @property
    def size(self) -> int:
        """Bytes of the record; 0 when the pack is damaged."""
        return self._size

    @property
    def stamp(self) -> tuple[int, int, int] | None:
        """When the pack was written and how long it is; nothing when it is gone."""
        try:
            status = self._pack.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size

    def data(self) -> bytes:
        """Read the record's bytes.

        Raises:
            RecordError: The pack cannot be read.
        """
        if not self._size:
            raise RecordError(
                f"{self._pack.name}: Expected a pack of records, but it was changed or cut off. "
                "Remove it and merge its bundle again."
            )
        try:
            with self._pack.open("rb") as file:
                file.seek(self._start)
                return file.read(self._size)
        except OSError as error:
            raise RecordError(f"{self.name}: cannot be read: {error.strerror}.") from error


def packed(records: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """Return the parts of a pack of records, each a file name and bytes."""
    names, sizes = [name for name, _ in records], [len(data) for _, data in records]
    header = msgspec.json.encode(_Header(1, names, sizes)) + b"\n"
    return [header, *(data for _, data in records)]


def pack_name(records: Sequence[tuple[str, bytes]]) -> str:
    """Return the file name of a pack: the digest of the names in it, which tell the content."""
    names = "\n".join(name for name, _ in records)
    return hashlib.sha256(names.encode()).hexdigest()[:32] + SUFFIX


def unpacked(pack: Path) -> Iterator[PackedEntry]:
    """Yield the records in a pack; one that nobody can read, when its length does not fit."""
    try:
        with pack.open("rb") as file:
            line = file.readline(_HEADER_LIMIT)
            end = file.seek(0, os.SEEK_END)
        header = msgspec.json.decode(line, type=_Header)
        good = header.pack == 1 and all(map(is_record_name, header.names))
        good = good and len(header.names) == len(header.sizes) and min(header.sizes, default=1) > 0
        good = good and len(line) + sum(header.sizes) == end
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        good = False
    if not good:
        key = hashlib.sha256(pack.name.encode()).hexdigest()[:16]
        name = f"00010101T000000.000000Z_error_{'0' * 12}_{'0' * 12}_{key}.json"
        yield PackedEntry(pack, name, 0, 0)
        return
    start = len(line)
    for name, size in zip(header.names, header.sizes, strict=True):
        yield PackedEntry(pack, name, start, size)
        start += size
