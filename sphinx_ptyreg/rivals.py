"""Modules that would be found instead of those that a run imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .fingerprints import Fingerprints

__all__ = ["rivals"]


def rivals(
    files: Collection[str], search: Iterable[str], modules: Iterable[str], prints: Fingerprints
) -> set[str]:
    """Return files that have the name of an imported module and were not read.

    One that appears may stand in front of what was imported: a module in a folder that is searched
    first, a package or an extension beside a module.

    Args:
        files: What was read, relative to the project's root.
        search: Folders of the project on the path of the run.
        modules: Top-level modules that were looked for along it.
        prints: Looks at the project's files.
    """
    wanted: dict[str, set[str]] = {folder: set(modules) for folder in search}
    for path in files:
        if not path.endswith(".py"):
            continue
        folder, _, stem = path[:-3].rpartition("/")
        if stem == "__init__":
            folder, _, stem = folder.rpartition("/")
        wanted.setdefault(folder or ".", set()).add(stem)
    found: set[str] = set()
    for folder, stems in wanted.items():
        start = "" if folder == "." else f"{folder}/"
        for name, is_folder in prints.names(folder):
            stem, _, suffix = name.partition(".")
            if stem not in stems:
                continue
            path = f"{start}{name}/__init__.py" if is_folder else start + name
            if suffix == "py" or suffix.endswith(("so", "pyd")) or (is_folder and not suffix):
                found.add(path)
    return {path for path in found.difference(files) if prints.exists(path)}
