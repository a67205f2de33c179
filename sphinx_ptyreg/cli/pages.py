"""The pages of a project, found without Sphinx."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from ..declared import Project
from ..errors import InfrastructureError
from ..listing import everything

__all__ = ["pages_of", "shown_path", "texts_of"]

_SUFFIXES = frozenset({".md", ".rst"})
#: What may be a page, be included in one, or become one (docstrings, notebooks); no output.
_TEXTS = _SUFFIXES | {".inc", ".ipynb", ".jinja", ".j2", ".py", ".toml", ".txt", ".yaml", ".yml"}


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


def texts_of(project: Project, paths: list[Path]) -> Iterator[str]:
    """Return every text that may name a record: of the project, of ``docs`` and of `paths`.

    Raises:
        InfrastructureError: A path is not there.
    """
    for path in paths:
        if not path.exists():
            raise InfrastructureError(f"Expected {path} to be a page or a folder of pages.")
    folders = [folder for folder in [project.root / "docs"] if folder.is_dir()]
    return _texts(project, [*folders, *paths])


def _texts(project: Project, paths: list[Path]) -> Iterator[str]:
    below = (path.rglob("*") if path.is_dir() else [path] for path in paths)
    tracked = (project.root / name for name in everything(project.root, project.published))
    kept = (project.published, project.store)
    for file in {*tracked, *itertools.chain.from_iterable(below)}:
        if file.suffix not in _TEXTS or any(folder in file.parents for folder in kept):
            continue
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            yield _cells(text) if file.suffix == ".ipynb" else text


def _cells(notebook: str) -> str:
    """Return what a notebook says as lines: in its file each is a string of its own."""
    try:
        cells = json.loads(notebook)["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells)
    except (ValueError, TypeError, KeyError):
        return notebook


def shown_path(project: Project, page: Path) -> str:
    """Return a page's path below the project's root, else as it is."""
    whole = page.resolve()
    inside = whole.is_relative_to(project.root)
    return (whole.relative_to(project.root) if inside else page).as_posix()
