"""``ptyreg lint``: find numbers that were typed by hand where a record could speak."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from ..errors import ExitCode, InfrastructureError
from ..evidence import Evidence
from ..prose import typed_numbers
from .project import opened

NAME = "lint"
HELP = "Find numbers in pages that no record supports, and say which role to use."
WRITES = "nothing"

_SUFFIXES = frozenset({".md", ".rst"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the pages."""
    parser.add_argument(
        "pages", metavar="PATH", nargs="*", type=Path,
        help="pages, or folders of pages (default: the project's docs)",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a number; 1 when there is one."""
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    status = ExitCode.OK
    for page in _pages(arguments.pages or [project.root / "docs"]):
        shown = page.relative_to(project.root) if page.is_relative_to(project.root) else page
        for found in typed_numbers(page.read_text(encoding="utf-8", errors="replace"), evidence):
            print(f"{shown}:{found.line}: {found.number}: {found.text}")
            status = ExitCode.VERDICT
    return status


def _pages(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file
                for file in path.rglob("*")
                if file.suffix in _SUFFIXES
                and not any(part[0] in "._" for part in file.relative_to(path).parts)
            )
        elif path.is_file():
            yield path
        else:
            raise InfrastructureError(f"Expected {path} to be a page or a folder of pages.")
