"""Quantities: a number with a unit, and the few units that records use."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

__all__ = [
    "WORD", "Quantity", "convert", "dimension", "is_unit", "known_units", "legible",
    "parse_quantity", "same_dimension", "spec_of",
]  # fmt: skip

#: unit → (dimension, factor to the dimension's base unit)
_UNITS: dict[str, tuple[str, float]] = {
    "ns": ("time", 1e-9), "µs": ("time", 1e-6), "us": ("time", 1e-6), "ms": ("time", 1e-3),
    "s": ("time", 1.0), "min": ("time", 60.0), "h": ("time", 3600.0), "d": ("time", 86400.0),
    "B": ("size", 1.0), "kB": ("size", 1e3), "MB": ("size", 1e6), "GB": ("size", 1e9),
    "KiB": ("size", 2.0**10), "MiB": ("size", 2.0**20), "GiB": ("size", 2.0**30),
    "1": ("ratio", 1.0), "%": ("ratio", 0.01),
    "1/s": ("rate", 1.0), "Hz": ("rate", 1.0), "kHz": ("rate", 1e3), "MHz": ("rate", 1e6),
    "GHz": ("rate", 1e9),
    "dB": ("level", 1.0), "px": ("pixel", 1.0), "W": ("power", 1.0),
    "rad": ("angle", 1.0), "mrad": ("angle", 1e-3), "deg": ("angle", 0.017453292519943295),
}  # fmt: skip

#: Unit → the next smaller one that a small number is told in.
_SMALLER = {
    "d": "h", "h": "min", "min": "s", "s": "ms", "ms": "µs", "us": "ns", "µs": "ns",
    "GiB": "MiB", "MiB": "KiB", "KiB": "B", "GB": "MB", "MB": "kB", "kB": "B",
    "GHz": "MHz", "MHz": "kHz", "kHz": "Hz", "rad": "mrad",
}  # fmt: skip

#: How a unit of a record's own may be spelt, so that a number in a text can carry it.
WORD = r"[A-Za-zµΩ°Å][A-Za-z0-9_µΩ°Å]*(?:/[A-Za-zµΩ°Å]+)?"

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*")


class Quantity(NamedTuple):
    """A number and its unit."""

    value: float
    unit: str

    def to(self, unit: str) -> float:
        """Return the number in `unit`.

        Raises:
            ValueError: The units measure different things.
        """
        return convert(self.value, self.unit, unit)


def is_unit(text: str) -> bool:
    """Whether `text` names a unit that values can be converted to."""
    return text in _UNITS


def spec_of(number: float) -> str:
    """Return the format that shows four digits of a number, or all of those before the point.

    Examples:
        >>> [format(n, spec_of(n)) for n in (0.95761, 36.0, 200_000.0, 12_345.6)]
        ['0.9576', '36', '200000', '12346']
    """
    return ".0f" if 1000 <= abs(number) < 1e15 else ".4g"


def legible(number: float, unit: str) -> tuple[float, str]:
    """Return a number in the largest unit in which it is at least 1, if there is a smaller unit.

    Examples:
        >>> legible(0.25, "s"), legible(0.5, "MiB"), legible(-0.5, "dB")
        ((250.0, 'ms'), (512.0, 'KiB'), (-0.5, 'dB'))
    """
    while 0 < abs(number) < 1 and unit in _SMALLER:
        smaller = _SMALLER[unit]
        number, unit = convert(number, unit, smaller), smaller
    return number, unit


def same_dimension(unit: str, other: str) -> bool:
    """Whether a value in one unit can be told in the other."""
    if unit == other:
        return True
    return unit in _UNITS and other in _UNITS and _UNITS[unit][0] == _UNITS[other][0]


def dimension(unit: str) -> tuple[str, float]:
    """Return what `unit` measures, and its size in that dimension's base unit.

    Examples:
        >>> dimension("ms")
        ('time', 0.001)
        >>> dimension("furlong")
        ('furlong', 1.0)
    """
    return _UNITS.get(unit, (unit, 1.0))


def known_units() -> tuple[str, ...]:
    """Return the units that a quantity may be spelt in."""
    return tuple(_UNITS)


def convert(value: float, unit: str, target: str) -> float:
    """Return `value`, measured in `unit`, in the unit `target`.

    Raises:
        ValueError: The units measure different things.

    Examples:
        >>> convert(90.0, "s", "min")
        1.5
        >>> convert(1.0, "GHz", "s")
        Traceback (most recent call last):
            ...
        ValueError: Expected a unit that GHz converts to (1/s, Hz, kHz, MHz, GHz), but got 's'.
    """
    if unit == target:
        return value
    if not same_dimension(unit, target):
        dimension = _UNITS.get(unit, ("", 0.0))[0]
        fit = [name for name, (of, _) in _UNITS.items() if of == dimension] or [unit]
        raise ValueError(
            f"Expected a unit that {unit} converts to ({', '.join(fit)}), but got {target!r}."
        )
    return value * _UNITS[unit][1] / _UNITS[target][1]


def parse_quantity(text: str, *, any_unit: bool = False) -> Quantity:
    """Read ``90 s``, ``30 %`` or ``0.85``.

    Args:
        text: A number, and a unit.
        any_unit: Whether the unit may be a record's own.

    Raises:
        ValueError: It is no number, or the unit is unknown.

    Examples:
        >>> parse_quantity("90 s")
        Quantity(value=90.0, unit='s')
        >>> parse_quantity("0.85")
        Quantity(value=0.85, unit='1')
        >>> parse_quantity("3 furlong", any_unit=True)
        Quantity(value=3.0, unit='furlong')
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"Expected a number with a unit, such as '90 s', but got {text!r}.")
    value, unit = float(match[1]), (match[2] or "1").replace("\u03bc", "µ")
    if not math.isfinite(value):
        raise ValueError(f"Expected a finite number, but got {text!r}.")
    if unit not in _UNITS and not (any_unit and re.fullmatch(WORD, unit)):
        raise ValueError(f"Expected a known unit ({', '.join(_UNITS)}), but got {unit!r}.")
    return Quantity(value, unit)
