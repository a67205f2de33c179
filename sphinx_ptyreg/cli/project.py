"""What every command needs of the project it is called in."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..config import find_root, load
from ..declared import Project, Selector
from ..store import Store
from .completion import completes_selectors

__all__ = ["add_names", "chosen", "opened"]


def add_names(parser: argparse.ArgumentParser) -> None:
    """Let a command take names of selectors."""
    completes_selectors(
        parser.add_argument("names", metavar="NAME", nargs="*", help="selectors (default: all)")
    )


def opened(arguments: argparse.Namespace) -> tuple[Project, Store]:
    """Read the declaration and open the store.

    Raises:
        ConfigError: The declaration cannot be used.
    """
    project = load(find_root(Path(arguments.root).resolve()))
    return project, Store(project.store, project.published)


def chosen(project: Project, arguments: argparse.Namespace) -> list[Selector]:
    """Return the named selectors, or all.

    Raises:
        UnknownNameError: A name is not declared.
    """
    if not arguments.names:
        return list(project.selectors.values())
    return [project.selector(name) for name in arguments.names]
