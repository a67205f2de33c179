"""Zips from anywhere: their size before their members are read, and zips around bundles."""

from __future__ import annotations

import contextlib
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from ..errors import RecordError
from .form import Limits, refused

__all__ = ["BROKEN", "Found", "check_end", "unwrapped"]

#: What the readers of a damaged zip raise.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)

_END = struct.Struct("<4s4H2LH")
#: A bundle in a zip that a CI service made of a job's files.
_INNER = re.compile(
    r"(?:(?!\.{1,2}/)[^\\/\0]{1,100}/){0,8}(?P<name>[\w.@+-]{1,100}\.(?:ptyreg|zip))"
)
_MOST = 100
_CHUNK = 1 << 18


class Found(NamedTuple):
    """A bundle on disk, and what it is called."""

    file: Path
    name: str


def check_end(file: BinaryIO, name: str, limits: Limits) -> int:
    """Hold the size of a zip and of its list of members against `limits`; return their number.

    Raises:
        RecordError: It is no zip, is cut off, or is larger than that.
    """
    size = file.seek(0, 2)
    if size > limits.file:
        raise refused(name, f"Expected at most {limits.file} bytes, but got {size}.")
    file.seek(max(0, size - _END.size - 20))
    tail = file.read()
    if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\5\6"):
        raise refused(name, "Expected a whole bundle, but it is no zip or is cut off.")
    count, length = _END.unpack(tail[-_END.size :])[4:6]
    if tail.startswith(b"PK\6\7") or count > limits.members or length > 200 * (count + 1):
        raise refused(name, f"Expected at most {limits.members} members of short names.")
    file.seek(0)
    return int(count)


@contextlib.contextmanager
def unwrapped(file: Path, limits: Limits) -> Iterator[list[Found]]:
    """Yield the bundles in a zip that holds nothing else, as CI services hand out what a job left.

    Of any other file there are none.

    Raises:
        RecordError: One of the bundles in it is larger than a bundle may be, or cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="ptyreg-") as folder:
        try:
            found = list(_taken_out(file, Path(folder), limits))
        except BROKEN as error:
            told = f"Expected to take the bundles out of it, but got: {error}."
            raise refused(file.name, told) from error
        yield found


def _taken_out(file: Path, folder: Path, limits: Limits) -> Iterator[Found]:
    with contextlib.ExitStack() as opened:
        try:
            zipped = opened.enter_context(file.open("rb"))
            if not 0 < check_end(zipped, file.name, limits) <= _MOST:
                return
            outer = opened.enter_context(zipfile.ZipFile(zipped))
        except (*BROKEN, RecordError):
            return
        inner = [(_INNER.fullmatch(info.filename), info) for info in outer.infolist()]
        if not all(match for match, _ in inner):
            return
        left = limits.total
        for number, (match, info) in enumerate(inner):
            assert match is not None  # noqa: S101 - told just now
            name = f"{file.name}/{match['name']}"
            target = folder / f"{number}.zip"
            with outer.open(info) as source, target.open("wb") as copy:
                for size, chunk in _chunks(source):
                    if size > limits.file or size > left:
                        raise refused(name, "Expected fewer bytes when unpacked.")
                    copy.write(chunk)
            left -= target.stat().st_size
            yield Found(target, name)


def _chunks(source: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        yield size, chunk
