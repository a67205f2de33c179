"""Releases whose evidence is kept: ``docs/evidence/releases/VERSION``, each a layer of its own.

A release holds copies of its records and artifacts, so nothing that happens to the others changes
it, and ``release.json``, written last: a folder without it is no release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from .canonical import canonical
from .declared import Project
from .errors import ConfigError, RecordError, UnknownNameError
from .record import RunRecord
from .store import Layer, Store, write_once

__all__ = ["RESERVED", "Release", "freeze", "release", "release_layer", "release_store", "versions"]

#: Words that name a side of a comparison, and so no version.
RESERVED = frozenset({"latest", "previous", "published", "release"})

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_MANIFEST = "release.json"


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a release keeps.

    Attributes:
        schema: Version of this form.
        version: Its name.
        frozen: When it was frozen, in UTC.
        commit: What was checked out then; None outside version control.
        selectors: Selector → ids of its records, the newest last.
    """

    schema: int
    version: str
    frozen: str
    commit: str | None
    selectors: dict[str, list[str]]


def versions(project: Project) -> list[str]:
    """Return the frozen versions, the newest last."""
    found = [release(project, file.parent.name) for file in _folder(project).glob(f"*/{_MANIFEST}")]
    return [told.version for told in sorted(found, key=lambda told: (told.frozen, told.version))]


def release(project: Project, version: str) -> Release:
    """Read what a release keeps.

    Raises:
        UnknownNameError: No such version was frozen.
        RecordError: Its manifest cannot be read.
    """
    file = release_layer(project, version).folder / _MANIFEST
    try:
        return msgspec.json.decode(file.read_bytes(), type=Release)
    except FileNotFoundError:
        known = [path.parent.name for path in _folder(project).glob(f"*/{_MANIFEST}")]
        raise UnknownNameError("frozen version", version, known) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise RecordError(
            f"{version}/{_MANIFEST}: Expected a release, but got: {error}."
        ) from error


def release_layer(project: Project, version: str) -> Layer:
    """Return the records and artifacts of a release.

    Raises:
        ConfigError: It is no name of a version.
    """
    if not _VERSION.fullmatch(version) or version in RESERVED:
        raise ConfigError(
            "version",
            "Expected letters, digits, '.', '_', '+' and '-', and none of "
            f"{', '.join(sorted(RESERVED))}, but got {version!r}.",
        )
    return Layer(_folder(project) / version)


def release_store(project: Project, version: str) -> Store:
    """Return a store that has what a release keeps, and nothing else.

    Raises:
        UnknownNameError: No such version was frozen.
    """
    release(project, version)
    return Store(project.store / "frozen", release_layer(project, version).folder)


def freeze(
    project: Project,
    store: Store,
    version: str,
    records: Mapping[str, Sequence[RunRecord]],
    *,
    frozen: str,
    commit: str | None,
) -> Path:
    """Keep `records` as what `version` was released with; return its manifest.

    Raises:
        ConfigError: The version is frozen already, or no name of one.
        RecordError: An artifact is gone.
        VerdictError: An artifact is too large to be tracked.
    """
    layer = release_layer(project, version)
    manifest = layer.folder / _MANIFEST
    if manifest.exists():
        raise ConfigError(
            f"version {version}",
            f"Expected a version that is not frozen yet, but it was on "
            f"{release(project, version).frozen[:10]}. What a release keeps is never rewritten.",
        )
    for found in records.values():
        for record in found:
            store.publish(record, layer)
    told = Release(
        schema=1, version=version, frozen=frozen, commit=commit,
        selectors={name: [record.id for record in found] for name, found in records.items()},
    )  # fmt: skip
    write_once(manifest, msgspec.json.format(canonical(told), indent=1) + b"\n")
    return manifest


def _folder(project: Project) -> Path:
    return project.published / "releases"
