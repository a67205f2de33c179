"""Values that a page may cite: how a citation is spelt, and how a value reads."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .errors import PtyregError, WarningSubtype
from .units import WORD, convert, is_unit, legible, spec_of

__all__ = [
    "DECIMALS",
    "AmbiguousPathError",
    "FormatError",
    "Reference",
    "Value",
    "parse_reference",
    "render",
    "shown",
]

#: Decimals of a value cited without a format, by unit.
DECIMALS = {"s": 2, "ms": 1, "MiB": 0, "GiB": 2, "dB": 1, "%": 2, "1/s": 0}

_LONG = re.compile(r"\d{4}")

_REFERENCE = re.compile(r"(?P<path>[A-Za-z0-9_.-]+)(?::(?P<format>.*))?", re.DOTALL)

#: One letter that Python reads as a format; ``s`` is one for a text alone.
_FORMATS = frozenset("bcdeEfFgGnosxX%")


class FormatError(PtyregError):
    """A citation whose format or unit does not fit its value."""

    subtype = WarningSubtype.FORMAT


class AmbiguousPathError(PtyregError):
    """A path that would mean two values."""

    subtype = WarningSubtype.UNKNOWN

    def __init__(self, path: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"Expected {path} to mean one value, but got {len(paths)} that differ. "
            f"Cite {' or '.join(paths)}."
        )


class Value(NamedTuple):
    """Something that was measured or stated.

    Attributes:
        value: A number, a text or a truth.
        unit: Of a number; ``1`` when it has none.
        n: How many runs there are of it; 0 for what is declared.
        newest: Whether it is of the newest of them alone, and no statistic.
    """

    value: str | float | int | bool
    unit: str = "1"
    n: int = 1
    newest: bool = False


class Reference(NamedTuple):
    """A citation: path, Python format spec, target unit."""

    path: str
    spec: str = ""
    unit: str = ""


@lru_cache(maxsize=1024)  # pages cite the same values again and again
def parse_reference(text: str) -> Reference:
    """Read ``selector.path.to.value:FORMAT UNIT``; one word alone is a format if it can be one.

    Raises:
        FormatError: It is no path, optionally followed by a colon, a format and a unit.

    Examples:
        >>> parse_reference("torch-integration.duration.mean:.1f s")
        Reference(path='torch-integration.duration.mean', spec='.1f', unit='s')
        >>> parse_reference("torch-integration.environment.cpu")
        Reference(path='torch-integration.environment.cpu', spec='', unit='')
        >>> parse_reference("x.duration:ms").unit, parse_reference("x.items:d").spec
        ('ms', 'd')
    """
    match = _REFERENCE.fullmatch(" ".join(text.split()))
    if match is None:
        raise FormatError(f"Expected 'selector.path.to.value:FORMAT UNIT', but got {text[:100]!r}.")
    spec = match["format"] or ""
    head, _, last = spec.rpartition(" ")
    unit = last.replace("\u03bc", "µ")  # a Greek letter that looks the same
    is_format = unit != "s" and unit.removeprefix("z") in _FORMATS
    could_be = is_unit(unit) or re.fullmatch(WORD, unit) is not None
    if could_be and (head.strip() or not is_format):
        return Reference(match["path"], head.rstrip(), unit)
    return Reference(match["path"], spec)


@lru_cache(maxsize=1024, typed=True)
def render(value: Value, reference: Reference) -> str:
    """Return the text of a cited value.

    Without a format the value keeps its unit; with one, the unit is shown when it is asked for.

    Raises:
        FormatError: The format or the unit does not fit.

    Examples:
        >>> render(Value(35.92, "s"), parse_reference("x.duration"))
        '35.92 s'
        >>> render(Value(35.92, "s"), parse_reference("x.duration:.1f"))
        '35.9'
        >>> render(Value(90.0, "s"), parse_reference("x.duration:.1f min"))
        '1.5 min'
        >>> render(Value(0.0042, "s"), parse_reference("x.duration"))
        '4.2 ms'
    """
    content, unit, spec = value.value, value.unit, reference.spec
    if isinstance(content, bool) or not isinstance(content, (int, float)):
        if reference.unit and (reference.unit != "s" or spec or isinstance(content, bool)):
            raise FormatError(
                f"Expected {reference.path} to be a number to show it in {reference.unit}, "
                f"but got {content!r}."
            )
        return _formatted(content, spec, reference)
    if reference.unit:
        content, unit = _converted(content, unit, reference), reference.unit
    if spec:
        content = _as_asked(content, unit, reference)
    elif value.n == 0 and not reference.unit:
        spec = "d" if isinstance(content, int) else ".15g"  # as it was declared
    elif isinstance(content, int):
        spec = "d"
    elif _is_small(content, unit):
        content, unit = (content, unit) if reference.unit else legible(content, unit)
        spec = ".3g" if abs(content) < 100 else ".0f"
    else:
        spec = f".{DECIMALS[unit]}f" if unit in DECIMALS else spec_of(content)
    text = _formatted(content, spec, reference)
    if text.startswith("-") and not re.search("[1-9a-zA-Z]", text):
        text = text[1:]  # nothing is no less than nothing
    shown = reference.unit or (unit if not reference.spec else "")
    return f"{text} {shown}" if shown not in {"", "1"} else text


def shown(value: Value | None) -> str:
    """Return a value as it reads without a format; nothing when there is none."""
    return "" if value is None else render(value, Reference(""))


def _converted(number: float, unit: str, reference: Reference) -> float:
    if reference.unit == unit:
        return number
    try:
        return convert(float(number), unit, reference.unit)
    except ValueError as error:
        raise FormatError(f"{reference.path}: {error}") from error


def _as_asked(number: float, unit: str, reference: Reference) -> float:
    """Return what a format is for: a ratio for ``%``, a whole number for ``d``."""
    kind = reference.spec[-1]
    if kind == "%" and unit not in {"1", "%"}:
        raise FormatError(
            f"Expected {reference.path} to be a ratio to show it with the format "
            f"{reference.spec!r}, but got a value in {unit}."
        )
    if kind == "%":
        return convert(float(number), unit, "1")
    if kind in "bdoxX" and isinstance(number, float):
        if not math.isclose(number, round(number), rel_tol=1e-12, abs_tol=1e-12):
            raise FormatError(
                f"Expected {reference.path} to be a whole number for the format "
                f"{reference.spec!r}, but got {number!r}."
            )
        return round(number)
    return number


def _is_small(number: float, unit: str) -> bool:
    """Whether the decimals of its unit leave nothing of a number."""
    return unit in DECIMALS and number != 0 and float(f"{number:.{DECIMALS[unit]}f}") == 0


def _formatted(content: str | float | bool, spec: str, reference: Reference) -> str:
    try:
        _check_spec(spec, content)
        return format(content, spec)
    except (ValueError, TypeError, OverflowError) as error:
        raise FormatError(
            f"Expected a format that fits {reference.path} ({content!r}), "
            f"but got {spec!r} ({error})."
        ) from error


def _check_spec(spec: str, content: object) -> None:
    """Refuse what pads a page or writes a control character."""
    if _LONG.search(spec):
        raise ValueError("a width or precision beyond 999")
    if spec.endswith("c") and not isinstance(content, str):
        raise ValueError("a number is no character")
