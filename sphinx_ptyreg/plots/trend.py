"""A trend: one panel a machine class, a dot a run, a mark where the code or its inputs changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .shapes import Dot, Drawing, Label, Line, Tone

__all__ = ["Limit", "Point", "Trend", "drawing"]

_WIDTH, _LEFT, _RIGHT = 640.0, 62.0, 18.0
_HEAD, _PLOT, _FOOT = 30.0, 120.0, 34.0
_PANEL = _HEAD + _PLOT + _FOOT
#: Room for a letter of a limit's label, also where a narrow screen has larger letters.
_LETTER = 9.0


class Point(NamedTuple):
    """A run: value, version (a release, or a short commit), inputs digest, date."""

    value: float
    version: str
    inputs: str
    date: str


class Limit(NamedTuple):
    """A declared bound: its word, its value, and what to call it where that is not the word."""

    word: str
    value: float
    label: str = ""


class Trend(NamedTuple):
    """The runs of one machine class, oldest first."""

    machine_class: str
    points: Sequence[Point]


def drawing(
    title: str,
    unit: str,
    trends: Sequence[Trend],
    limits: Sequence[Limit],
    over: str = "{title} over {runs} runs",
) -> Drawing:
    """Draw `trends` below one another.

    Args:
        title: What was measured.
        unit: Its unit.
        trends: At least one point each.
        limits: Bounds to draw in each panel that they are near to.
        over: What the drawing is, in words, for those who do not see it.
    """
    near = [[limit for limit in limits if _is_near(limit, trend.points)] for trend in trends]
    names = [_name(limit) for panel in near for limit in panel]
    right = _WIDTH - max([_RIGHT, *(6 + _LETTER * len(name) for name in names)])
    measured = f"{title}, {unit}" if unit != "1" else title
    shapes: list[Line | Dot | Label] = []
    for i, trend in enumerate(trends):
        shapes.append(Label(right, i * _PANEL + 14, measured, anchor="end"))
        shapes += _panel(trend, unit, near[i], i * _PANEL, right)
    count = sum(len(trend.points) for trend in trends)
    told = over.format(title=title, runs=count, classes=len(trends))
    return Drawing(_WIDTH, len(trends) * _PANEL, told, tuple(shapes))


def _panel(
    trend: Trend, unit: str, limits: Sequence[Limit], top: float, right: float
) -> Iterator[Line | Dot | Label]:
    values = [point.value for point in trend.points]
    heights = [*values, *(limit.value for limit in limits)]
    ticks = _ticks(min(heights), max(heights))
    low, high = ticks[0], ticks[-1]
    bottom = top + _HEAD + _PLOT

    def y(value: float) -> float:
        return round(bottom - (value - low) / (high - low) * _PLOT, 2)

    yield Label(_LEFT, top + 14, trend.machine_class, Tone.TEXT, bold=True)
    for tick in ticks:
        yield Line(((_LEFT, y(tick)), (right, y(tick))), Tone.GRID)
        yield Label(_LEFT - 8, y(tick) + 4, f"{tick:.6g}", anchor="end")
    for limit in limits:
        tone = Tone.BAD if limit.word == "fail" else Tone.CAUTION
        yield Line(((_LEFT, y(limit.value)), (right, y(limit.value))), tone, 1.2, dashed=True)
        yield Label(right + 6, y(limit.value) + 4, _name(limit), tone)
    step = (right - _LEFT - 24) / max(1, len(values) - 1)
    spots = [
        (round(_LEFT + 12 + i * step, 2) if len(values) > 1 else (_LEFT + right) / 2, y(value))
        for i, value in enumerate(values)
    ]
    yield from _marks(trend.points, spots, top + _HEAD, bottom)
    if len(spots) > 1:
        yield Line(tuple(spots), Tone.DATA, 1.6)
    for point, (at, height) in zip(trend.points, spots, strict=True):
        value = f"{point.value:.6g}{'' if unit == '1' else ' ' + unit}"
        yield Dot(at, height, f"{value}, {point.date}, {point.version}")


def _marks(
    points: Sequence[Point], spots: Sequence[tuple[float, float]], top: float, bottom: float
) -> Iterator[Line | Label]:
    """Mark where the inputs changed, and name a version where there is room for its name."""
    free, previous = -math.inf, None
    for point, (at, _) in zip(points, spots, strict=True):
        if point.inputs == previous:
            continue
        if previous is not None:
            yield Line(((at, top), (at, bottom)), Tone.MUTED, 0.8, dashed=True)
        previous = point.inputs
        width = 6.7 * len(point.version)
        if at - width / 2 > free:
            yield Label(at, bottom + 20, point.version, anchor="middle")
            free = at + width / 2 + 8


def _name(limit: Limit) -> str:
    return f"{limit.label or limit.word} {limit.value:.6g}"


def _is_near(limit: Limit, points: Sequence[Point]) -> bool:
    return abs(limit.value) <= 2.5 * max(abs(point.value) for point in points)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers around the data; from zero when that hides nothing."""
    if 0 < low <= 0.6 * high:
        low = 0.0
    if high - low <= 1e-9 * max(abs(high), abs(low), 1e-300):
        pad = abs(high) * 0.1 or 1.0
        low, high = low - pad, high + pad
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]
