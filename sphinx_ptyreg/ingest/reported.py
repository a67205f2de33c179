"""What a report tells, whatever its form, before it is cleaned and becomes a record."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import msgspec

from ..record import NAME, Commit, Machine, Metric, Outcome, TestResult, timestamp
from ..units import parse_quantity
from .secrets import is_secret_name

__all__ = [
    "ReportError",
    "Reported",
    "by_worst",
    "metrics_of",
    "moment",
    "seconds",
    "slug",
    "typed",
]

Scalar = str | int | float | bool | None

_NUMBER = re.compile(r"[+-]?\d+(?:(?P<real>\.\d*(?:[eE][+-]?\d+)?|[eE][+-]?\d+))?")
_UNCITABLE = re.compile(r"[^A-Za-z0-9_-]+")

#: What decides, first to last: one failure fails all, one pass outweighs what was left out.
_ORDER = (
    Outcome.INTERRUPTED, Outcome.ERROR, Outcome.FAILED, Outcome.XPASSED, Outcome.PASSED,
    Outcome.SKIPPED, Outcome.XFAILED,
)  # fmt: skip


class ReportError(ValueError):
    """A report cannot be read; the text is a whole sentence without the file's name."""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """One run as a report tells it, not cleaned yet.

    Attributes:
        line: The line that tells the outcome and the time; the first is 1.
        excerpt: What that line says.
        outcome: How the selector's tests ended.
        reason: Why, when that is no pass.
        started: When, as records spell it; None when the report does not tell.
        duration: Seconds of the whole session; None unless it ran the selector alone.
        packages: Distribution → version.
        names: Host and user names that the report tells of: to be hidden everywhere.
        text: The report as text to keep; empty when it is no text for people.
    """

    line: int
    excerpt: str
    outcome: Outcome
    reason: str = ""
    started: str | None = None
    duration: float | None = None
    tests: tuple[TestResult, ...] = ()
    metrics: dict[str, Metric] = {}
    machine: Machine = Machine()
    python: str = ""
    packages: dict[str, str] = {}
    facts: dict[str, str | int | float | bool] = {}
    commit: Commit | None = None
    names: frozenset[str] = frozenset()
    text: str = ""


def by_worst(
    outcomes: Iterable[tuple[str, Outcome]], named: Collection[str] = ()
) -> tuple[Outcome, str]:
    """Return the outcome of tests together, and the test that decides when that is no pass.

    Args:
        outcomes: Test and outcome.
        named: Tests that must pass themselves: that another did is not enough.

    Examples:
        >>> by_worst([("a", Outcome.PASSED), ("b", Outcome.FAILED)])
        (<Outcome.FAILED: 'failed'>, 'b')
        >>> by_worst([("a", Outcome.PASSED), ("b", Outcome.SKIPPED)])
        (<Outcome.PASSED: 'passed'>, '')
        >>> by_worst([("a", Outcome.PASSED), ("b", Outcome.SKIPPED)], named={"a", "b"})
        (<Outcome.SKIPPED: 'skipped'>, 'b')
        >>> by_worst([])
        (<Outcome.NOT_COLLECTED: 'not_collected'>, '')
    """
    pairs = list(outcomes)
    first = {outcome: test for test, outcome in reversed(pairs)}
    decides = next((outcome for outcome in _ORDER if outcome in first), Outcome.NOT_COLLECTED)
    if decides is not Outcome.PASSED:
        return decides, first.get(decides, "")
    left_out = [(t, o) for t, o in pairs if t in named and o is not Outcome.PASSED]
    return (left_out[0][1], left_out[0][0]) if left_out else (Outcome.PASSED, "")


def slug(name: str) -> str:
    """Return a test's name as a part of a metric's.

    Examples:
        >>> slug("test_fft[64-float32]")
        'test_fft-64-float32'
    """
    return _UNCITABLE.sub("-", name).strip("-")


def typed(text: Scalar) -> Scalar:
    """Return a property as its test gave it: XML turns numbers into text.

    Examples:
        >>> typed("64"), typed("0.5"), typed("1e999"), typed("3.5 s"), typed("1_0")
        (64, 0.5, '1e999', '3.5 s', '1_0')
    """
    if not isinstance(text, str) or (match := _NUMBER.fullmatch(text)) is None or len(text) > 40:
        return text
    number = float(text) if match["real"] else int(text)
    fits = math.isfinite(number) and abs(number) < 2**63
    return number if fits else text


def metrics_of(properties: dict[str, Scalar], prefix: str = "") -> dict[str, Metric]:
    """Return the properties that are numbers, or quantities such as ``3.5 s``, as metrics.

    Raises:
        ReportError: Two of them would have one name.

    Examples:
        >>> metrics_of({"psnr": "24.1 dB", "n": 3, "note": "fine", "pin_password": 1234}, "t_")
        {'t_psnr': Metric(value=24.1, unit='dB'), 't_n': Metric(value=3.0, unit='1')}
    """
    found: dict[str, Metric] = {}
    told_by: dict[str, str] = {}
    for told, value in properties.items():
        name = slug(prefix + told)
        if isinstance(value, bool) or value is None or not NAME.fullmatch(name):
            continue
        if is_secret_name(told, 0):
            continue
        try:
            quantity = parse_quantity(str(value))
        except ValueError:
            continue
        if told_by.setdefault(name, told) != told:
            raise ReportError(
                f"Expected properties with names of their own, but {told_by[name]!r} and {told!r} "
                f"would both be the metric {name!r}. Record one of them under another name."
            )
        found[name] = Metric(value=quantity.value, unit=quantity.unit)
    return found


def seconds(text: object) -> float | None:
    """Return a time as reports spell it; None when it is none."""
    try:
        number = float(str(text))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def moment(text: str | None) -> str | None:
    """Return a moment as records spell it; one without a zone is taken as UTC.

    Examples:
        >>> moment("2025-10-19T13:09:00Z")
        '2025-10-19T13:09:00.000000Z'
        >>> moment("2025-10-19T13:09:00.5+02:00")
        '2025-10-19T11:09:00.500000Z'
        >>> moment("yesterday") is None
        True
    """
    try:
        when = datetime.fromisoformat(text or "")
        return timestamp(when if when.tzinfo else when.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
