"""``ptyreg lint``: find numbers that were typed by hand where a record could speak."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import ExitCode
from ..evidence import Evidence
from ..prose import typed_numbers
from .console import Console, heading
from .pages import pages_of, shown_path
from .project import opened

NAME = "lint"
HELP = "Find numbers in pages that no record supports, and say which role to use."
WRITES = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the pages."""
    parser.add_argument(
        "pages", metavar="PATH", nargs="*", type=Path, default=[],
        help="pages, or folders of pages (default: the project's docs)",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a number; 1 when there is one."""
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    numbers = []
    for page in pages_of(project, arguments.pages):
        path = shown_path(project, page)
        written = page.read_text(encoding="utf-8", errors="replace")
        for found in typed_numbers(written, evidence, rst=page.suffix == ".rst"):
            numbers.append({"path": path, **found._asdict()})
            console.print(heading(f"{path}:{found.line}:"), f" {found.number}: {found.text}")
    console.answer({"numbers": numbers})
    return ExitCode.VERDICT if numbers else ExitCode.OK
