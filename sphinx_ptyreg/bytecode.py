"""Compiled files that hide a change of their source."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterable
from pathlib import Path

__all__ = ["forget_outdated"]

_HEADER = struct.Struct("<4sIII")


def forget_outdated(root: Path, sources: Iterable[str]) -> list[Path]:
    """Remove compiled files that Python takes for current although their source was changed.

    Python compares the source's time stamp, in whole seconds, and its size: a change that keeps
    both would be measured as if it had not been made. Who keeps a time stamp cannot keep the
    inode's own, so what was compiled before that is removed.

    Args:
        root: The project's root.
        sources: Its files; those that are no Python are left out.

    Returns:
        What was removed.
    """
    removed = []
    compiled: dict[str, list[str]] = {}
    for source in sources:
        folder, _, name = source.rpartition("/")
        if not name.endswith(".py"):
            continue
        if folder not in compiled:
            compiled[folder] = _names(root / folder / "__pycache__")
        for cached in compiled[folder]:
            if cached.startswith(f"{name[:-3]}."):
                file = root / folder / "__pycache__" / cached
                with contextlib.suppress(OSError, struct.error):
                    if _hides_a_change(root / source, file):
                        file.unlink()
                        removed.append(file)
    return removed


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def _hides_a_change(source: Path, compiled: Path) -> bool:
    now, then = source.stat(), compiled.stat()
    if now.st_ctime_ns <= then.st_mtime_ns:
        return False
    with compiled.open("rb") as file:
        _, flags, stamp, size = _HEADER.unpack(file.read(_HEADER.size))
    same = stamp == int(now.st_mtime) & 0xFFFFFFFF and size == now.st_size & 0xFFFFFFFF
    return bool(flags == 0 and same)
