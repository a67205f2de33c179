"""A bundle from anywhere, read with limits: its members are known before one is opened."""

from __future__ import annotations

import hashlib
import itertools
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from ..entries import file_name
from ..errors import RecordError
from ..plain import brief
from ..record import SCHEMA as RECORD_SCHEMA, RunRecord, decode, schema_of
from .form import (
    ARTIFACT,
    LIMITS,
    MANIFEST,
    RECORDS,
    SCHEMA,
    Limits,
    Manifest,
    refused,
    restored,
)

__all__ = ["Bundle"]

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
_CHUNK = 1 << 18
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED = 0x1


class Bundle:
    """An open bundle whose list of members has been checked.

    Args:
        file: The bundle.
        limits: What it may be.

    Raises:
        RecordError: It is no bundle, is cut off, or asks for what no bundle needs.
    """

    def __init__(self, file: Path, limits: Limits = LIMITS) -> None:
        self.name = file.name
        self.limits = limits
        self._left = limits.total
        self._file: BinaryIO | None = None
        try:
            self._file = file.open("rb")
            self._check_end(self._file)
            self._zip = zipfile.ZipFile(self._file)
            self.members = {info.filename: info for info in self._zip.infolist()}
            self._check_members(self._zip.infolist())
            self.manifest = self._manifest()
        except _BROKEN as error:
            self.close()
            raise self._broken(error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def records(self, selector: str) -> Iterator[tuple[str, bytes, RunRecord]]:
        """Yield file name, bytes and content of each record, held against the manifest.

        Raises:
            RecordError: One is missing, changed, too large, or was not told.
        """
        wanted = iter(self.manifest.records[selector])
        for line in self._lines(f"records/{selector}.jsonl"):
            name = next(wanted, None)
            if name is None:
                raise self._refused(f"Expected {selector} to end, but it has a record more.")
            try:
                data = restored(line)
                record = decode(data, where=name)
                found = file_name(record, data)
                if found != name and schema_of(data) < RECORD_SCHEMA:
                    # Its inputs had another digest then.
                    found = found.replace(record.inputs.digest[:12], name[-34:-22])
            except (msgspec.MsgspecError, RecordError) as error:
                raise self._refused(
                    f"{name}: Expected a record, but got: {brief(error)}"
                ) from error
            if found != name or record.selector != selector:
                raise self._refused(f"{name}: Expected the record of this name, but got {found}.")
            yield name, data, record
        if (name := next(wanted, None)) is not None:
            raise self._refused(f"{name}: Expected the record, but it is missing.")

    def chunks(self, artifact: str) -> Iterator[bytes]:
        """Yield the bytes of an artifact; the last proves its digest and size.

        Raises:
            RecordError: It was swapped or is broken.
        """
        match = ARTIFACT.fullmatch(f"artifacts/{artifact}")
        assert match is not None  # noqa: S101 - the manifest has been held against the members
        digest, size = hashlib.sha256(), 0
        for chunk in self._read(f"artifacts/{artifact}", self.limits.artifact):
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        if digest.hexdigest() != match["sha256"] or size != self.manifest.artifacts[artifact]:
            raise self._refused(f"{artifact}: Expected the content of this digest.")

    def _manifest(self) -> Manifest:
        try:
            data = b"".join(self._read(MANIFEST, self.limits.manifest))
            manifest = msgspec.json.decode(data, type=Manifest)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise self._refused(f"Expected {MANIFEST} to be a manifest: {brief(error)}.") from error
        if manifest.bundle != SCHEMA:
            raise self._refused(f"Expected form {SCHEMA} of a bundle, but got {manifest.bundle}.")
        told = {f"records/{selector}.jsonl" for selector in manifest.records}
        told |= {f"artifacts/{name}" for name in manifest.artifacts} | {MANIFEST}
        if odd := sorted(told ^ self.members.keys()):
            raise self._refused(f"Expected what {MANIFEST} names, but {odd[0]} is not in both.")
        if sum(map(len, manifest.records.values())) > self.limits.records:
            raise self._refused(f"Expected at most {self.limits.records} records.")
        return manifest

    def _check_end(self, file: BinaryIO) -> None:
        """Hold the size of the list of members against the limits before it is read."""
        size = file.seek(0, 2)
        if size > self.limits.file:
            raise self._refused(f"Expected at most {self.limits.file} bytes, but got {size}.")
        file.seek(max(0, size - _END.size - 20))
        tail = file.read()
        if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\5\6"):
            raise self._refused("Expected a whole bundle, but it is no zip or is cut off.")
        count, length = _END.unpack(tail[-_END.size :])[4:6]
        if tail.startswith(b"PK\6\7") or count > self.limits.members or length > 200 * (count + 1):
            raise self._refused(f"Expected at most {self.limits.members} members of short names.")
        file.seek(0)

    def _check_members(self, members: list[zipfile.ZipInfo]) -> None:
        if len(members) != len(self.members):
            twice = sorted(info.filename for info in members)
            name = next(a for a, b in itertools.pairwise(twice) if a == b)
            raise self._refused(f"{name!r}: Expected each member once, but got it twice.")
        for info in members:
            name, kind = info.filename, stat.S_IFMT(info.external_attr >> 16)
            known = name == MANIFEST or RECORDS.fullmatch(name) or ARTIFACT.fullmatch(name)
            if not known or info.orig_filename != name:
                raise self._refused(f"{name[:80]!r}: Expected no such member in a bundle.")
            if kind not in {0, stat.S_IFREG} or info.flag_bits & _ENCRYPTED:
                raise self._refused(f"{name}: Expected a plain file.")
            if info.file_size > 2**20 and info.file_size > self.limits.ratio * info.compress_size:
                raise self._refused(
                    f"{name}: Expected to unpack to at most {self.limits.ratio} times its size."
                )
        if MANIFEST not in self.members:
            raise self._refused(f"Expected {MANIFEST}, but the zip has none.")

    def _read(self, member: str, limit: int) -> Iterator[bytes]:
        """Yield a member; what it says of its size is not believed."""
        try:
            with self._zip.open(member) as file:
                while chunk := file.read(_CHUNK):
                    limit -= len(chunk)
                    self._left -= len(chunk)
                    if min(limit, self._left) < 0:
                        raise self._refused(f"{member}: Expected fewer bytes when unpacked.")
                    yield chunk
        except _BROKEN as error:
            raise self._broken(error) from error

    def _lines(self, member: str) -> Iterator[bytes]:
        rest = b""
        for chunk in self._read(member, self.limits.total):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > self.limits.record or any(len(x) > self.limits.record for x in lines):
                raise self._refused(f"{member}: Expected records of {self.limits.record} bytes.")
            yield from lines
        if rest:
            raise self._refused(f"{member}: Expected whole lines.")

    def _refused(self, why: str) -> RecordError:
        return refused(self.name, why)

    def _broken(self, error: BaseException) -> RecordError:
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return self._refused(f"Expected a whole bundle, but it cannot be read: {told}.")
