"""The command line ``ptyreg``: one file a command, and this registry."""

from __future__ import annotations

import argparse
import sys
import traceback
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
from .parsing import MisusedError, Parser, parse
from .streams import outlets

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
    """Run ``ptyreg`` and return its exit status: 0 ok, 1 verdict, 2 usage, 3 infrastructure.

    Whatever cannot be printed or goes wrong in another way is no verdict: the status is 3.
    """
    with outlets() as (out, _):
        status = _run(sys.argv[1:] if argv is None else list(argv))
        out.flush()
        if out.is_lost:
            told = _told(out.error) if out.error else ""
            print(f"ptyreg: standard output: {told}", file=sys.stderr)
            status = status or ExitCode.INFRASTRUCTURE
    return status


def _run(argv: list[str]) -> int:
    parser = build_parser()
    completion.offer(parser)
    console = Console(argparse.Namespace(json="--json" in argv, command=argv[0] if argv else ""))
    try:
        arguments = parse(parser, _commands(parser), argv)
        console = Console(arguments)
        return int(arguments.execute(arguments))
    except MisusedError as error:
        console.error(error.usage.rstrip())
        return _failed(console, str(error), error.exit_code)
    except PtyregError as error:
        return _failed(console, str(error), error.exit_code)
    except KeyboardInterrupt:
        return _failed(console, "interrupted", 130)
    except OSError as error:
        return _failed(console, _told(error), ExitCode.INFRASTRUCTURE)
    except Exception as error:  # noqa: BLE001 - a mistake of ours is no verdict either
        console.error(traceback.format_exc().rstrip())
        told = (
            f"{type(error).__name__} in sphinx-ptyreg {__version__}: a mistake of ours, not yours."
        )
        return _failed(console, told, ExitCode.INFRASTRUCTURE)


def _failed(console: Console, told: str, status: int) -> int:
    console.error(Word("ptyreg:", "bad"), f" {told}")
    console.answer({"error": told, "exit_status": status})
    return status


def _told(error: OSError) -> str:
    """Return what the system says, and of which file."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}Expected to read and to write, but got: {error.strerror or error}."


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    width = max(len(command.NAME) for command in COMMANDS)
    verbs = "\n".join(f"  {command.NAME:{width}}  {command.WRITES}" for command in COMMANDS)
    parser = Parser(
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


def _commands(parser: argparse.ArgumentParser) -> dict[str, Parser]:
    found = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(found.choices)
