"""The one grammar of errors, and the names of the warnings that pages can cause."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum

__all__ = [
    "ConfigError",
    "ExitCode",
    "InfrastructureError",
    "PtyregError",
    "RecordError",
    "UnknownNameError",
    "UsageError",
    "VerdictError",
    "WarningSubtype",
    "did_you_mean",
]


class WarningSubtype(StrEnum):
    """What ``suppress_warnings`` can name after ``ptyreg.``."""

    CONFIG = "config"
    UNKNOWN = "unknown"
    STALE = "stale"
    MISSING = "missing"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    CLAIM = "claim"
    GUARDRAIL = "guardrail"
    RECORD = "record"
    FORMAT = "format"
    PROSE = "prose"
    STORE = "store"


class ExitCode:
    """The exit status of every ``ptyreg`` command."""

    OK = 0
    VERDICT = 1
    USAGE = 2
    INFRASTRUCTURE = 3


class PtyregError(Exception):
    """Any error that this package raises on purpose."""

    exit_code = ExitCode.INFRASTRUCTURE
    subtype = WarningSubtype.CONFIG


class ConfigError(PtyregError):
    """The project's declaration cannot be used; the text begins with the place."""

    exit_code = ExitCode.USAGE

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


class RecordError(PtyregError):
    """A stored record cannot be read; the text begins with the file's name."""

    subtype = WarningSubtype.RECORD


class VerdictError(PtyregError):
    """The evidence, not the machine, says no."""

    exit_code = ExitCode.VERDICT
    subtype = WarningSubtype.RECORD


class UsageError(PtyregError):
    """Options that do not fit each other, or what they are about."""

    exit_code = ExitCode.USAGE


class InfrastructureError(PtyregError):
    """The machine, not the project, is in the way."""


class UnknownNameError(PtyregError):
    """A name that nothing declares; the text lists the close matches."""

    exit_code = ExitCode.USAGE
    subtype = WarningSubtype.UNKNOWN

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"Expected the {kind} to be a known one, but got {name!r}.{did_you_mean(name, known)}"
        )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known names are close, or which there are when few are known.

    Examples:
        >>> did_you_mean("durration", ["duration", "wall"])
        ' Did you mean duration?'
        >>> did_you_mean("x", ["duration", "wall"])
        ' Known: duration, wall.'
        >>> did_you_mean("x", [])
        ''
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    if 0 < len(names) <= 8:
        return f" Known: {', '.join(names)}."
    return ""
