"""Rows in columns, and what becomes of them where a terminal is too narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..plain import plain

__all__ = ["Part", "Word", "laid_out", "text_of"]

#: Columns below which nothing is folded beside something else.
_LEAST = 20
_MARGIN = "    "


class Word(NamedTuple):
    """Text with a tone: good, caution, bad, dim, heading or neutral."""

    text: str
    tone: str = "neutral"


#: A piece of a line. Only a :class:`Word` is coloured; no text can bring its own escapes.
Part = str | Word


def text_of(part: Part) -> str:
    """Return a piece without its tone."""
    return part.text if isinstance(part, Word) else part


def laid_out(rows: Iterable[Sequence[Part]], room: int = 0) -> Iterator[list[Part]]:
    """Yield the lines of a table.

    Args:
        rows: Cells; a newline in one is a space.
        room: Columns that a line may have; no limit when 0.

    Examples:
        >>> rows = [("pass", "quick", ""), ("fail", "the-slow-one", "it is stale")]
        >>> ["".join(map(text_of, line)) for line in laid_out(rows)]
        ['pass  quick', 'fail  the-slow-one  it is stale']
        >>> ["".join(map(text_of, line)) for line in laid_out(rows, 24)]
        ['pass  quick', 'fail  the-slow-one', '    it is stale']
    """
    body = [_without_end([_one_line(cell) for cell in row]) for row in rows]
    narrow = [row for row in body if not room or _width(row) <= room] or body
    widths = [
        max((len(text_of(row[i])) for row in narrow if i < len(row)), default=0)
        for i in range(max(map(len, body), default=0))
    ]
    for row in body:
        line = _aligned(row, widths)
        if not room or sum(len(text_of(part)) for part in line) <= room:
            yield line
        else:
            yield from _folded(row, widths, room)


def _aligned(row: Sequence[Part], widths: Sequence[int]) -> list[Part]:
    """Return the parts of a row, each filled up to the width of its column."""
    parts: list[Part] = []
    for width, cell in zip(widths, row, strict=False):
        parts += [cell, " " * (width - len(text_of(cell)) + 2)]
    return _without_end(parts)


def _without_end(cells: list[Part]) -> list[Part]:
    while cells and not text_of(cells[-1]).strip():
        cells.pop()
    return cells


def _folded(row: Sequence[Part], widths: Sequence[int], room: int) -> Iterator[list[Part]]:
    """Yield a row's lines: its last cell folded below itself, or cell after cell as they fit."""
    *cells, last = row  # one that is empty fits
    before = sum(width + 2 for width in widths[: len(cells)])
    fits = all(len(text_of(c)) <= w for c, w in zip(cells, widths, strict=False))
    if fits and cells and before <= room // 2 and room - before >= _LEAST:
        head = _aligned([*cells, "."], [*widths[: len(cells)], 1])[:-1]
        for text in _wrapped(last, room - before):
            yield [*head, text]
            head = [" " * before]
        return
    line: list[Part] = []
    used = 0
    for cell in filter(text_of, row):
        if line and used + 2 + len(text_of(cell)) > room:
            yield line
            line, used = [], len(_MARGIN)
        if not line and used:
            *whole, cell = _wrapped(cell, room - used)  # noqa: PLW2901
            yield from ([_MARGIN, part] for part in whole)
            line = [_MARGIN, cell]
        elif line:
            line += ["  ", cell]
            used += 2
        else:
            *whole, cell = _wrapped(cell, room)  # noqa: PLW2901
            yield from ([part] for part in whole)
            line = [cell]
        used += len(text_of(cell))
    yield line


def _wrapped(cell: Part, width: int) -> list[Part]:
    lines = textwrap.wrap(text_of(cell), max(width, 8), break_on_hyphens=False) or [""]
    return [Word(line, cell.tone) if isinstance(cell, Word) else line for line in lines]


def _width(row: Sequence[Part]) -> int:
    return sum(len(text_of(cell)) for cell in row) + 2 * (len(row) - 1)


def _one_line(cell: Part) -> Part:
    text = plain(" ".join(text_of(cell).split("\n")))
    return Word(text, cell.tone) if isinstance(cell, Word) else text
