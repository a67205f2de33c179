"""The pages of a project, found without Sphinx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..declared import Project
from ..errors import InfrastructureError

__all__ = ["pages_of", "shown_path"]

_SUFFIXES = frozenset({".md", ".rst"})


def pages_of(project: Project, paths: list[Path]) -> Iterator[Path]:
    """Yield the pages at `paths`, by default those in the project's ``docs``.

    Names that begin with ``.`` or ``_`` and the folder of published records are left out.

    Raises:
        InfrastructureError: A path is not there.
    """
    for path in paths or [folder for folder in [project.root / "docs"] if folder.is_dir()]:
        if path.is_dir():
            yield from sorted(
                file
                for file in path.rglob("*")
                if file.suffix in _SUFFIXES
                and not any(part[0] in "._" for part in file.relative_to(path).parts)
                and project.published not in file.resolve().parents
            )
        elif path.is_file():
            yield path
        else:
            raise InfrastructureError(f"Expected {path} to be a page or a folder of pages.")


def shown_path(project: Project, page: Path) -> str:
    """Return a page's path below the project's root, else as it is."""
    whole = page.resolve()
    inside = whole.is_relative_to(project.root)
    return (whole.relative_to(project.root) if inside else page).as_posix()
