"""Tables of evidence: every row has a head, and any builder can write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes

from .heads import HeadEntry
from .nodes import text_node

__all__ = ["Cell", "table"]

#: Characters of the widest column that a plain-text table asks for.
_WIDEST = 48

#: A cell of a table.
Cell = str | nodes.Node | Sequence[nodes.Node]


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]], *, classes: str) -> nodes.table:
    """Return a table; the first cell of a row is its head.

    Args:
        header: A word a column.
        rows: Cells: text, a node or nodes.
        classes: A class beside ``ptyreg-table``.
    """
    body: list[list[Cell]] = [list(row) for row in rows]
    columns: list[list[Cell]] = [[word, *(row[i] for row in body)] for i, word in enumerate(header)]
    widths = [min(_WIDEST, max(map(_width, column))) for column in columns]
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group.children[0]["stub"] = 1  # type: ignore[index]
    group += nodes.thead("", _row(header, heads=len(header)))
    group += nodes.tbody("", *[_row(row, heads=1) for row in body])
    return nodes.table("", group, classes=["ptyreg-table", "colwidths-auto", *classes.split()])


def _content(cell: Cell) -> list[nodes.Node]:
    if isinstance(cell, str):
        return [text_node(cell)] if cell else []
    return [cell] if isinstance(cell, nodes.Node) else list(cell)


def _width(cell: Cell) -> int:
    """Return the characters that plain text takes, which puts literals into quotes."""
    parts = _content(cell)
    quoted = sum(1 for part in parts for _ in part.findall(nodes.literal))
    return max(1, 2 * quoted + sum(len(part.astext()) for part in parts))


def _row(cells: Sequence[Cell], *, heads: int) -> nodes.row:
    row = nodes.row()
    for i, cell in enumerate(cells):
        content = _content(cell)
        entry = (HeadEntry if i < heads else nodes.entry)("")
        entry += nodes.paragraph("", "", *content, translatable=False)
        if not content:  # takes no room where cells stand below one another
            entry["classes"].append("ptyreg-nothing")
        row += entry
    return row
