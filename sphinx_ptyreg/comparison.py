"""Two sample sets of a selector side by side: what moved, and what changed in between."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .citable import numbers_by_path
from .inputs import Reason
from .record import RunRecord
from .sides import Side
from .statistics import summarise
from .units import convert, same_dimension
from .values import Value

__all__ = ["Comparison", "Row", "changed_inputs", "compare"]


class Row(NamedTuple):
    """A number on both sides, the mean of each.

    Attributes:
        path: Its path below the selector.
        left: None when only the right side has it.
        right: None when only the left side has it.
        change: How far it moved, in words; ``same`` when it did not; ``other unit`` when it is
            measured in another that it cannot be told in; nothing when another machine class alone
            has it.
        moved: Whether that is more than the runs of either side differ among themselves.
    """

    path: str
    left: Value | None
    right: Value | None
    change: str
    moved: bool


class Comparison(NamedTuple):
    """Both sides, what moved, and which inputs changed in between."""

    left: Side
    right: Side
    rows: list[Row]
    inputs: list[Reason]

    @property
    def spread_is_known(self) -> bool:
        """Whether each side has the two runs that it takes."""
        return min(len(self.left.records), len(self.right.records)) > 1

    def first_inputs(self, limit: int) -> list[str]:
        """Return the first changed inputs in words, and how many more there are."""
        told = [str(reason) for reason in self.inputs[:limit]]
        more = len(self.inputs) - limit
        return [*told, f"{more} more"] if more > 0 else told


def compare(left: Side, right: Side) -> Comparison:
    """Compare two sides; what one of them has alone, without the other, moved nowhere."""
    before, after = _numbers(left.records), _numbers(right.records)
    if not left.records or not right.records:
        alone = dict.fromkeys([*before, *after])
        rows = [_row(path, before.get(path), after.get(path), comparable=False) for path in alone]
        return Comparison(left, right, rows, [])
    old, new = left.records[-1], right.records[-1]
    comparable = (old.machine_class, old.imported) == (new.machine_class, new.imported)
    rows = [
        _row(path, before.get(path), after.get(path), comparable=comparable)
        for path in dict.fromkeys([*before, *after])
    ]
    known = not (old.imported or new.imported)  # what an imported run depended on is not known
    return Comparison(left, right, rows, list(changed_inputs(old, new)) if known else [])


def changed_inputs(left: RunRecord, right: RunRecord) -> Iterator[Reason]:
    """Yield what `right` depended on that `left` did not, or had otherwise."""
    then, now = left.inputs, right.inputs
    if then.declaration != now.declaration:
        yield Reason("declaration changed", left.selector)
    yield from _changes("file", then.files, now.files)
    yield from _changes("version", then.packages, now.packages)
    yield from _changes("variable", then.variables, now.variables)
    if then.python != now.python:
        yield Reason("version changed", "python", then.python, now.python)


def _changes(kind: str, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Reason]:
    for name in sorted(then.keys() | now.keys()):
        before, after = then.get(name), now.get(name)
        if before == after:
            continue
        word = "added" if before is None else "gone" if after is None else "changed"
        shown_ = kind != "file"
        yield Reason(
            f"{kind} {word}",
            name,
            (before or "") if shown_ else "",
            (after or "") if shown_ else "",
        )


def _numbers(records: Sequence[RunRecord]) -> dict[str, tuple[list[float], str]]:
    """Return the values of each number, in the unit that the newest record has."""
    found: dict[str, tuple[list[float], str]] = {}
    for path, numbers in numbers_by_path(records).items():
        wanted = numbers[-1][1]
        fit = [convert(value, u, wanted) for value, u in numbers if same_dimension(u, wanted)]
        found[path] = fit, wanted
    return found


def _row(
    path: str,
    left: tuple[list[float], str] | None,
    right: tuple[list[float], str] | None,
    *,
    comparable: bool,
) -> Row:
    before, after = (_mean(side) for side in (left, right))
    if left is None or right is None or before is None or after is None:
        change = "" if not comparable else "new" if left is None else "gone"
        return Row(path, before, after, change, moved=comparable)
    if not comparable and (path == "peak_memory" or same_dimension(right[1], "s")):
        return Row(path, before, after, "not comparable", moved=False)
    if not same_dimension(left[1], right[1]):
        return Row(path, before, after, "other unit", moved=True)
    unit = right[1]
    old, new = [convert(value, left[1], unit) for value in left[0]], right[0]
    change = _change(summarise(old).mean, float(after.value), unit)
    apart = min(old) > max(new) or max(old) < min(new)
    return Row(path, before, after, change, moved=apart and change != "same")


def _mean(side: tuple[list[float], str] | None) -> Value | None:
    if side is None:
        return None
    return Value(summarise(side[0]).mean, side[1], len(side[0]))


def _change(before: float, after: float, unit: str) -> str:
    if math.isclose(before, after, rel_tol=1e-12):  # another unit may round the last digit
        return "same"
    if before == 0 or unit == "dB":
        return f"{after - before:+.3g}{'' if unit == '1' else f' {unit}'}"
    return f"{100 * (after - before) / abs(before):+z.1f} %"
