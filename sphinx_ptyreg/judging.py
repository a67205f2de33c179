"""Whether the evidence supports a claim, with the courage to say that it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from .claims import Binary, Claim, ClaimError, Expression, Path, spell
from .units import Quantity, dimension
from .values import Reference, Value, render

__all__ = ["Judged", "Known", "Verdict", "dimension_of", "judge_claim", "known_value"]


class Verdict(StrEnum):
    """How a claim stands."""

    HOLDS = "holds"
    FALSE = "false"
    STALE = "stale evidence"
    NOT_COMPARABLE = "not comparable"
    NO_DATA = "no data"


#: Exponents of base dimensions: a rate is (("time", -1),), a ratio is ().
Dimension = tuple[tuple[str, int], ...]

_AS_PRODUCT: dict[str, Dimension] = {"ratio": (), "rate": (("time", -1),)}


class Known(NamedTuple):
    """What the evidence says about a path, in base units.

    Attributes:
        value: None when there is no measurement.
        dimension: What it measures; None when only a measurement would tell.
        n: How many runs it rests on.
        machine_class: Where it was measured; nothing for what is declared.
        stale: Whether the project has changed since, or the latest run failed.
        unit: The unit it is shown in.
    """

    value: float | None
    dimension: Dimension | None
    n: int
    machine_class: str
    stale: bool
    unit: str = "1"


class Judged(NamedTuple):
    """A verdict, the claim as printed, and what was measured."""

    verdict: Verdict
    statement: str
    shown: str
    paths: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether it is supported."""
        return self.verdict is Verdict.HOLDS

    @property
    def selector(self) -> str:
        """The selector whose value is named first."""
        return self.paths[0].partition(".")[0]


def known_value(path: str, value: Value, machine_class: str, *, stale: bool) -> Known:
    """Tell a claim what a citable value is.

    Raises:
        ClaimError: It is no number.
    """
    if not isinstance(value.value, (int, float)) or isinstance(value.value, bool):
        raise ClaimError(f"Expected {path} to be a number, but got {value.value!r}.")
    size = dimension(value.unit)[1]
    return Known(
        float(value.value) * size, _of_unit(value.unit), value.n, machine_class, stale, value.unit
    )


def dimension_of(path: str) -> Dimension | None:
    """Return what a path below a selector measures when its name alone tells.

    Examples:
        >>> dimension_of("stages.train.mean")
        (('time', 1),)
        >>> dimension_of("metrics.answer") is None
        True
    """
    first, _, rest = path.partition(".")
    if rest.rpartition(".")[2] in {"n", "cv"}:
        return ()
    if first in {"duration", "duration_call", "wall", "cpu_time", "stages", "timeout"}:
        return (("time", 1),)
    return (("size", 1),) if first == "peak_memory" else None


def judge_claim(claim: Claim, look_up: Callable[[str], Known]) -> Judged:
    """Judge `claim`.

    Args:
        claim: What is stated.
        look_up: Tells what a path is.

    Raises:
        ClaimError: The units of its sides measure different things.
    """
    paths = tuple(dict.fromkeys(_paths(claim.left)))
    paths += tuple(path for path in dict.fromkeys(_paths(claim.right)) if path not in paths)
    if not paths:
        raise ClaimError(f"Expected {spell(claim)!r} to name a value, but it names none.")
    known = {path: look_up(path) for path in paths}
    left, right = _dimension(claim.left, known), _dimension(claim.right, known)
    if left is not None and right is not None and left != right:
        raise ClaimError(
            f"Expected both sides of {spell(claim)!r} to measure the same, "
            f"but got {_words(left)} and {_words(right)}."
        )
    _check_tolerance(claim, left if left is not None else right)
    vacuous = any(
        path.endswith((".range", ".stdev", ".cv")) and what.n <= 1 for path, what in known.items()
    )
    if vacuous or any(what.value is None for what in known.values()):
        return Judged(Verdict.NO_DATA, spell(claim), _sizes(known), paths)
    return Judged(_verdict(claim, known), spell(claim), _shown(claim, known), paths)


