"""A store that several machines share, at any URL that fsspec knows; the local copy serves.

What was run here is pushed, what others ran is pulled into ``.ptyreg/received``, and every
command reads the local copy alone. Nothing is overwritten or removed there.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from .declared import Project
from .entries import file_name, is_record_name
from .errors import InfrastructureError, RecordError
from .receiving import Receiver, of_its_type
from .record import Artifact, RunRecord, decode
from .store import Store

__all__ = ["Exchanged", "UnreachableError", "pull", "push"]

#: Seconds to wait for the first answer of a server.
PATIENCE = 30.0

_RECORD_LIMIT, _ARTIFACT_LIMIT = 4 * 2**20, 64 * 2**20
_BATCH = 100
_READ_ONLY = frozenset({"http", "https"})

_T = TypeVar("_T")


class UnreachableError(Exception):
    """The shared store does not answer; the text says why, for people."""


class Exchanged(NamedTuple):
    """How many records and artifacts travelled, and what was refused by name."""

    records: int
    artifacts: int
    refused: tuple[str, ...] = ()


class _Remote:
    """The shared store of a project."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 - for a shared store alone
        except ImportError as error:
            raise InfrastructureError(
                f"Expected fsspec to open the store {url}. Install sphinx-ptyreg[fsspec]."
            ) from error
        try:
            self._fs, self._root = self._asked(lambda: url_to_fs(url, use_listings_cache=False))
        except ImportError as error:
            raise InfrastructureError(
                f"Expected what opens {url} to be installed, but got: {error}."
            ) from error
        except ValueError as error:
            raise InfrastructureError(f"{url}: Expected a URL of fsspec: {error}.") from error

    @property
    def is_read_only(self) -> bool:
        return self.url.partition("://")[0] in _READ_ONLY

    def sizes(self, folder: str) -> dict[str, int | None]:
        """Return file name → bytes of what lies in a folder."""
        try:
            found = self._asked(lambda: self._fs.ls(self._path(folder), detail=True))
        except FileNotFoundError:
            return {}
        return {one["name"].rstrip("/").rpartition("/")[2]: one.get("size") for one in found}

    def read(self, paths: list[str]) -> dict[str, bytes]:
        """Return the content of files, fetched together."""
        full = {self._path(path): path for path in paths}
        found = self._asked(lambda: self._fs.cat(list(full), on_error="return"), patient=True)
        for error in found.values():
            if isinstance(error, Exception) and not isinstance(error, FileNotFoundError):
                raise _unreachable(error)
        return {full[name]: data for name, data in found.items() if isinstance(data, bytes)}

    def write(self, path: str, data: bytes) -> None:
        """Write a file, whole."""

        def write() -> None:
            self._fs.makedirs(self._path(path).rpartition("/")[0], exist_ok=True)
            self._fs.pipe(self._path(path), data)

        self._asked(write, patient=True)

    def _path(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"

    def _asked(self, call: Callable[[], _T], *, patient: bool = False) -> _T:
        """Return what `call` returns, but do not wait for ever: any backend may be anywhere."""
        answer: list[Any] = []

        def ask() -> None:
            try:
                answer.append((call(), None))
            except BaseException as error:  # noqa: BLE001 - told by the caller's thread
                answer.append((None, error))

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(PATIENCE * (20 if patient else 1))
        if not answer:
            raise UnreachableError(f"no answer within {PATIENCE:.0f} s")
        result, error = answer[0]
        if isinstance(error, (FileNotFoundError, ImportError, ValueError)):
            raise error
        if error is not None:
            raise _unreachable(error) from error
        return result  # type: ignore[no-any-return]


def _unreachable(error: BaseException) -> UnreachableError:
    told = str(error).strip().splitlines()
    return UnreachableError(f"{type(error).__name__}: {told[0] if told else 'no reason'}"[:300])


def pull(project: Project, store: Store) -> Exchanged:
    """Copy the declared selectors' records that are not here, with their artifacts.

    Raises:
        UnreachableError: The shared store does not answer; what is here serves.
        InfrastructureError: What opens it is not installed, or the local copy cannot be written.
    """
    remote = _Remote(project.remote)
    store.local.hide()
    receiver, refused = Receiver(store), list[str]()
    records = artifacts = 0
    try:
        for selector in project.selectors:
            for record, data in _new_records(remote, store, selector, refused):
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
    return Exchanged(records, artifacts, tuple(refused))


def push(project: Project, store: Store) -> Exchanged:
    """Copy what was run here to the shared store, artifacts before the records that name them.

    Raises:
        UnreachableError: The shared store does not answer, or takes nothing.
        InfrastructureError: What opens it is not installed.
    """
    remote = _Remote(project.remote)
    if remote.is_read_only:
        return Exchanged(0, 0)
    there: dict[str, int | None] | None = None
    records = artifacts = 0
    refused = []
    for selector in project.selectors:
        known = remote.sizes(f"records/{selector}")
        for entry in sorted(store.local.entries(selector)):
            if entry.name in known:
                continue
            try:
                record = entry.read()
            except RecordError as error:
                refused.append(str(error))
                continue
            there = remote.sizes("artifacts") if there is None else there
            for artifact in record.artifacts.values():
                path = store.artifact(artifact)
                if path is not None and artifact.file_name not in there:
                    remote.write(f"artifacts/{artifact.file_name}", path.read_bytes())
                    there[artifact.file_name] = artifact.size
                    artifacts += 1
            remote.write(f"records/{selector}/{entry.name}", entry.data())
            records += 1
    return Exchanged(records, artifacts, tuple(refused))


def _new_records(
    remote: _Remote, store: Store, selector: str, refused: list[str]
) -> Iterator[tuple[RunRecord, bytes]]:
    here = {entry.name for entry in store.entries(selector)}
    folder = f"records/{selector}"
    wanted = sorted(
        name
        for name, size in remote.sizes(folder).items()
        if is_record_name(name) and name not in here and (size or 0) <= _RECORD_LIMIT
    )
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


def _fetch_artifacts(remote: _Remote, store: Store, receiver: Receiver, record: RunRecord) -> int:
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
