"""Values that a page may cite: how a citation is spelt, and how a value reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .errors import PtyregError, WarningSubtype
from .units import convert, is_unit, known_units, spec_of

__all__ = [
    "AmbiguousPathError",
    "FormatError",
    "Reference",
    "Value",
    "parse_reference",
    "render",
    "shown",
]

#: Decimals of a value cited without a format, by unit.
_DEFAULT = {
    "s": ".2f",
    "ms": ".1f",
    "MiB": ".0f",
    "GiB": ".2f",
    "dB": ".1f",
    "%": ".2f",
    "1/s": ".0f",
}

_LONG = re.compile(r"\d{4}")

_REFERENCE = re.compile(r"(?P<path>[A-Za-z0-9_.-]+)(?::(?P<format>.*))?", re.DOTALL)


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
    """Something that was measured or stated, with the unit of a number and its sample size."""

    value: str | float | int | bool
    unit: str = "1"
    n: int = 1


class Reference(NamedTuple):
    """A citation: path, Python format spec, target unit."""

    path: str
    spec: str = ""
    unit: str = ""


@lru_cache(maxsize=1024)  # pages cite the same values again and again
def parse_reference(text: str) -> Reference:
    """Read ``selector.path.to.value:.1f s``.

    Raises:
        FormatError: It is no path, optionally followed by a colon, a format and a unit.

    Examples:
        >>> parse_reference("torch-integration.duration.mean:.1f s")
        Reference(path='torch-integration.duration.mean', spec='.1f', unit='s')
        >>> parse_reference("torch-integration.environment.cpu")
        Reference(path='torch-integration.environment.cpu', spec='', unit='')
    """
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        raise FormatError(f"Expected 'selector.path.to.value:FORMAT UNIT', but got {text[:100]!r}.")
    spec = (match["format"] or "").rstrip()
    head, _, last = spec.rpartition(" ")
    if is_unit(last):
        return Reference(match["path"], head.rstrip(), last)
    if head and not is_unit(last) and last.isalpha() and len(last) > 1:
        raise FormatError(
            f"Expected a known unit after the format {head!r} ({', '.join(known_units())}), "
            f"but got {last!r}."
        )
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
    """
    content, unit, spec = value.value, value.unit, reference.spec
    number = isinstance(content, (int, float)) and not isinstance(content, bool)
    if reference.unit and not number:
        raise FormatError(
            f"Expected {reference.path} to be a number to show it in {reference.unit}, "
            f"but got {content!r}."
        )
    if reference.unit:
        try:
            content, unit = convert(float(content), unit, reference.unit), reference.unit
        except ValueError as error:
            raise FormatError(f"{reference.path}: {error}") from error
    if number and not spec:
        spec = _default_spec(content, unit)
    try:
        _check_spec(spec, content)
        text = format(content, spec)
    except (ValueError, TypeError, OverflowError) as error:
        raise FormatError(
            f"Expected a format that fits {reference.path} ({content!r}), "
            f"but got {spec!r} ({error})."
        ) from error
    shown = reference.unit or (unit if not reference.spec else "")
    return f"{text} {shown}" if number and shown not in {"", "1"} else text


def shown(value: Value | None) -> str:
    """Return a value as it reads without a format; nothing when there is none."""
    return "" if value is None else render(value, Reference(""))


def _check_spec(spec: str, content: object) -> None:
    """Refuse what pads a page or writes a control character."""
    if _LONG.search(spec):
        raise ValueError("a width or precision beyond 999")
    if spec.endswith("c") and not isinstance(content, str):
        raise ValueError("a number is no character")


def _default_spec(content: str | float, unit: str) -> str:
    if isinstance(content, int):
        return "d"
    return _DEFAULT.get(unit) or spec_of(float(content))
