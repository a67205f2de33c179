"""A store that several machines share, at any URL that fsspec knows; the local copy serves.

What was run here is pushed, what others ran is pulled into ``.ptyreg/received``, and every
command reads the local copy alone. Nothing is overwritten or removed there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from .declared import Project
from .entries import file_name, is_record_name
from .errors import InfrastructureError, RecordError
from .receiving import Receiver, of_its_type
from .record import RECORD_LIMIT, Artifact, RunRecord, decode
from .shared import SharedFiles, UnreachableError
from .store import Store

__all__ = ["Exchanged", "UnreachableError", "pull", "push"]

_ARTIFACT_LIMIT = 64 * 2**20
_BATCH = 100


class Exchanged(NamedTuple):
    """What travelled.

    Attributes:
        records: How many records.
        artifacts: How many artifacts.
        refused: What was refused, by name.
        is_new: Whether the shared store has nothing of this project yet.
    """

    records: int
    artifacts: int
    refused: tuple[str, ...] = ()
    is_new: bool = False


def pull(project: Project, store: Store) -> Exchanged:
    """Copy the declared selectors' records that are not here, with their artifacts.

    Raises:
        UnreachableError: The shared store does not answer; what is here serves.
        InfrastructureError: What opens it is not installed, or the local copy cannot be written.
    """
    remote = SharedFiles(project.remote)
    store.local.hide()
    receiver, refused = Receiver(store), list[str]()
    records = artifacts = 0
    is_new = True
    try:
        for selector in _names(project):
            there = remote.sizes(f"records/{selector}")
            is_new = is_new and not there
            for record, data in _new_records(remote, store, selector, there, refused):
                try:
                    artifacts += _fetch_artifacts(remote, store, receiver, record)
                except RecordError as error:
                    refused.append(str(error))
                    receiver.drop()
                    continue
                folder = f"records/{selector}"
                receiver.stage(folder, file_name(record, data), [data])
                receiver.commit()
                records += 1
    except OSError as error:
        raise InfrastructureError(
            f"Expected {store.local.folder.name} to be writable, but got: {error.strerror}."
        ) from error
    finally:
        receiver.close()
    return Exchanged(records, artifacts, tuple(refused), is_new)


def push(project: Project, store: Store) -> Exchanged:
    """Copy what was run here to the shared store, artifacts before the records that name them.

    Raises:
        UnreachableError: The shared store does not answer, or takes nothing.
        InfrastructureError: What opens it is not installed.
    """
    remote = SharedFiles(project.remote)
    if remote.is_read_only:
        return Exchanged(0, 0)
    there: dict[str, int | None] | None = None
    records = artifacts = 0
    refused = []
    for selector in _names(project):
        known = remote.sizes(f"records/{selector}")
        for entry in sorted(store.local.entries(selector)):
            size = entry.size
            if _is_whole(known, entry.name, size):
                continue
            if size > RECORD_LIMIT:
                refused.append(_too_large(entry.name, size))
                continue
            try:
                record = entry.read()
            except RecordError as error:
                refused.append(str(error))
                continue
            there = remote.sizes("artifacts") if there is None else there
            for artifact in record.artifacts.values():
                path = store.artifact(artifact)
                if path is not None and not _is_whole(there, artifact.file_name, artifact.size):
                    remote.write(f"artifacts/{artifact.file_name}", path.read_bytes())
                    there[artifact.file_name] = artifact.size
                    artifacts += 1
            remote.write(f"records/{selector}/{entry.name}", entry.data())
            records += 1
    return Exchanged(records, artifacts, tuple(refused))


def _names(project: Project) -> Iterator[str]:
    """Yield what the declared selectors are and were called."""
    for selector in project.selectors.values():
        yield from selector.names


def _is_whole(there: dict[str, int | None], name: str, size: int) -> bool:
    """Whether a file is there and not cut off; where no size is told, its name is believed."""
    return name in there and there[name] in {size, None}


def _too_large(name: str, size: int) -> str:
    return f"{name}: Expected a record of at most {RECORD_LIMIT} bytes, but got {size}."


def _new_records(
    remote: SharedFiles, store: Store, selector: str, there: dict[str, int | None],
    refused: list[str],
) -> Iterator[tuple[RunRecord, bytes]]:  # fmt: skip
    here = {entry.name for entry in store.entries(selector)}
    folder = f"records/{selector}"
    new = {
        name: size or 0
        for name, size in sorted(there.items())
        if is_record_name(name) and name not in here
    }
    refused += [_too_large(name, size) for name, size in new.items() if size > RECORD_LIMIT]
    wanted = [name for name, size in new.items() if size <= RECORD_LIMIT]
    for start in range(0, len(wanted), _BATCH):
        names = wanted[start : start + _BATCH]
        found = remote.read([f"{folder}/{name}" for name in names])
        for path, data in sorted(found.items()):
            name = path.rpartition("/")[2]
            try:
                record = decode(data, where=name)
            except RecordError as error:
                refused.append(str(error))
                continue
            if file_name(record, data) != name or record.selector != selector:
                refused.append(f"{name}: Expected the content that its name gives the digest of.")
                continue
            yield record, data


def _fetch_artifacts(
    remote: SharedFiles, store: Store, receiver: Receiver, record: RunRecord
) -> int:
    missing = {
        artifact.file_name: artifact
        for artifact in record.artifacts.values()
        if artifact.size <= _ARTIFACT_LIMIT and store.artifact(artifact) is None
    }
    found = remote.read([f"artifacts/{name}" for name in missing]) if missing else {}
    count = 0
    for name, artifact in missing.items():
        data = found.get(f"artifacts/{name}")
        if data is None or receiver.has("artifacts", name, len(data)):
            continue
        _check(artifact, data)
        receiver.stage("artifacts", name, of_its_type(name, iter([data]), remote.url))
        count += 1
    return count


def _check(artifact: Artifact, data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != artifact.sha256:
        raise RecordError(f"{artifact.file_name}: Expected the content of this digest.")
