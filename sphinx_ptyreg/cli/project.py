"""What every command needs of the project it is called in."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..config import find_root, load
from ..declared import Project, Selector
from ..errors import ConfigError
from ..store import Store
from .completion import completes_selectors

__all__ = ["add_names", "chosen", "declared", "opened"]


def add_names(parser: argparse.ArgumentParser) -> None:
    """Let a command take names of selectors."""
    completes_selectors(
        parser.add_argument(
            "names", metavar="NAME", nargs="*", default=[], help="selectors (default: all)"
        )
    )


def opened(arguments: argparse.Namespace) -> tuple[Project, Store]:
    """Read the declaration and open the store.

    Raises:
        ConfigError: The declaration cannot be used.
    """
    project = load(find_root(Path(arguments.root).resolve()))
    return project, Store(project.store, project.published)


def chosen(project: Project, arguments: argparse.Namespace) -> list[Selector]:
    """Return the named selectors, or all; a command about none would say that all is well.

    Raises:
        UnknownNameError: A name is not declared.
        ConfigError: None is declared.
    """
    if arguments.names:
        found = map(project.selector, arguments.names)
        return list({selector.name: selector for selector in found}.values())
    return declared(project)


def declared(project: Project) -> list[Selector]:
    """Return all selectors.

    Raises:
        ConfigError: None is declared.
    """
    if not project.selectors:
        raise ConfigError(
            "pyproject.toml, tool.ptyreg.selectors",
            "Expected a selector, but got none. Declare one: [tool.ptyreg.selectors.NAME] with "
            'nodeids = ["tests/test_it.py::test_one"].',
        )
    return list(project.selectors.values())
