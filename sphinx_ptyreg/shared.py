"""The files of a shared store, at any URL that fsspec knows: whatever its backend does, is told."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import InfrastructureError

__all__ = ["SharedFiles", "UnreachableError"]

#: Seconds to wait for the first answer of a server, and how much longer for files.
PATIENCE, _FOR_FILES = 30.0, 20

_READ_ONLY = frozenset({"http", "https"})
#: What puts a file there whole or not at all, and has folders only as parts of names.
_OBJECTS = frozenset(
    {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"}
)

_T = TypeVar("_T")


class UnreachableError(Exception):
    """The shared store does not answer, or is not there; the text says why, for people."""


class SharedFiles:
    """The files of a shared store.

    Args:
        url: Where it is.

    Raises:
        UnreachableError: It does not answer, or is not there.
        InfrastructureError: What opens it is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        protocol = url.partition("://")[0].rpartition("::")[2]
        self.is_read_only, self._is_objects = protocol in _READ_ONLY, protocol in _OBJECTS
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 - for a shared store alone
        except ImportError as error:
            raise InfrastructureError(
                f"Expected fsspec to open the store {url}. Install sphinx-ptyreg[fsspec]."
            ) from error
        try:
            self._fs, self._root = self._asked(lambda: url_to_fs(url, use_listings_cache=False))
            self._check_there()
        except ImportError as error:
            raise InfrastructureError(
                f"Expected what opens {url} to be installed, but got: {error}."
            ) from error
        except ValueError as error:
            raise InfrastructureError(f"{url}: Expected a URL of fsspec: {error}.") from error
        except FileNotFoundError as error:
            raise _unreachable(error) from error

    def sizes(self, folder: str) -> dict[str, int | None]:
        """Return file name → bytes of what lies in a folder; None where that is not told."""
        try:
            found = self._asked(lambda: self._fs.ls(self._path(folder), detail=True))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise _unreachable(error) from error
        return {
            one["name"].rstrip("/").rpartition("/")[2]: one.get("size")
            for one in found
            if one.get("type") != "directory"
        }

    def read(self, paths: list[str]) -> dict[str, bytes]:
        """Return the content of files, fetched together; those that are gone are left out."""
        full = {self._path(path): path for path in paths}
        found = self._patiently(lambda: self._fs.cat(list(full), on_error="return"))
        for error in found.values():
            if isinstance(error, Exception) and not isinstance(error, FileNotFoundError):
                raise _unreachable(error)
        return {full[name]: data for name, data in found.items() if isinstance(data, bytes)}

    def write(self, path: str, data: bytes) -> None:
        """Write a file, whole: where it could be seen half written, under another name first."""
        final = self._path(path)
        folder = final.rpartition("/")[0]

        def write() -> None:
            if self._is_objects:
                self._fs.pipe(final, data)
                return
            self._fs.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.new-{secrets.token_hex(8)}"
            self._fs.pipe(temporary, data)
            self._fs.mv(temporary, final)

        self._patiently(write)

    def _check_there(self) -> None:
        """Refuse to take a store that is not there for an empty one, and to make it."""
        if self.is_read_only:
            self._asked(lambda: self._fs.ls(self._root, detail=False))
        elif not self._is_objects:
            if not self._asked(lambda: self._fs.isdir(self._root)):
                raise UnreachableError("there is no such folder: make it, or correct the URL")
        elif bucket := self._root.strip("/").partition("/")[0]:
            there = self.url.startswith("memory:") or self._asked(lambda: self._fs.exists(bucket))
            if not there:
                raise UnreachableError(f"there is no {bucket!r}: make it, or correct the URL")

    def _path(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"

    def _patiently(self, call: Callable[[], _T]) -> _T:
        """Ask for what may take long, and for nothing that may be absent."""
        try:
            return self._asked(call, PATIENCE * _FOR_FILES)
        except (FileNotFoundError, ImportError, ValueError) as error:
            raise _unreachable(error) from error

    def _asked(self, call: Callable[[], _T], patience: float | None = None) -> _T:
        """Return what `call` returns, but do not wait for ever: any backend may be anywhere."""
        patience = PATIENCE if patience is None else patience
        answer: list[Any] = []

        def ask() -> None:
            try:
                answer.append((call(), None))
            except BaseException as error:  # noqa: BLE001 - told by the caller's thread
                answer.append((None, error))

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(patience)
        if not answer:
            raise UnreachableError(f"no answer within {patience:.0f} s")
        result, error = answer[0]
        if isinstance(error, (FileNotFoundError, ImportError, ValueError)):
            raise error
        if error is not None:
            raise _unreachable(error) from error
        return result  # type: ignore[no-any-return]


def _unreachable(error: BaseException) -> UnreachableError:
    told = str(error).strip().splitlines()
    return UnreachableError(f"{type(error).__name__}: {told[0] if told else 'no reason'}"[:300])
