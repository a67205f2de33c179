"""The records of a project: three folders of append-only files, read as one.

``.ptyreg/`` holds what was run here, ``.ptyreg/received/`` what came from elsewhere, and
``docs/evidence/`` is tracked and written by ``ptyreg publish``. In each,
``records/SELECTOR/ID.json`` and ``artifacts/SHA256.suffix``; what was merged lies in packs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path

from .entries import Entry, file_name, list_entries
from .errors import RecordError, VerdictError
from .packs import SUFFIX, PackedEntry, unpacked
from .record import Artifact, RunRecord, encode

__all__ = ["PUBLISH_LIMIT", "Entry", "Layer", "Store", "write_once"]

#: Bytes of the largest artifact that is published.
PUBLISH_LIMIT = 200_000

#: How the name of a file begins until it is whole, and seconds after which nobody writes it.
_UNFINISHED, _ABANDONED_S = ".new-", 3600.0


class Layer:
    """One folder of records and artifacts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self, selector: str) -> Iterator[Entry]:
        """List what is stored for `selector`, in no order."""
        return list_entries(self.folder / "records" / selector)

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

    def sweep(self, selector: str) -> None:
        """Remove what writers that were killed long ago had not finished."""
        for file in (self.folder / "records" / selector).glob(f"{_UNFINISHED}*"):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime > _ABANDONED_S:
                    file.unlink()

    def add(self, record: RunRecord) -> Path:
        """Keep `record`; keeping it twice is keeping it once."""
        data = encode(record)
        path = self.folder / "records" / record.selector / file_name(record, data)
        if not path.exists():
            write_once(path, data)
        return path


class ReceivedLayer(Layer):
    """A folder that also holds packs of records, as merging writes them."""

    def entries(self, selector: str) -> Iterator[Entry]:
        """List what is stored for `selector`, in no order."""
        yield from super().entries(selector)
        yield from self.packed(selector)

    def packed(self, selector: str) -> Iterator[PackedEntry]:
        """List what is stored in packs."""
        for pack in sorted((self.folder / "records" / selector).glob(f"*{SUFFIX}")):
            yield from unpacked(pack)


def entries_of(place: Layer | Store, names: Iterable[str]) -> Iterator[Entry]:
    """Yield what is stored under any of `names`: those that a selector has, and had."""
    return (entry for name in names for entry in place.entries(name))


class Store:
    """The layers of a project.

    Args:
        local: What was run here (``.ptyreg``); what came from elsewhere lies in a folder of it.
        published: What is tracked (``docs/evidence``).
    """

    def __init__(self, local: Path, published: Path) -> None:
        self.local = Layer(local)
        self.received = ReceivedLayer(local / "received")
        self.published = Layer(published)
        #: What guardrails and comparisons mean by *published*.
        self.baseline = self.published

    @property
    def layers(self) -> tuple[Layer, Layer, Layer]:
        """All layers, the local one first."""
        return self.local, self.received, self.published

    def entries(self, selector: str) -> list[Entry]:
        """Return what all layers hold for `selector`, oldest first, each record once."""
        unique = {
            entry.name: entry
            for layer in reversed(self.layers)
            for entry in layer.entries(selector)
        }
        return sorted(unique.values(), key=attrgetter("name"))

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
        layer = layer or self.published
        for source, artifact in self.publishable(record):
            layer.add_artifact(source, artifact.sha256, artifact.suffix)
        return layer.add(record)

    def publishable(self, record: RunRecord) -> list[tuple[Path, Artifact]]:
        """Return the files of a record's artifacts, all fit to be tracked.

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
        return sources


def write_once(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, and survives a power cut."""
    _make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED)
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
