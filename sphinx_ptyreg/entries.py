"""A stored record by its file name alone.

The name tells the start, outcome, machine class, inputs and content digest, so a lookup opens
only the records it may use, and a changed file no longer fits its name. Thousands are listed in
every build: an entry is its path, and the parts are cut out when they are asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from functools import total_ordering
from pathlib import Path

from .errors import RecordError
from .record import SCHEMA, Outcome, RunRecord, decode, schema_of

__all__ = ["Entry", "file_name", "is_record_name", "list_entries", "machine_key"]

_WARMUP, _IMPORTED = "-warmup", "-imported"
_NAME = re.compile(
    r"\d{8}T\d{6}\.\d{6}Z_"
    rf"(?:{'|'.join(outcome.value for outcome in Outcome)})(?:{_WARMUP})?(?:{_IMPORTED})?"
    r"_[0-9a-f]{12}_[0-9a-f]{12}_[0-9a-f]{16}\.json"
)
#: Where the parts of a name are, the last three counted from its end.
_STARTED, _KIND = slice(0, 23), slice(24, -48)
_MACHINE, _INPUTS, _CONTENT = slice(-47, -35), slice(-34, -22), slice(-21, -5)


@total_ordering
class Entry:
    """A stored record by its name alone; newest last when sorted.

    Args:
        folder: Where it lies, with a separator at the end.
        name: Its file name.
    """

    __slots__ = ("_folder", "name")

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self._key == other._key

    def __lt__(self, other: Entry) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str]:
        return self.name, self._folder

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self._folder + self.name)

    def lies_below(self, folder: Path) -> bool:
        """Whether it lies in `folder` or deeper."""
        return self._folder.startswith(f"{folder}{os.sep}")

    @property
    def stamp(self) -> tuple[int, int, int] | None:
        """When the file was written and how long it is; nothing when it is gone."""
        try:
            status = os.stat(self._folder + self.name)  # noqa: PTH116 - thousands in every build
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size

    @property
    def size(self) -> int:
        """Bytes of the record; 0 when it is gone."""
        stamp = self.stamp
        return 0 if stamp is None else stamp[2]

    @property
    def id(self) -> str:
        """The id of the record: its start and the beginning of its digest."""
        return f"{self.started}-{self.content}"

    @property
    def started(self) -> str:
        """When the run began, without punctuation."""
        return self.name[_STARTED]

    @property
    def outcome(self) -> Outcome:
        """How the run ended."""
        return Outcome(self.name[_KIND].partition("-")[0])

    @property
    def warmup(self) -> bool:
        """Whether it was a run before the first that counts."""
        return _WARMUP in self.name[_KIND]

    @property
    def imported(self) -> bool:
        """Whether somebody else measured it, in another way."""
        return _IMPORTED in self.name[_KIND]

    @property
    def machine_key(self) -> str:
        """Digest of the machine class."""
        return self.name[_MACHINE]

    @property
    def inputs_key(self) -> str:
        """Beginning of the inputs' digest."""
        return self.name[_INPUTS]

    @property
    def content(self) -> str:
        """Beginning of the file's digest."""
        return self.name[_CONTENT]

    @property
    def measured(self) -> bool:
        """Whether the record is a measurement."""
        return self.name[_KIND].removesuffix(_IMPORTED) == "passed"

    def data(self) -> bytes:
        """Read the record's bytes.

        Raises:
            RecordError: The file cannot be read.
        """
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise RecordError(f"{self.name}: Expected a file, but it is none. Remove it.")
            return self.path.read_bytes()
        except OSError as error:
            raise RecordError(f"{self.name}: cannot be read: {error.strerror}.") from error

    def read(self) -> RunRecord:
        """Read the record and hold it against its name.

        Raises:
            RecordError: The file cannot be read, is no record, or was changed or renamed.
        """
        data = self.data()
        if hashlib.sha256(data).hexdigest()[:16] != self.content:
            raise RecordError(
                f"{self.name}: Expected the content that its name gives the digest of, "
                "but it was changed or cut off. Restore or remove it."
            )
        record = decode(data, where=self.name)
        expected = file_name(record, data)
        if schema_of(data) < SCHEMA:  # its inputs may have had another digest then
            expected = expected.replace(record.inputs.digest[:12], self.inputs_key)
        if expected != self.name:
            raise RecordError(
                f"{self.name}: Expected the name of its record, {expected}, but it was renamed."
            )
        return record


def is_record_name(name: str) -> bool:
    """Whether a file of this name can be a record."""
    return _NAME.fullmatch(name) is not None


def list_entries(folder: Path) -> Iterator[Entry]:
    """Yield the records in a folder, in no order; files of other names are not ours."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - likewise
    except (FileNotFoundError, NotADirectoryError):
        return
    prefix, ours = f"{folder}{os.sep}", _NAME.fullmatch
    for name in names:
        if ours(name):
            yield Entry(prefix, name)


def machine_key(machine_class: str) -> str:
    """Return what a name tells of a machine class."""
    return hashlib.sha256(machine_class.encode()).hexdigest()[:12]


def file_name(record: RunRecord, data: bytes) -> str:
    """Return the name of a record's file.

    Args:
        record: The record.
        data: Its bytes.
    """
    started = record.started.replace("-", "").replace(":", "")
    kind = record.outcome.value + ("-warmup" if record.warmup else "")
    kind += "-imported" if record.imported else ""
    content = hashlib.sha256(data).hexdigest()[:16]
    parts = (started, kind, machine_key(record.machine_class), record.inputs.digest[:12], content)
    return f"{'_'.join(parts)}.json"
