"""What a user typed, read so that options may stand anywhere and mistakes are told in words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..errors import UsageError, did_you_mean

__all__ = ["MisusedError", "Parser", "parse"]

#: argparse's own words → ours.
_REQUIRED = re.compile(r"the following arguments are required: (?P<what>.+)")
_VALUE = re.compile(r"argument (?P<name>[^:]+): expected (?:one|at least one) argument")
_OTHER = re.compile(r"argument (?P<name>[^:]+): (?P<told>.+)", re.DOTALL)
_AMBIGUOUS = re.compile(r"ambiguous option: (?P<option>\S+) could match (?P<known>.+)")


class MisusedError(UsageError):
    """A command that was typed in a way that it cannot be; `usage` says how it can."""

    def __init__(self, problem: str, usage: str) -> None:
        super().__init__(problem)
        self.usage = usage


class Parser(argparse.ArgumentParser):
    """A parser whose errors are raised, in the grammar of all others."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong."""
        raise MisusedError(_worded(message), self.format_usage())

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            name = action.option_strings[-1] if action.option_strings else action.dest
            close = did_you_mean(str(value), known) or f" Known: {', '.join(known)}."
            told = f"Expected a known {name.lstrip('-')}, but got {value!r}.{close}"
            raise MisusedError(told, self.format_usage())


def parse(
    parser: argparse.ArgumentParser, commands: Mapping[str, Parser], argv: Sequence[str]
) -> argparse.Namespace:
    """Read a command line; options may stand between, before and behind a command's arguments.

    Args:
        parser: Of all commands.
        commands: Name → parser of each.
        argv: What was typed.

    Raises:
        MisusedError: It is no call of a command.
    """
    if not argv or (argv[0].startswith("-") and argv[0] in {"-h", "--help", "--version"}):
        return parser.parse_args(argv)
    name = argv[0]
    if name not in commands:
        close = "" if name.startswith("-") else did_you_mean(name, commands)
        raise MisusedError(
            f"Expected a command first, but got {name!r}.{close or ' See: ptyreg --help'}",
            parser.format_usage(),
        )
    command = commands[name]
    # What stands behind -- is no option: only the plain reading knows.
    read = command.parse_known_args if "--" in argv else command.parse_known_intermixed_args
    arguments, rest = read(argv[1:])
    if rest:
        options = [text for action in command._actions for text in action.option_strings]
        kind = "option" if rest[0].startswith("-") else "argument"
        close = did_you_mean(rest[0].partition("=")[0], options) if kind == "option" else ""
        raise MisusedError(
            f"Expected no further {kind} of ptyreg {name}, but got {rest[0]!r}.{close}",
            command.format_usage(),
        )
    return arguments


def _worded(message: str) -> str:
    if match := _REQUIRED.fullmatch(message):
        return f"Expected {match['what']}, but got nothing."
    if match := _VALUE.fullmatch(message):
        return f"Expected a value of {match['name']}, but got none."
    if match := _AMBIGUOUS.fullmatch(message):
        return f"Expected one option, but got {match['option']}, which begins {match['known']}."
    if match := _OTHER.fullmatch(message):
        return f"{match['name']}: {match['told']}"
    return message
