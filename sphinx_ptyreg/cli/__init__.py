"""The command line ``ptyreg``: one file a command, and this registry."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from .. import __version__
from ..errors import ExitCode, PtyregError
from . import (
    check,
    completion,
    diff,
    doctor,
    explain,
    export,
    freeze,
    gc,
    import_,
    init,
    lint,
    list_,
    merge,
    publish,
    run,
    show,
    status,
    sync,
    verify,
)
from .console import Console, Word, add_output_options

__all__ = ["COMMANDS", "build_parser", "main"]


class _Command(Protocol):
    NAME: str
    HELP: str
    WRITES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def execute(self, arguments: argparse.Namespace) -> int: ...


COMMANDS: tuple[_Command, ...] = (
    init, run, import_, merge, status, explain, show, list_, check, diff, lint, publish, export,
    sync, verify, freeze, gc, doctor,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``ptyreg`` and return its exit status: 0 ok, 1 verdict, 2 usage, 3 infrastructure."""
    parser = build_parser()
    completion.offer(parser)
    arguments = parser.parse_args(argv)
    console = Console(arguments)
    try:
        return int(arguments.execute(arguments))
    except PtyregError as error:
        console.error(Word("ptyreg:", "bad"), f" {error}")
        console.answer({"error": str(error), "exit_status": error.exit_code})
        return error.exit_code
    except KeyboardInterrupt:
        console.error("ptyreg: interrupted")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.OK


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    width = max(len(command.NAME) for command in COMMANDS)
    verbs = "\n".join(f"  {command.NAME:{width}}  {command.WRITES}" for command in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="ptyreg",
        description="Measure pytest selectors, and keep what the documentation may cite.",
        epilog=f"what each command writes:\n{verbs}\n\n"
        "exit status: 0 ok, 1 verdict, 2 usage, 3 infrastructure",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = subparsers.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        sub.add_argument(
            "--root", metavar="DIR", default=".", help="the project, or a folder in it (default: .)"
        )
        add_output_options(sub)
        command.add_arguments(sub)
        sub.set_defaults(execute=command.execute, command=command.NAME)
    return parser
