"""Tables in Markdown, from text that may come from anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .plain import plain

__all__ = ["cell", "table"]

#: A code span; a backtick behind a backslash begins none.
_CODE = re.compile(r"(?<![\\`])(`+)(?!`)(?:(?!\1(?!`)).)+?(?<!`)\1(?!`)")


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
    r"""Return `text` on one line, without what would end a cell or begin a tag.

    In a code span nothing begins a tag, and an entity would be shown as it is spelt.

    Examples:
        >>> cell("a < b and `a <= b | c`")
        'a &lt; b and `a <= b \\| c`'
    """
    whole = plain(" ".join(text.split())).replace("|", "\\|")
    parts, end = [], 0
    for code in _CODE.finditer(whole):
        parts += [whole[end : code.start()].replace("<", "&lt;"), code[0]]
        end = code.end()
    return "".join([*parts, whole[end:].replace("<", "&lt;")])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"
