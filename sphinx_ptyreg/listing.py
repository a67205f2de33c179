"""Which files of a project a pattern, or the project as a whole, has."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from .trace import is_text

__all__ = ["everything", "files_matching", "paths_matching"]

_SKIPPED = frozenset({
    ".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "__pycache__", "node_modules",
    ".ptyreg", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".eggs",
})  # fmt: skip


def files_matching(root: Path, patterns: Iterable[str]) -> Iterator[str]:
    """Yield the files below `root` that declared globs cover."""
    for pattern in patterns:
        if not _is_magic(pattern):
            paths: Iterable[Path] = (root / pattern,)
        else:
            paths = root.glob(pattern)
        for path in paths:
            relative = PurePosixPath(path.relative_to(root).as_posix())
            named = is_text(str(relative)) and not _SKIPPED.intersection(relative.parts)
            if named and path.is_file():
                yield str(relative)


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
        names = list(files_matching(root, ["**/*"]))
    for name in names:
        if not name.startswith(kept) and not _SKIPPED.intersection(name.split("/")):
            yield name


def paths_matching(root: str, pattern: str) -> Iterator[str]:
    """Yield what a traced pattern matches, hidden names too, caches and environments left out."""
    yield from _below(root, "", pattern.split("/"))


def _below(root: str, folder: str, parts: list[str]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        if rest:
            yield from _below(root, folder, rest)
        for name, is_folder in _names(root, folder):
            if is_folder:
                yield from _below(root, f"{folder}{name}/", parts)
            if not rest:
                yield folder + name
        return
    fits = _compiled(part).match
    for name, is_folder in _names(root, folder) if _is_magic(part) else [(part, True)]:
        if not _is_magic(part) or fits(name):
            if rest and is_folder:
                yield from _below(root, f"{folder}{name}/", rest)
            elif not rest and os.path.lexists(root + folder + name):
                yield folder + name


def _is_magic(part: str) -> bool:
    return any(mark in part for mark in "*?[")


def _names(root: str, folder: str) -> list[tuple[str, bool]]:
    try:
        with os.scandir(root + folder) as entries:
            return [(e.name, e.is_dir()) for e in entries if e.name not in _SKIPPED]
    except OSError:
        return []


@cache
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))
