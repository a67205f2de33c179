"""What a drawing is made of, in points from the top left."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Dot", "Drawing", "Label", "Line", "Tone"]


class Tone(StrEnum):
    """What a shape is for; each backend has its colours."""

    TEXT = "text"
    MUTED = "muted"
    GRID = "grid"
    DATA = "data"
    CAUTION = "caution"
    BAD = "bad"


class Line(NamedTuple):
    """A polyline."""

    points: tuple[tuple[float, float], ...]
    tone: Tone
    width: float = 1.0
    dashed: bool = False


class Dot(NamedTuple):
    """A measurement; `told` says it in words."""

    x: float
    y: float
    told: str


class Label(NamedTuple):
    """A text; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    tone: Tone = Tone.MUTED
    anchor: str = "start"
    bold: bool = False


class Drawing(NamedTuple):
    """Shapes on a page, and what they show in one sentence."""

    width: float
    height: float
    told: str
    shapes: tuple[Line | Dot | Label, ...]
