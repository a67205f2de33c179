"""Releases whose evidence is kept: ``docs/evidence/releases/VERSION``, each a layer of its own.

A release holds copies of its records and artifacts, so nothing that happens to the others changes
it, and ``release.json``, written last: a folder without it is no release, and a record that it does
not name is none of the release's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from .canonical import canonical
from .declared import Project
from .entries import Entry, list_entries
from .errors import ConfigError, RecordError, UnknownNameError
from .plain import brief
from .record import RunRecord
from .store import Layer, Store, entries_of, write_once

__all__ = [
    "MANIFEST", "RESERVED", "FrozenStore", "Release", "ReleaseLayer", "freeze", "kept_layer",
    "release", "release_store", "versions",
]  # fmt: skip

#: Words that name a side of a comparison, and so no version.
RESERVED = frozenset({"latest", "previous", "published", "release"})

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
#: What names the records of a release, in its folder.
MANIFEST = "release.json"


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a release keeps.

    Attributes:
        schema: Version of this form.
        version: Its name.
        frozen: When it was frozen, in UTC.
        commit: What was checked out then; None outside version control.
        selectors: Selector → ids of the records that were fresh then, the newest last.
        history: Selector → ids of the others that its pages show: earlier runs, imports.
        published: Ids of those that were published then: what baselines are.
    """

    schema: int
    version: str
    frozen: str
    commit: str | None
    selectors: dict[str, list[str]]
    history: dict[str, list[str]] = {}
    published: list[str] = []

    @property
    def current(self) -> frozenset[str]:
        """The ids of the records that stand for the release."""
        return frozenset(id_ for ids in self.selectors.values() for id_ in ids)

    @property
    def kept(self) -> frozenset[str]:
        """The ids of all its records."""
        return self.current | {id_ for ids in self.history.values() for id_ in ids}


class ReleaseLayer(Layer):
    """The records and artifacts of a release: those that its manifest names, and no other.

    Args:
        folder: Where they lie.
        told: The manifest.
        only: Of the records, those with these ids; all by default.
    """

    def __init__(self, folder: Path, told: Release, only: Collection[str] | None = None) -> None:
        super().__init__(folder)
        self.release = told
        self._kept = told.kept if only is None else told.kept.intersection(only)

    def entries(self, selector: str) -> Iterator[Entry]:
        """List what the release keeps of `selector`, in no order."""
        return (entry for entry in super().entries(selector) if entry.id in self._kept)

    def gone(self) -> list[str]:
        """Return the ids of the records that the manifest names and the folder has not."""
        there = {
            entry.id
            for folder in (self.folder / "records").glob("*")
            for entry in list_entries(folder)
        }
        return sorted(self.release.kept - there)


class FrozenStore(Store):
    """A store that has what a release keeps, and nothing else.

    Args:
        project: The declaration.
        layer: The release.
    """

    def __init__(self, project: Project, layer: ReleaseLayer) -> None:
        super().__init__(project.store / "frozen", layer.folder)
        self.published = layer
        self.baseline = ReleaseLayer(layer.folder, layer.release, layer.release.published)
        self.version = layer.release.version
        #: When the runs began that stand for the release, as file names tell it.
        self.current = frozenset(id_.partition("-")[0] for id_ in layer.release.current)


def versions(project: Project) -> list[str]:
    """Return the frozen versions, the newest last."""
    found = [release(project, file.parent.name) for file in _folder(project).glob(f"*/{MANIFEST}")]
    return [told.version for told in sorted(found, key=lambda told: (told.frozen, told.version))]


def release(project: Project, version: str) -> Release:
    """Read what a release keeps.

    Raises:
        UnknownNameError: No such version was frozen.
        RecordError: Its manifest cannot be read.
    """
    file = _folder_of(project, version) / MANIFEST
    try:
        told = msgspec.json.decode(file.read_bytes(), type=Release)
    except FileNotFoundError:
        known = [path.parent.name for path in _folder(project).glob(f"*/{MANIFEST}")]
        raise UnknownNameError("frozen version", version, known) from None
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        raise RecordError(
            f"{version}/{MANIFEST}: Expected a release, but got: {brief(error)}."
        ) from error
    if told.version != version:
        raise RecordError(
            f"{version}/{MANIFEST}: Expected release {version}, but got {told.version[:100]!r}. "
            "Restore it from version control."
        )
    return told


def kept_layer(project: Project, version: str) -> ReleaseLayer:
    """Return what a release keeps.

    Raises:
        UnknownNameError: No such version was frozen.
        RecordError: Its manifest cannot be read.
    """
    return ReleaseLayer(_folder_of(project, version), release(project, version))


def release_store(project: Project, version: str) -> FrozenStore:
    """Return a store that has what a release keeps, and nothing else.

    Raises:
        UnknownNameError: No such version was frozen.
        RecordError: Its manifest cannot be read, or a record that it names is gone.
    """
    layer = kept_layer(project, version)
    if gone := layer.gone():
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise RecordError(
            f"{version}: Expected the records that {MANIFEST} names, but {gone[0]}{more} is gone. "
            "Restore it from version control."
        )
    return FrozenStore(project, layer)


def _folder_of(project: Project, version: str) -> Path:
    """Return the folder of a release.

    Raises:
        ConfigError: It is no name of a version.
    """
    if not _VERSION.fullmatch(version) or version in RESERVED:
        raise ConfigError(
            "version",
            "Expected letters, digits, '.', '_', '+' and '-', and none of "
            f"{', '.join(sorted(RESERVED))}, but got {version!r}.",
        )
    return _folder(project) / version


def freeze(
    project: Project,
    store: Store,
    version: str,
    records: Mapping[str, Sequence[RunRecord]],
    *,
    frozen: str,
    commit: str | None,
    history: Mapping[str, Sequence[RunRecord]] | None = None,
) -> ReleaseLayer:
    """Keep `records` as what `version` was released with, and `history` beside them.

    Everything is looked at before the first file is written.

    Raises:
        ConfigError: The version is frozen already, or no name of one.
        RecordError: An artifact is gone.
        VerdictError: An artifact is too large to be tracked.
    """
    folder = _folder_of(project, version)
    manifest = folder / MANIFEST
    if manifest.exists():
        raise ConfigError(
            f"version {version}",
            f"Expected a version that is not frozen yet, but it was on "
            f"{release(project, version).frozen[:10]}. What a release keeps is never rewritten.",
        )
    history = {name: found for name, found in (history or {}).items() if found}
    every = [record for part in (records, history) for found in part.values() for record in found]
    for record in every:
        store.publishable(record)
    for record in every:
        store.publish(record, Layer(folder))
    ids, names = {record.id for record in every}, {record.selector for record in every}
    published = {entry.id for entry in entries_of(store.published, names)}
    told = Release(
        schema=1, version=version, frozen=frozen, commit=commit,
        selectors={name: [record.id for record in found] for name, found in records.items()},
        history={name: [record.id for record in found] for name, found in history.items()},
        published=sorted(ids & published),
    )  # fmt: skip
    write_once(manifest, msgspec.json.format(canonical(told), indent=1) + b"\n")
    return ReleaseLayer(folder, told)


def _folder(project: Project) -> Path:
    return project.published / "releases"
