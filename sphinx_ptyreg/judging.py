"""Whether the evidence supports a claim, with the courage to say that it cannot tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from .claims import Binary, Claim, ClaimError, Expression, Path, spell
from .units import Quantity, dimension, is_unit, known_units
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
        n: How many runs it rests on; 0 for what is declared.
        machine_class: Where it was measured; nothing for what is declared.
        stale: Whether the project has changed since, or the latest run failed.
        unit: The unit it is shown in.
        newest: Whether it is of the newest of those runs alone.
    """

    value: float | None
    dimension: Dimension | None
    n: int
    machine_class: str
    stale: bool
    unit: str = "1"
    newest: bool = False

    @property
    def is_declared(self) -> bool:
        """Whether no run is needed to tell it."""
        return self.value is not None and self.n == 0


class Judged(NamedTuple):
    """A claim that was held against the evidence.

    Attributes:
        verdict: How it stands.
        statement: It, as printed.
        shown: What was measured, in words.
        paths: The values that it names.
        rests_on: The selectors whose measurements it rests on, the first named first, and on how
            many runs of each; 0 for the newest alone.
    """

    verdict: Verdict
    statement: str
    shown: str
    paths: tuple[str, ...]
    rests_on: tuple[tuple[str, int], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether it is supported."""
        return self.verdict is Verdict.HOLDS


def known_value(path: str, value: Value, machine_class: str, *, stale: bool) -> Known:
    """Tell a claim what a citable value is.

    Raises:
        ClaimError: It is no number.
    """
    if not isinstance(value.value, (int, float)) or isinstance(value.value, bool):
        raise ClaimError(f"Expected {path} to be a number, but got {value.value!r}.")
    base = float(value.value) * dimension(value.unit)[1]
    return Known(
        base, _of_unit(value.unit), value.n, machine_class, stale, value.unit, value.newest
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
    paths = tuple(dict.fromkeys(path for side in claim.sides for path in _paths(side)))
    if not paths:
        raise ClaimError(f"Expected {spell(claim)!r} to name a value, but it names none.")
    known = {path: look_up(path) for path in paths}
    _check_units(claim, known)
    sides = [found for side in claim.sides if (found := _dimension(side, known)) is not None]
    if len(set(sides)) > 1:
        raise ClaimError(
            f"Expected both sides of {spell(claim)!r} to measure the same, "
            f"but got {' and '.join(map(_words, dict.fromkeys(sides)))}."
        )
    _check_tolerance(claim, sides[0] if sides else None)
    runs: dict[str, int] = {}
    for path, what in known.items():
        if not what.is_declared:
            runs.setdefault(path.partition(".")[0], 0 if what.newest else what.n)
    judged = Judged(Verdict.NO_DATA, spell(claim), _sizes(known), paths, tuple(runs.items()))
    if any(what.value is None for what in known.values()):
        return judged
    return judged._replace(verdict=_verdict(claim, known), shown=_shown(claim, known))


def _verdict(claim: Claim, known: dict[str, Known]) -> Verdict:
    if len({what.machine_class for what in known.values() if what.machine_class}) > 1:
        return Verdict.NOT_COMPARABLE
    if any(what.stale for what in known.values()):
        return Verdict.STALE
    left, right, *far = (_value(side, known) for side in claim.sides)
    if any(map(math.isnan, (left, right, *far))):
        return Verdict.NO_DATA
    if claim.tolerance is not None:
        # Of a ratio, a percentage among them, percent are points: |x - a| is at most b.
        is_relative = claim.tolerance.unit == "%" and _dimension(claim.right, known) != ()
        holds = _is_near(left, right, claim.tolerance, is_relative=is_relative)
    else:
        holds = _compares(claim.relation, left, right)
    if claim.then is not None:
        holds = holds and _compares(claim.then[0], right, far[0])
    return Verdict.HOLDS if holds else Verdict.FALSE


def _compares(relation: str, left: float, right: float) -> bool:
    return {
        "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right,
    }[relation]  # fmt: skip


def _is_near(left: float, right: float, tolerance: Quantity, *, is_relative: bool) -> bool:
    margin = tolerance.value * dimension(tolerance.unit)[1]
    if is_relative:
        margin *= abs(right)
    off = abs(left - right)
    return off <= margin or math.isclose(off, margin, rel_tol=1e-12)  # at the edge is within


def _check_units(claim: Claim, known: dict[str, Known]) -> None:
    """Refuse a word that is no unit, once every value tells what it is measured in."""
    own = {what.unit for what in known.values()}
    if any(what.dimension is None for what in known.values()):
        return
    quantities = [found for side in claim.sides for found in _quantities(side)]
    for _, unit in [*quantities, *([claim.tolerance] if claim.tolerance else [])]:
        if not is_unit(unit) and unit not in own:
            units = ", ".join(known_units())
            raise ClaimError(
                f"Expected a known unit in {spell(claim)!r} ({units}), but got {unit!r}."
            )


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


def _quantities(expression: Expression) -> Iterator[Quantity]:
    if isinstance(expression, Quantity):
        yield expression
    elif isinstance(expression, Binary):
        yield from _quantities(expression.left)
        yield from _quantities(expression.right)


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
    """Say what the side that was measured came to, in the unit that the claim asks for."""
    sides = [[known[path] for path in _paths(side)] for side in claim.sides]
    measured = (i for i, side in enumerate(sides) if any(not what.is_declared for what in side))
    named = (i for i, side in enumerate(sides) if side)
    side = claim.sides[next(measured, next(named))]
    value = _value(side, known)
    if math.isnan(value):
        return _sizes(known)
    asked = next((other.unit for other in claim.sides if isinstance(other, Quantity)), "")
    unit = asked or "1"
    if not asked and isinstance(side, Path):
        unit = known[side.path].unit
    elif not asked and _dimension(side, known) == (("time", 1),):
        unit = "s"
    text = render(Value(value / dimension(unit)[1], unit), Reference("", "", asked))
    return ", ".join(filter(None, [text, _sizes(known)]))


def _sizes(known: dict[str, Known]) -> str:
    """Say how many runs a claim rests on; on one, when values of the newest runs meet others."""
    measured = [what for what in known.values() if what.machine_class]
    newest = {what.n for what in measured if what.newest and what.n > 1}
    if len(newest) == 1 and all(what.newest for what in measured):
        return f"newest of {newest.pop()}"
    return f"n = {min(1 if what.newest else what.n for what in measured)}" if measured else ""
