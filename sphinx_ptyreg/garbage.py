"""What the local store can do without: records beyond a number, artifacts that no record names.

Never what is published, frozen, received, shown by a page in whatever way, or named in a text by
its id; nor an artifact while one record cannot be read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import RecordError
from .evidence import Evidence
from .frozen import kept_layer, versions
from .shown_records import Named, named_in, shown_by
from .store import Layer

__all__ = ["Garbage", "Piece", "collect"]

#: Characters of an id by which a text names a record: its start, to the second.
_NAMED = len("20261123T154510")

#: Seconds after which a file that was never finished is nobody's.
_ABANDONED = 3600


class Piece(NamedTuple):
    """A file that can go."""

    path: Path
    size: int
    why: str


class Garbage(NamedTuple):
    """What can go, and the records that cannot be read: they keep every artifact."""

    pieces: list[Piece]
    unreadable: list[str]


def collect(evidence: Evidence, *, keep: int | None, texts: Iterable[str]) -> Garbage:
    """Find what can go.

    Args:
        evidence: The project's evidence as it is now.
        keep: How many of the newest local records of each selector stay; all, by default.
        texts: The project's texts: pages, what they include, and all else that may name a record.
    """
    local = evidence.store.local
    pieces: list[Piece] = []
    if keep is not None:
        named = named_in(texts)
        kept, shown = _kept_names(evidence), _shown(evidence, named)
        for name, own in evidence.selectors.items():
            mine = [entry for known in own.selector.names for entry in local.entries(known)]
            for entry in sorted(mine)[:-keep]:
                cited = entry.started in shown or entry.started[:_NAMED] in named.seconds
                if entry.name not in kept and not cited:
                    why = f"older than the newest {keep} of {name}"
                    pieces.append(Piece(entry.path, entry.size, why))
    gone = {piece.path for piece in pieces}
    found, unreadable = _artifacts(evidence, gone)
    if not unreadable:
        pieces += [
            Piece(file, file.stat().st_size, "no record names it")
            for file in sorted((local.folder / "artifacts").glob("*.*"))
            if file.name not in found and not file.name.startswith(".")
        ]
    pieces += _abandoned(local.folder)
    return Garbage(pieces, unreadable)


def _kept_names(evidence: Evidence) -> set[str]:
    """Return the file names of what is published, received or frozen."""
    names = [name for own in evidence.selectors.values() for name in own.selector.names]
    return {e.name for layer in _other_layers(evidence) for n in names for e in layer.entries(n)}


def _other_layers(evidence: Evidence) -> Iterator[Layer]:
    yield from evidence.store.layers[1:]
    for version in versions(evidence.project):
        yield kept_layer(evidence.project, version)


def _shown(evidence: Evidence, named: Named) -> set[str]:
    """Return when the runs began that pages show, as file names tell it."""
    shown = list(shown_by(evidence, named))
    for own in evidence.selectors.values():
        current = [own.measured, own.latest, *(r for found in own.classes.values() for r in found)]
        shown += [record for record in current if record is not None]
    return {record.started.replace("-", "").replace(":", "") for record in shown}


def _artifacts(evidence: Evidence, gone: set[Path]) -> tuple[set[str], list[str]]:
    """Return the names of the artifacts that records name, and which records cannot be read."""
    named: set[str] = set()
    unreadable: list[str] = []
    for layer in evidence.store.layers:
        records = layer.folder / "records"
        selectors = [folder.name for folder in records.iterdir()] if records.is_dir() else []
        for entry in (entry for selector in selectors for entry in layer.entries(selector)):
            if entry.path in gone:
                continue
            try:
                named |= {artifact.file_name for artifact in entry.read().artifacts.values()}
            except RecordError as error:
                unreadable.append(str(error))
    return named, unreadable


def _abandoned(folder: Path) -> Iterator[Piece]:
    for file in sorted(folder.rglob(".new-*")):
        told = file.stat()
        if time.time() - told.st_mtime > _ABANDONED:
            yield Piece(file, told.st_size, "left by a process that was killed")
