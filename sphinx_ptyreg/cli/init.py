"""``ptyreg init``: let git ignore the local store."""

from __future__ import annotations

import argparse
import os

from ..errors import ExitCode
from .project import opened

NAME = "init"
HELP = "Let git ignore the folder that runs write their records to."
WRITES = "one line of .gitignore"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments of its own."""


def execute(arguments: argparse.Namespace) -> int:
    """Add the line when it is not there."""
    project, _ = opened(arguments)
    line = os.path.relpath(project.store, project.root).replace(os.sep, "/") + "/"
    file = project.root / ".gitignore"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if line in text.splitlines():
        print(f".gitignore already has {line}")
        return ExitCode.OK
    file.write_text(
        text + ("" if not text or text.endswith("\n") else "\n") + line + "\n", encoding="utf-8"
    )
    print(f"added {line} to .gitignore")
    return ExitCode.OK
