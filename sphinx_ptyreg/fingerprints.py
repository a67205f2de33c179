"""Fingerprints of a project's files, with a stat cache that keeps looking cheap."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection
from pathlib import Path

from .concealed import is_concealed, is_meant
from .listing import everything, files_matching, names_in, paths_matching
from .pytest_settings import table_of
from .record import digest_of
from .remembered import is_settled, recall, remember
from .revision import checkout_of

__all__ = ["Fingerprints"]

_Stamp = tuple[int, int, int, int]


class Fingerprints:
    """Looks at files below `root`, each once.

    Args:
        root: The project's root.
        cache: A file to remember digests in; None for none.
    """

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self._root = root
        self.prefix = os.fspath(root) + os.sep
        self._cache = cache
        self._known: dict[str, tuple[_Stamp, str]] = recall(cache, dict[str, tuple[_Stamp, str]])
        self._now: dict[str, str] = {}
        self._covered: dict[object, frozenset[str]] = {}
        self._learnt = False
        self._checkout: str | None = None
        self._names: dict[str, list[tuple[str, bool]]] = {}
        self._meant: dict[str, str] = {}

    def file(self, path: str) -> str:
        """Return the SHA-256 of a file, or nothing when there is no such file."""
        digest = self._now.get(path)
        if digest is None:
            digest = self._now[path] = self._look(path)
        return digest

    def exists(self, path: str) -> bool:
        """Whether there is anything at `path`, or where it leads."""
        return os.path.exists(self.prefix + self.meant(path))

    def listing(self, pattern: str, without: Collection[str] = ()) -> str:
        """Return a digest of the paths that match `pattern`, `without` some."""
        found = set(paths_matching(self.prefix, pattern)).difference(without)
        return digest_of(sorted(path.encode("utf-8", "replace").decode() for path in found))

    def link(self, path: str) -> str:
        """Return a digest of where a symbolic link points; nothing when it is none."""
        try:
            target = os.readlink(self.prefix + self.meant(path))
            return hashlib.sha256(os.fsencode(target)).hexdigest()
        except (OSError, ValueError):
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
            table = table_of(Path(self.prefix + self.meant(path)))
        except ValueError:
            return self.file(path)
        return "" if table is None else digest_of(table)

    def names(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in a folder of the project, and whether each is a folder."""
        if folder not in self._names:
            self._names[folder] = names_in(self.prefix + self.meant(folder))
        return self._names[folder]

    def meant(self, path: str) -> str:
        """Return the path that a recorded one means: concealed names are looked up."""
        if not is_concealed(path):
            return path
        if path not in self._meant:
            found = ""
            for part in path.split("/"):
                names = [name for name, _ in names_in(self.prefix + found)]
                found += next((name for name in names if is_meant(part, name)), part) + "/"
            self._meant[path] = found.rstrip("/")
        return self._meant[path]

    def save(self) -> None:
        """Remember what was learnt, where that is possible."""
        if self._cache is not None and self._learnt:
            remember(self._cache, self._known)

    def _look(self, path: str) -> str:
        full = self.prefix + self.meant(path)
        try:
            status = os.stat(full)
        except (OSError, ValueError):
            return ""
        if not stat.S_ISREG(status.st_mode) or (".." in path and self._leads_out(full)):
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

    def _leads_out(self, full: str) -> bool:
        """Whether a path leads out of the checkout that the project is a part of."""
        if self._checkout is None:
            self._checkout = f"{checkout_of(self._root) or self._root}{os.sep}"
        return not os.path.normpath(full).startswith(self._checkout)
