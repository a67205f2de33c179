"""Which files of a project a pattern, or the project as a whole, has."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from .concealed import is_concealed, is_magic, is_meant
from .trace import is_text

__all__ = ["everything", "files_matching", "names_in", "paths_matching"]

_SKIPPED = frozenset({
    ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "__pycache__", "node_modules",
    ".ptyreg", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".eggs",
})  # fmt: skip

#: Device and number of a folder.
_Inode = tuple[int, int]


def files_matching(root: Path, patterns: Iterable[str]) -> Iterator[str]:
    """Yield the files below `root` that declared patterns cover.

    A folder covers all that is below it.
    """
    prefix = f"{root}{os.sep}"
    for pattern in patterns:
        for path in paths_matching(prefix, _glob_of(prefix, pattern)):
            if is_text(path) and os.path.isfile(prefix + path):
                yield path


def _glob_of(prefix: str, pattern: str) -> str:
    pattern = posixpath.normpath(pattern)
    if pattern == ".":
        return "**/*"
    if pattern.endswith("/**") or pattern == "**":
        return f"{pattern}/*"
    if not is_magic(pattern) and os.path.isdir(prefix + pattern):
        return f"{pattern}/**/*"
    return pattern


def everything(root: Path, but: Path) -> Iterator[str]:
    """Yield every file of the project that version control does not ignore.

    Args:
        root: The project's root.
        but: A folder that is left out.
    """
    kept = os.path.relpath(but, root).replace(os.sep, "/") + "/"
    try:
        answer = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=root, capture_output=True, encoding="utf-8", errors="surrogateescape",
            timeout=60, check=True,
        )  # fmt: skip
        names = [name for name in answer.stdout.split("\0") if name and is_text(name)]
    except (OSError, subprocess.SubprocessError):
        names = ["."]
    for name in names:
        if name.startswith(kept) or not _SKIPPED.isdisjoint(name.split("/")):
            continue
        if os.path.isdir(root / name):  # a submodule, a repository of its own, or a link to one
            yield from (path for path in files_matching(root, [name]) if not path.startswith(kept))
        else:
            yield name


def paths_matching(root: str, pattern: str) -> Iterator[str]:
    """Yield what a traced pattern matches, hidden names too, caches and environments left out."""
    yield from _below(root, "", pattern.split("/"), ())


def _below(root: str, folder: str, parts: list[str], above: tuple[_Inode, ...]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        inode = _inode(root + folder)
        if inode is None or inode in above:  # a link that leads back up
            return
        if rest:
            yield from _below(root, folder, rest, ())
        for name, is_folder in names_in(root + folder):
            if is_folder:
                yield from _below(root, f"{folder}{name}/", parts, (*above, inode))
            if not rest:
                yield folder + name
        return
    for name, is_folder in _names_like(root + folder, part):
        if rest and is_folder:
            yield from _below(root, f"{folder}{name}/", rest, ())
        elif not rest and os.path.lexists(root + folder + name):
            yield folder + name


def _names_like(folder: str, part: str) -> Iterable[tuple[str, bool]]:
    if is_concealed(part):
        return [(name, is_dir) for name, is_dir in names_in(folder) if is_meant(part, name)]
    if not is_magic(part):
        return [(part, True)]
    fits = _compiled(part).match
    return [(name, is_dir) for name, is_dir in names_in(folder) if fits(name)]


def names_in(folder: str) -> list[tuple[str, bool]]:
    """Return the names in a folder, and whether each is a folder; of none, there are none."""
    try:
        with os.scandir(folder) as entries:
            return [(e.name, e.is_dir()) for e in entries if e.name not in _SKIPPED]
    except (OSError, ValueError):  # a record may name what no system can
        return []


def _inode(folder: str) -> _Inode | None:
    try:
        status = os.stat(folder)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


@cache
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))
