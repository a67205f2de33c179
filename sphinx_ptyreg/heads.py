"""Cells that head a column or a row: in HTML they say which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.writers.html5 import HTML5Translator

__all__ = ["HeadEntry", "depart_head", "visit_head"]


class HeadEntry(nodes.entry):
    """An entry; every other writer takes it for one."""

    tagname = "entry"


def visit_head(translator: HTML5Translator, node: HeadEntry) -> None:
    """Open the cell, with its scope."""
    translator.visit_entry(node)
    scope = "col" if isinstance(node.parent.parent, nodes.thead) else "row"
    translator.body[-1] = translator.body[-1].replace("<th", f'<th scope="{scope}"', 1)


def depart_head(translator: HTML5Translator, node: HeadEntry) -> None:
    """Close the cell."""
    translator.depart_entry(node)
