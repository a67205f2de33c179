"""What the project's constraints or lock files say of distributions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from packaging.utils import canonicalize_name

__all__ = ["LOCK_FILES", "PIN_FILES", "locked_versions", "pins"]

_NAME = r"^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?"
_PIN = re.compile(_NAME + r"\s*(===?|~=|>=|<=|<|>|!=)\s*([^\s;#]+)")
_ORIGIN = re.compile(_NAME + r"\s*(@)\s*(\S+)")
_INCLUDE = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)")
LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
PIN_FILES = ("constraints.txt", "requirements.txt")

#: Files that one may lead to.
_DEEPEST = 8


def locked_versions(root: Path, names: Collection[str]) -> dict[str, str]:
    """Return what the project pins of `names`.

    Args:
        root: The project's root; committed files directly in it count, and what they include.
        names: Distributions, in canonical spelling.
    """
    return {name: pin for name, pin in pins(root).items() if name in names}


def pins(root: Path) -> dict[str, str]:
    """Return all that the project pins."""
    found: dict[str, str] = {}
    for file_name in (*PIN_FILES, *LOCK_FILES):
        found |= dict(_told(root, root / file_name, _DEEPEST))
    return found


def _told(root: Path, file: Path, deep: int) -> Iterator[tuple[str, str]]:
    try:
        status = file.stat()
    except OSError:
        return
    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    pinned, included = _read(file, stamp)
    for name in included if deep else ():
        other = (file.parent / name).resolve()
        if other.is_relative_to(root):
            yield from _told(root, other, deep - 1)
    yield from pinned


@lru_cache(maxsize=32)
def _read(
    file: Path, stamp: tuple[int, ...]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix != ".txt":
            return tuple(_lock(tomllib.loads(text))), ()
        included = (found[1] for line in text.splitlines() if (found := _INCLUDE.match(line)))
        return tuple(_pins(text)), tuple(included)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return (), ()


def _pins(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        if match := _PIN.match(line) or _ORIGIN.match(line):
            yield canonicalize_name(match[1]), match[2] + match[3]


def _lock(data: dict[str, object]) -> Iterable[tuple[str, str]]:
    entries = data.get("package", data.get("packages", []))
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and "name" in entry and "version" in entry:
            yield canonicalize_name(str(entry["name"])), str(entry["version"]) + _origin(entry)


def _origin(entry: dict[str, object]) -> str:
    """Return where a locked distribution comes from when its version does not tell: a commit."""
    for key in ("source", "vcs"):
        source = entry.get(key)
        if isinstance(source, dict):
            for word in ("git", "resolved_reference", "commit-id"):
                if word in source:
                    return f" @ {source[word]}"
    return ""
