"""What a command prints: text for people, in colour or not, or one JSON object."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import msgspec

from ..plain import plain, plain_parts
from ..tones import tone_of
from .layout import Part, Word, laid_out, text_of

__all__ = ["SCHEMA", "Console", "Part", "Word", "add_output_options", "heading", "status_word"]

#: Version of the form of every JSON answer.
SCHEMA = 1

_CODES = {"good": "32", "caution": "33", "bad": "31", "dim": "2", "heading": "1"}


def status_word(word: str) -> Word:
    """Return a status word in its tone."""
    return Word(word, tone_of(word))


def heading(text: str) -> Word:
    """Return the heading of a part of the output."""
    return Word(text, "heading")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Let a command answer in JSON and in colour."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour; auto: on a terminal, as NO_COLOR and FORCE_COLOR say (default: auto)",
    )


class Console:
    """Prints what a command answers.

    Under ``--json`` the text is left out, the answer is the only thing on standard output, and
    progress goes to standard error.

    Args:
        arguments: What the command was called with.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.json: bool = getattr(arguments, "json", False)
        self._color: str = getattr(arguments, "color", "auto")
        self._command: str = getattr(arguments, "command", "")

    def print(self, *parts: Part) -> None:
        """Print a line; nothing under ``--json``."""
        if not self.json:
            self._write(sys.stdout, parts)

    def progress(self, *parts: Part) -> None:
        """Print a line at once, beside the answer."""
        self._write(sys.stderr if self.json else sys.stdout, parts)

    def error(self, *parts: Part) -> None:
        """Print a line to standard error."""
        self._write(sys.stderr, parts)

    def block(self, text: str, indent: str = "  ") -> None:
        """Print what a run printed, line by line."""
        for line in text.rstrip("\n").splitlines():
            self.print(f"{indent}{line}".rstrip())

    def table(self, rows: Iterable[Sequence[Part]], indent: str = "") -> None:
        """Print rows with their columns aligned; on a narrow terminal they are folded."""
        room = _columns(sys.stdout)
        for line in laid_out(rows, room - len(indent) if room else 0):
            self.print(indent, *line)

    def answer(self, told: Mapping[str, Any]) -> None:
        """Print the answer under ``--json``; nothing else may print to standard output then."""
        if self.json:
            whole = {"schema": SCHEMA, "command": self._command, **told}
            data = msgspec.json.encode(plain_parts(msgspec.to_builtins(whole)))
            sys.stdout.write(msgspec.json.format(data, indent=1).decode() + "\n")

    def _write(self, stream: TextIO, parts: Sequence[Part]) -> None:
        colour = _is_coloured(self._color, stream)
        told = []
        for part in parts:
            text = plain(text_of(part))
            code = _CODES.get(part.tone) if isinstance(part, Word) else None
            told.append(f"\x1b[{code}m{text}\x1b[0m" if colour and code and text else text)
        print("".join(told), file=stream, flush=True)


def _columns(stream: TextIO) -> int:
    """Return the width of the terminal; 0 where there is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else 0


def _is_coloured(wanted: str, stream: TextIO) -> bool:
    if wanted != "auto":
        return wanted == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