def _verdict(claim: Claim, known: dict[str, Known]) -> Verdict:
    if len({what.machine_class for what in known.values() if what.machine_class}) > 1:
        return Verdict.NOT_COMPARABLE
    if any(what.stale for what in known.values()):
        return Verdict.STALE
    left, right = _value(claim.left, known), _value(claim.right, known)
    if math.isnan(left) or math.isnan(right):
        return Verdict.NO_DATA
    return Verdict.HOLDS if _holds(claim, left, right) else Verdict.FALSE


def _holds(claim: Claim, left: float, right: float) -> bool:
    if claim.tolerance is not None:
        margin = claim.tolerance.value * dimension(claim.tolerance.unit)[1]
        if claim.tolerance.unit == "%":
            margin *= abs(right)
        near = math.isclose(abs(left - right), margin, rel_tol=1e-12)  # at the edge is within
        return abs(left - right) <= margin or near
    return {
        "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right,
    }[claim.relation]  # fmt: skip


def _check_tolerance(claim: Claim, measured: Dimension | None) -> None:
    tolerance = claim.tolerance
    if tolerance is None or tolerance.unit == "%" or measured is None:
        return
    if _of_unit(tolerance.unit) != measured:
        raise ClaimError(
            f"Expected the tolerance of {spell(claim)!r} to be {_words(measured)} or in %, "
            f"but got {_words(_of_unit(tolerance.unit))}."
        )


def _paths(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Path):
        yield expression.path
    elif isinstance(expression, Binary):
        yield from _paths(expression.left)
        yield from _paths(expression.right)


def _value(expression: Expression, known: dict[str, Known]) -> float:
    if isinstance(expression, Quantity):
        return expression.value * dimension(expression.unit)[1]
    if isinstance(expression, Path):
        value = known[expression.path].value
        return math.nan if value is None else value
    left, right = _value(expression.left, known), _value(expression.right, known)
    if expression.operator == "+":
        return left + right
    if expression.operator == "*":
        return left * right
    return left / right if right else math.nan


def _of_unit(unit: str) -> Dimension:
    name = dimension(unit)[0]
    return _AS_PRODUCT.get(name, ((name, 1),))


def _dimension(expression: Expression, known: dict[str, Known]) -> Dimension | None:
    """Return what `expression` measures; None when a part of it is not known."""
    if isinstance(expression, Quantity):
        return _of_unit(expression.unit)
    if isinstance(expression, Path):
        return known[expression.path].dimension
    left, right = _dimension(expression.left, known), _dimension(expression.right, known)
    if left is None or right is None:
        return None
    if expression.operator == "+":
        if left != right:
            raise ClaimError(
                f"Expected both terms of a sum to measure the same, "
                f"but got {_words(left)} and {_words(right)}."
            )
        return left
    exponents = dict(left)
    for name, exponent in right:
        exponents[name] = exponents.get(name, 0) + (
            exponent if expression.operator == "*" else -exponent
        )
    return tuple(sorted((name, n) for name, n in exponents.items() if n))


def _words(measured: Dimension) -> str:
    parts = [name if n == 1 else f"{name}^{n}" for name, n in measured]
    return f"a {' × '.join(parts)}" if parts else "a plain number"


def _shown(claim: Claim, known: dict[str, Known]) -> str:
    """Say what the side that was measured came to."""
    side, other = claim.left, claim.right
    if not any(True for _ in _paths(side)):
        side, other = other, side
    value = _value(side, known)
    if math.isnan(value):
        return _sizes(known)
    unit = "1"
    if isinstance(side, Path):
        unit = known[side.path].unit
    elif isinstance(other, Quantity):
        unit = other.unit
    elif (measured := _dimension(side, known)) and measured == (("time", 1),):
        unit = "s"
    size = dimension(unit)[1]
    text = render(Value(value / size, unit), Reference(""))
    return ", ".join(filter(None, [text, _sizes(known)]))


def _sizes(known: dict[str, Known]) -> str:
    sizes = {what.n for what in known.values() if what.machine_class}
    return f"n = {min(sizes)}" if sizes else ""
