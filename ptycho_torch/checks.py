"""What every command checks, and the one grammar of its errors.

An error reads ``Expected {name} to …, but got {value}.`` followed by the remedy. On a command line
it is one line on stderr with exit status 2, and nothing has been written.
"""

from __future__ import annotations

import argparse
import difflib
from importlib import metadata
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEED_MAXIMUM = 2**32 - 1
"""The largest seed that every source of random numbers takes."""

TORCH_MINIMUM = (2, 2)
"""POLICY-001: the oldest PyTorch that this package runs on."""


class UsageError(Exception):
    """What was asked for cannot be done; the text says what to change."""


class DataError(UsageError):
    """A file does not hold what it must; the text names the file and the remedy."""


class SystemFailure(Exception):  # noqa: N818 - the name says who failed
    """The system refused what can be done; the text says what to free, and how to go on."""


class DependencyMissing(UsageError, ImportError):  # noqa: N818 - the name says the state
    """A package that this work needs is not installed."""


class TorchMissing(DependencyMissing):
    """PyTorch is not installed, or too old (POLICY-001)."""


def expected(name: str, to: str, got: object, remedy: str) -> str:
    """Build an error text.

    Examples:
        >>> expected("--max_epochs", "be at least 1", 0, "Give a positive number.")
        'Expected --max_epochs to be at least 1, but got 0. Give a positive number.'
    """
    return f"Expected {name} to {to}, but got {got}. {remedy}"


def installed_version(distribution: str) -> str | None:
    """Read a distribution's version from its metadata, without importing it.

    Examples:
        >>> installed_version("no-such-distribution") is None
        True
    """
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    """Give the leading numbers of a version.

    Examples:
        >>> _release("2.13.0a0+cpu")
        (2, 13)
    """
    numbers: list[int] = []
    for part in version.split("+", maxsplit=1)[0].split(".")[:2]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def require_torch() -> None:
    """Refuse to go on without a PyTorch that is new enough (POLICY-001).

    Raises:
        TorchMissing: If PyTorch is not installed or older than 2.2.
    """
    found = installed_version("torch")
    if found is None or _release(found) < TORCH_MINIMUM:
        need = "torch>=" + ".".join(map(str, TORCH_MINIMUM))
        raise TorchMissing(
            expected(
                "PyTorch",
                f"be installed as {need} (POLICY-001)",
                "none" if found is None else f"torch {found}",
                "Install the dependency group `torch`: pip install --group torch (pip 25.1 on).",
            )
        )


def require(*distributions: str, group: str = "torch") -> None:
    """Refuse to go on without other packages of a dependency group of this project.

    Raises:
        DependencyMissing: If one of them is not installed.

    Examples:
        >>> require("numpy")
    """
    for name in distributions:
        if installed_version(name) is None:
            raise DependencyMissing(
                expected(
                    name,
                    "be installed",
                    "none",
                    f"Run: pip install --group {group} (pip 25.1 on).",
                )
            )


def check_least(name: str, value: float, least: int) -> None:
    """Refuse a setting that is too small.

    Raises:
        UsageError: If it is below ``least``.

    Examples:
        >>> check_least("--batch_size", 16, 1)
    """
    if value < least:
        raise UsageError(expected(name, f"be at least {least}", value, "Raise it."))


def whole_number(name: str, *, minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Make an argument type that accepts whole numbers from ``minimum`` on, up to ``maximum``.

    Examples:
        >>> whole_number("--batch_size", minimum=1)("16")
        16
    """
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if value < minimum or (maximum is not None and value > maximum):
            remedy = "Give such a number, or leave the flag out."
            raise UsageError(expected(name, f"be a whole number {bounds}", repr(text), remedy))
        return value

    return convert


def positive_number(name: str, *, maximum: float | None = None) -> Callable[[str], float]:
    """Make an argument type that accepts finite numbers above zero, up to ``maximum``.

    Examples:
        >>> positive_number("--learning_rate")("1e-3")
        0.001
    """
    bounds = "above 0" if maximum is None else f"above 0 and up to {maximum:g}"

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not 0 < value < float("inf") or (maximum is not None and value > maximum):
            remedy = "Give such a number, or leave the flag out."
            raise UsageError(expected(name, f"be a finite number {bounds}", repr(text), remedy))
        return value

    return convert


def one_of(name: str, choices: Sequence[str]) -> Callable[[str], str]:
    """Make an argument type that accepts one of a few words.

    Examples:
        >>> one_of("--accelerator", ["auto", "cpu"])("cpu")
        'cpu'
    """

    def convert(text: str) -> str:
        if text not in choices:
            close = difflib.get_close_matches(text, choices, n=1)
            remedy = f"Did you mean {close[0]!r}?" if close else "Choose one of them."
            raise UsageError(expected(name, f"be one of {', '.join(choices)}", repr(text), remedy))
        return text

    return convert


class CommandParser(argparse.ArgumentParser):
    """A parser whose every complaint is a :class:`UsageError` in the project's grammar."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's message into ours."""
        raise UsageError(
            expected("the command line", "follow --help", f"this problem: {message}", "See --help.")
        )

    def parse(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """Parse a command line.

        Raises:
            UsageError: If a flag is unknown or missing, or has a value it cannot have.
        """
        namespace, unknown = self.parse_known_args(argv)
        if unknown:
            flags = [flag for action in self._actions for flag in action.option_strings]
            close = difflib.get_close_matches(unknown[0].split("=")[0], flags, n=1)
            remedy = f"Did you mean {close[0]}?" if close else "See --help."
            raise UsageError(
                expected("the command line", "hold known flags only", repr(unknown[0]), remedy)
            )
        return namespace
