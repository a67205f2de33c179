"""The records of a project: three folders of append-only files, read as one.

``.ptyreg/`` holds what was run here, ``.ptyreg/received/`` what came from elsewhere, and
``docs/evidence/`` is tracked and written by ``ptyreg publish``. In each,
``records/SELECTOR/ID.json`` and ``artifacts/SHA256.suffix``.

A file's name tells the start, outcome, machine class, inputs and content digest, so a lookup
opens only the records it may use, and a changed file no longer fits its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import RecordError, VerdictError
from .record import SCHEMA, Artifact, Outcome, RunRecord, decode, encode, schema_of

__all__ = ["PUBLISH_LIMIT", "Entry", "Layer", "Store", "write_once"]

#: Bytes of the largest artifact that is published.
PUBLISH_LIMIT = 200_000

_NAME = re.compile(
    r"(?P<started>\d{8}T\d{6}\.\d{6}Z)_(?P<outcome>[a-z_]+?)(?P<warmup>-warmup)?"
    r"(?P<imported>-imported)?"
    r"_(?P<machine>[0-9a-f]{12})_(?P<inputs>[0-9a-f]{12})_(?P<content>[0-9a-f]{16})\.json"
)

_OUTCOMES = frozenset(outcome.value for outcome in Outcome)


class Entry(NamedTuple):
    """A stored record by its name alone; newest last when sorted."""

    started: str
    content: str
    outcome: Outcome
    warmup: bool
    imported: bool
    machine_key: str
    inputs_key: str
    path: Path

    @property
    def measured(self) -> bool:
        """Whether the record is a measurement."""
        return self.outcome is Outcome.PASSED and not self.warmup

    def read(self) -> RunRecord:
        """Read the record and hold it against its name.

        Raises:
            RecordError: The file cannot be read, is no record, or was changed or renamed.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise RecordError(f"{self.path.name}: cannot be read: {error.strerror}.") from error
        if hashlib.sha256(data).hexdigest()[:16] != self.content:
            raise RecordError(
                f"{self.path.name}: Expected the content that its name gives the digest of, "
                "but it was changed or cut off."
            )
        record = decode(data, where=self.path.name)
        expected = _file_name(record, data)
        if schema_of(data) < SCHEMA:  # its inputs may have had another digest then
            expected = expected.replace(record.inputs.digest[:12], self.inputs_key)
        if expected != self.path.name:
            raise RecordError(
                f"{self.path.name}: Expected the name of its record, {expected}, "
                "but it was renamed."
            )
        return record


class Layer:
    """One folder of records and artifacts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self, selector: str) -> Iterator[Entry]:
        """Yield what is stored for `selector`, in no order; files of other names are not ours."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for file in os.scandir(self.folder / "records" / selector):
                match = _NAME.fullmatch(file.name)
                if match is None or match["outcome"] not in _OUTCOMES:
                    continue
                yield Entry(
                    match["started"], match["content"], Outcome(match["outcome"]),
                    match["warmup"] is not None, match["imported"] is not None,
                    match["machine"], match["inputs"], Path(file.path),
                )  # fmt: skip

    def artifact(self, artifact: Artifact) -> Path | None:
        """Return the file of `artifact` when it is here and has its content."""
        path = self.folder / "artifacts" / artifact.file_name
        return path if _has_digest(path, artifact.sha256) else None

    def add_artifact(self, source: Path, sha256: str, suffix: str) -> None:
        """Keep a copy of `source`."""
        target = self.folder / "artifacts" / (sha256 + suffix)
        if not _has_digest(target, sha256):
            write_once(target, source.read_bytes())

    def hide(self) -> None:
        """Keep the folder out of version control, whatever the project's own rules are."""
        rule = self.folder / ".gitignore"
        if not rule.exists():
            write_once(rule, b"# Written by sphinx-ptyreg: local records are not tracked.\n*\n")

    def add(self, record: RunRecord) -> Path:
        """Keep `record`; keeping it twice is keeping it once."""
        data = encode(record)
        path = self.folder / "records" / record.selector / _file_name(record, data)
        if not path.exists():
            write_once(path, data)
        return path


class Store:
    """The layers of a project.

    Args:
        local: What was run here (``.ptyreg``); what came from elsewhere lies in a folder of it.
        published: What is tracked (``docs/evidence``).
    """

    def __init__(self, local: Path, published: Path) -> None:
        self.local = Layer(local)
        self.received = Layer(local / "received")
        self.published = Layer(published)

    @property
    def layers(self) -> tuple[Layer, Layer, Layer]:
        """All layers, the local one first."""
        return self.local, self.received, self.published

    def entries(self, selector: str) -> list[Entry]:
        """Return what all layers hold for `selector`, oldest first, each record once."""
        unique = {
            entry.path.name: entry
            for layer in reversed(self.layers)
            for entry in layer.entries(selector)
        }
        return sorted(unique.values())

    def artifact(self, artifact: Artifact) -> Path | None:
        """Return the file of `artifact`, wherever it lies."""
        for layer in self.layers:
            if path := layer.artifact(artifact):
                return path
        return None

    def publish(self, record: RunRecord, layer: Layer | None = None) -> Path:
        """Copy a record and its artifacts to the tracked layer, or to another.

        Raises:
            RecordError: An artifact is gone.
            VerdictError: An artifact is too large to be tracked.
        """
        sources: list[tuple[Path, Artifact]] = []
        for name, artifact in record.artifacts.items():
            source = self.artifact(artifact)
            if source is None:
                raise RecordError(
                    f"{record.id}: Expected artifact {name!r} in the store, but it is gone."
                )
            if artifact.size > PUBLISH_LIMIT:
                raise VerdictError(
                    f"{record.id}: Expected artifact {name!r} to have at most {PUBLISH_LIMIT} "
                    f"bytes, but got {artifact.size}. Hand over a smaller file."
                )
            sources.append((source, artifact))
        layer = layer or self.published
        for source, artifact in sources:
            layer.add_artifact(source, artifact.sha256, artifact.suffix)
        return layer.add(record)


def write_once(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, and survives a power cut."""
    _make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.chmod(temporary, 0o644)  # noqa: PTH101 - mkstemp made it private
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, path)  # noqa: PTH105 - the name that tests put a fault into
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each known to the disk before it is used."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _has_digest(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _file_name(record: RunRecord, data: bytes) -> str:
    started = record.started.replace("-", "").replace(":", "")
    kind = record.outcome.value + ("-warmup" if record.warmup else "")
    kind += "-imported" if record.imported else ""
    machine = hashlib.sha256(record.machine_class.encode()).hexdigest()[:12]
    content = hashlib.sha256(data).hexdigest()[:16]
    return f"{started}_{kind}_{machine}_{record.inputs.digest[:12]}_{content}.json"
