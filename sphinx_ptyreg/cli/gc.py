"""``ptyreg gc``: remove what the local store can do without."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

from ..ensure import lock_path
from ..errors import ExitCode, InfrastructureError
from ..evidence import Evidence
from ..garbage import Garbage, collect
from ..interpreter import unmet
from .console import Console, Word
from .pages import texts_of
from .project import opened

NAME = "gc"
HELP = "List what the local store can do without; remove it with --delete."
WRITES = "nothing (with --delete: removes files of .ptyreg)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take how much to keep, and whether to remove the rest."""
    parser.add_argument(
        "--keep", metavar="N", type=_count,
        help="how many of each selector's newest records stay (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--pages", metavar="PATH", action="append", type=Path, default=[],
        help="a page or a folder of pages outside the project that shows its records; may be "
        "given again",
    )  # fmt: skip
    parser.add_argument("--delete", action="store_true", help="remove what is listed")


def execute(arguments: argparse.Namespace) -> int:
    """List it, then remove it when asked to.

    Raises:
        InfrastructureError: A selector is being run, or a file cannot be removed.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    with contextlib.ExitStack() as held:
        if arguments.delete:
            _lock(held, [lock_path(store, selector) for selector in project.selectors.values()])
        texts = texts_of(project, arguments.pages)
        found = collect(Evidence(project, store), keep=arguments.keep, texts=texts)
        total = sum(piece.size for piece in found.pieces)
        for piece in found.pieces:
            path = os.path.relpath(piece.path, project.root)
            console.print(f"{path}  {piece.size} B  ", Word(piece.why, "dim"))
        for text in found.unreadable:
            console.print(Word("cannot be read, so every artifact stays: ", "caution"), text)
        if arguments.delete:
            _remove(found)
    done = "removed" if arguments.delete else "would be removed with --delete"
    console.print(f"{len(found.pieces)} files, {total} B {done}")
    console.answer({
        "deleted": arguments.delete,
        "bytes": total,
        "files": [
            {"path": os.path.relpath(piece.path, project.root), "bytes": piece.size,
             "why": piece.why}
            for piece in found.pieces
        ],
        "unreadable": found.unreadable,
    })  # fmt: skip
    return ExitCode.OK


def _lock(held: contextlib.ExitStack, paths: list[os.PathLike[str]]) -> None:
    """Hold every selector's lock: a run writes its artifacts before the record that names them."""
    if missing := unmet(["filelock>=3.12"]):
        raise InfrastructureError(
            f"Expected {missing[0]} to remove nothing that a run is writing. "
            "Install sphinx-ptyreg[run]."
        )
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only to remove

    for path in paths:
        try:
            held.enter_context(FileLock(path, timeout=0))
        except Timeout:
            raise InfrastructureError(
                f"Expected no run while files are removed, but {os.path.basename(path)} is held. "  # noqa: PTH119
                "Try again when it has ended."
            ) from None


def _remove(found: Garbage) -> None:
    for piece in found.pieces:
        try:
            piece.path.unlink(missing_ok=True)
        except OSError as error:
            raise InfrastructureError(
                f"Expected {piece.path.name} to be removable, but got: {error.strerror}."
            ) from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"Expected a number of records, at least 1, but got {text!r}."
        )
    return int(text)
