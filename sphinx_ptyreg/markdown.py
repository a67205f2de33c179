"""Tables in Markdown, from text that may come from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .plain import plain

__all__ = ["cell", "table"]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""Yield the lines of a table.

    Examples:
        >>> list(table(["a", "b"], [["1", "x|y"]]))
        ['| a | b |', '|---|---|', '| 1 | x\\|y |']
    """
    yield _line(header)
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield _line(row)


def cell(text: str) -> str:
    """Return `text` on one line, without what would end a cell or begin a tag."""
    return plain(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"
