"""What the project's constraints or lock files say of distributions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path

from packaging.utils import canonicalize_name

__all__ = ["locked_versions"]

_PIN = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(===?|~=|>=|<=|<|>|!=)\s*([^\s;#]+)")
_LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_PIN_FILES = ("constraints.txt", "requirements.txt")


def locked_versions(root: Path, names: Collection[str]) -> dict[str, str]:
    """Return what the project pins of `names`.

    Args:
        root: The project's root; committed files directly in it count.
        names: Distributions, in canonical spelling.
    """
    found: dict[str, str] = {}
    for file_name in (*_PIN_FILES, *_LOCK_FILES):
        file = root / file_name
        try:
            status = file.stat()
        except OSError:
            continue
        stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        found |= {name: pin for name, pin in _read(file, stamp) if name in names}
    return found


@lru_cache(maxsize=32)
def _read(file: Path, stamp: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    try:
        text = file.read_text(encoding="utf-8")
        return tuple(_pins(text) if file.suffix == ".txt" else _lock(tomllib.loads(text)))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ()


def _pins(text: str) -> Iterable[tuple[str, str]]:
    for line in text.splitlines():
        if match := _PIN.match(line):
            yield canonicalize_name(match[1]), match[2] + match[3]


def _lock(data: dict[str, object]) -> Iterable[tuple[str, str]]:
    entries = data.get("package", data.get("packages", []))
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and "name" in entry and "version" in entry:
            yield canonicalize_name(str(entry["name"])), str(entry["version"])
