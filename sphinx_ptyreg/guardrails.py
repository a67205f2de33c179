"""Declared bounds on what was measured, judged with the courage to say "not comparable"."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from .declared import PUBLISHED, Guardrail
from .units import Quantity, convert, parse_quantity, same_dimension
from .values import Value, shown

__all__ = ["Baseline", "Check", "Judgement", "Verdict", "judge"]


class Verdict(StrEnum):
    """How a metric stands against its bounds."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"
    NOT_COMPARABLE = "not comparable"
    NO_DATA = "no data"


#: Worst first; what cannot be compared says nothing about what can.
_ORDER = (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.NOT_COMPARABLE, Verdict.NO_DATA)


class Baseline(NamedTuple):
    """A value to stay near, and where it comes from; `source` says why there is none."""

    quantity: Quantity | None
    source: str


class Check(NamedTuple):
    """One bound and its verdict."""

    bound: str
    limit: str
    verdict: Verdict
    note: str = ""


class Judgement(NamedTuple):
    """A metric, its value and every bound on it."""

    metric: str
    value: Quantity | None
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the bounds that could be judged."""
        verdicts = {check.verdict for check in self.checks}
        return next((v for v in _ORDER if v in verdicts), Verdict.NO_DATA)

    @property
    def misfits(self) -> list[str]:
        """The bounds in a unit that the value cannot be told in: nothing is judged by them."""
        if self.value is None:
            return []
        note = _measured_in(self.value)
        return [f"{check.bound} {check.limit}" for check in self.checks if check.note == note]

    @property
    def told(self) -> str:
        """The metric, its value and the bounds that gave the verdict, in words."""
        worst = [check for check in self.checks if check.verdict is self.verdict]
        bounds = ", ".join(f"{check.bound} {check.limit}" for check in worst)
        return f"{self.metric} is {_told(self.value, worst)}: {self.verdict} ({bounds})"


def _told(value: Quantity | None, bounds: Sequence[Check]) -> str:
    """Return a value as pages show it; with all its digits where that would be a bound's own."""
    if value is None:
        return "not measured"
    told = shown(Value(*value))
    if any(told.split() == check.limit.split() for check in bounds):
        return shown(Value(str(value.value))) + told.removeprefix(told.split()[0])
    return told


def judge(
    metric: str, guardrail: Guardrail, value: Quantity | None, baseline: Baseline
) -> Judgement:
    """Judge a metric against its guardrail.

    Args:
        metric: Its name.
        guardrail: The declared bounds.
        value: What was measured; None when there is no measurement.
        baseline: What `guardrail.baseline` refers to, found by the caller among records of the
            same machine class and inputs.

    Examples:
        >>> seed = Guardrail(fail="90 s", warn="60 s")
        >>> judge("duration", seed, Quantity(35.92, "s"), Baseline(None, "")).verdict.value
        'pass'
        >>> judge("duration", seed, Quantity(61.0, "s"), Baseline(None, "")).verdict.value
        'warn'
    """
    checks = []
    for bound, worst in (("fail", Verdict.FAIL), ("warn", Verdict.WARN)):
        if (limit := getattr(guardrail, bound)) is not None:
            checks.append(_at_most(f"{bound} above", limit, value, worst))
    if guardrail.minimum is not None:
        is_time = same_dimension(_limit(guardrail.minimum).unit, "s")
        worst = Verdict.WARN if is_time else Verdict.FAIL
        checks.append(_at_least("at least", guardrail.minimum, value, worst))
    if guardrail.baseline is not None and guardrail.tolerance is not None:
        checks.append(_near(guardrail, value, baseline))
    return Judgement(metric, value, tuple(checks))


def _at_most(bound: str, limit: str, value: Quantity | None, worst: Verdict) -> Check:
    return _compare(bound, limit, value, worst, upper=True)


def _at_least(bound: str, limit: str, value: Quantity | None, worst: Verdict) -> Check:
    return _compare(bound, limit, value, worst, upper=False)


def _compare(
    bound: str, limit: str, value: Quantity | None, worst: Verdict, *, upper: bool
) -> Check:
    if value is None:
        return Check(bound, limit, Verdict.NO_DATA)
    edge = _limit(limit)
    if not same_dimension(value.unit, edge.unit):
        return Check(bound, limit, Verdict.NOT_COMPARABLE, _measured_in(value))
    measured = value.to(edge.unit)
    beyond = measured > edge.value if upper else measured < edge.value
    return Check(bound, limit, worst if beyond else Verdict.PASS)


def _limit(text: str) -> Quantity:
    return parse_quantity(text, any_unit=True)


def _measured_in(value: Quantity) -> str:
    return f"measured in {value.unit}"


def _near(guardrail: Guardrail, value: Quantity | None, baseline: Baseline) -> Check:
    tolerance = guardrail.tolerance or "0 %"
    label = "published" if guardrail.baseline == PUBLISHED else guardrail.baseline or ""
    if value is None:
        return Check("baseline", f"{label} ± {tolerance}", Verdict.NO_DATA)
    near = baseline.quantity
    if near is None or not same_dimension(near.unit, value.unit):
        return Check("baseline", f"{label} ± {tolerance}", Verdict.NOT_COMPARABLE, baseline.source)
    margin = _limit(tolerance)
    relative = margin.unit == "%" and near.unit not in {"%", "1"}
    if not relative and not same_dimension(margin.unit, near.unit):
        return Check(
            "baseline", f"{label} ± {tolerance}", Verdict.NOT_COMPARABLE, _measured_in(value)
        )
    allowed = abs(near.value) * margin.value / 100 if relative else convert(*margin, near.unit)
    off = abs(value.to(near.unit) - near.value)
    verdict = Verdict.WARN if off > allowed else Verdict.PASS
    told = shown(Value(*near)) if guardrail.baseline == PUBLISHED else label
    return Check("baseline", f"{told} ± {tolerance}", verdict, baseline.source)
