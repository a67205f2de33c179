"""``ptyreg init``: let git ignore the local store."""

from __future__ import annotations

import argparse
import os

from ..errors import ExitCode
from .console import Console
from .project import opened

NAME = "init"
HELP = "Let git ignore the folder that runs write their records to."
WRITES = "one line of .gitignore"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments of its own."""


def execute(arguments: argparse.Namespace) -> int:
    """Add the line when it is not there."""
    console = Console(arguments)
    project, _ = opened(arguments)
    line = os.path.relpath(project.store, project.root).replace(os.sep, "/") + "/"
    file = project.root / ".gitignore"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    added = line not in text.splitlines()
    if added:
        end = "" if not text or text.endswith("\n") else "\n"
        file.write_text(f"{text}{end}{line}\n", encoding="utf-8")
    console.print(f"added {line} to .gitignore" if added else f".gitignore already has {line}")
    console.answer({"line": line, "added": added})
    return ExitCode.OK
