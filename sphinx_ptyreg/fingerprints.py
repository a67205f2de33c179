"""Fingerprints of a project's files, with a stat cache that keeps looking cheap."""

from __future__ import annotations

import configparser
import hashlib
import os
import tomllib
from collections.abc import Collection
from pathlib import Path

from .listing import everything, files_matching, paths_matching
from .record import digest_of
from .remembered import is_settled, recall, remember

__all__ = ["Fingerprints", "private_name"]

_PRIVATE = "private:"

_Stamp = tuple[int, int, int, int]


def private_name(path: str) -> str:
    """Return what a record keeps of a path that names a person, a machine or a secret."""
    return _PRIVATE + hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


class Fingerprints:
    """Looks at files below `root`, each once.

    Args:
        root: The project's root.
        cache: A file to remember digests in; None for none.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self._root = root
        self._prefix = os.fspath(root) + os.sep
        self._cache = cache
        self._known: dict[str, tuple[_Stamp, str]] = recall(cache, dict[str, tuple[_Stamp, str]])
        self._now: dict[str, str] = {}
        self._covered: dict[object, frozenset[str]] = {}
        self._learnt = False
        self._private: dict[str, str] | None = None

    def file(self, path: str) -> str:
        """Return the SHA-256 of a file, or nothing when there is no such file."""
        digest = self._now.get(path)
        if digest is None:
            digest = self._now[path] = self._look(path)
        return digest

    def exists(self, path: str) -> bool:
        """Whether there is anything at `path`."""
        return os.path.lexists(self._full(path))

    def listing(self, pattern: str, without: Collection[str] = ()) -> str:
        """Return a digest of the paths that match `pattern`, `without` some."""
        found = set(paths_matching(self._prefix, pattern)).difference(without)
        return digest_of(sorted(path.encode("utf-8", "replace").decode() for path in found))

    def link(self, path: str) -> str:
        """Return a digest of where a symbolic link points; nothing when it is none."""
        try:
            return hashlib.sha256(os.fsencode(os.readlink(self._full(path)))).hexdigest()
        except OSError:
            return ""

    def matching(self, patterns: tuple[str, ...]) -> frozenset[str]:
        """Return the files that declared globs cover."""
        if patterns not in self._covered:
            self._covered[patterns] = frozenset(files_matching(self._root, patterns))
        return self._covered[patterns]

    def everything(self, but: Path) -> frozenset[str]:
        """Return every file of the project that version control does not ignore."""
        if but not in self._covered:
            self._covered[but] = frozenset(everything(self._root, but))
        return self._covered[but]

    def section(self, path: str) -> str:
        """Return a digest of what pytest reads in a configuration file; nothing for none."""
        try:
            text = Path(self._prefix + path).read_text(encoding="utf-8")
            table = _pytest_table(path, text)
            return "" if table is None else digest_of(table)
        except OSError:
            return ""
        except (tomllib.TOMLDecodeError, configparser.Error, UnicodeDecodeError):
            return self.file(path)

    def save(self) -> None:
        """Remember what was learnt, where that is possible."""
        if self._cache is not None and self._learnt:
            remember(self._cache, self._known)

    def _full(self, path: str) -> str:
        """Return the full path; a private name is looked for among all files of the project."""
        if not path.startswith(_PRIVATE):
            return self._prefix + path
        if self._private is None:
            every = files_matching(self._root, ["**/*"])
            self._private = {private_name(name): name for name in every}
        return self._prefix + self._private.get(path, path)

    def _look(self, path: str) -> str:
        full = self._full(path)
        try:
            status = os.stat(full)
        except (OSError, ValueError):
            return ""
        stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            with open(full, "rb", buffering=0) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""
        if is_settled(*stamp[:2]):
            self._known[path] = (stamp, digest)
            self._learnt = True
        return digest


def _pytest_table(path: str, text: str) -> object:
    if path.endswith(".toml"):
        tool = tomllib.loads(text).get("tool", {})
        return str(tool["pytest"]) if isinstance(tool, dict) and "pytest" in tool else None
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    name = "tool:pytest" if path.endswith("setup.cfg") else "pytest"
    return dict(parser[name]) if parser.has_section(name) else None
