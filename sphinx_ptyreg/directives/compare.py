"""``{ptyreg:compare}``: two machine classes, releases or records side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

from ..catalogue import _, spoken
from ..comparison import Comparison, compare
from ..nodes import badge, text_node
from ..sides import find_sides
from ..tables import Cell, table
from ..values import shown
from .base import SelectorDirective
from .options import Option, TableOptions, known, names

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..selector_evidence import SelectorEvidence

__all__ = ["CompareDirective"]

#: How many changed inputs are named.
_NAMED = 8


def _side(text: str) -> str:
    if not (text or "").strip():
        raise ValueError("Expected a machine class, a release, a commit or a record.")
    return text.strip()


class CompareDirective(SelectorDirective):
    """A table: each number on the left, on the right, and how far it moved."""

    shows_history = True
    option_spec = TableOptions(
        left=Option(_side, "release, machine class, commit, date or record (default: previous)"),
        right=Option(_side, "the same for the right side (default: latest)"),
        only=Option(names, "names of the metrics to show; all numbers by default"),
    )

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table, and what else differs between the sides."""
        asked = (self.options.get("left", "previous"), self.options.get("right", "latest"))
        left, right = find_sides(self.evidence, evidence, *asked)
        absent = [spoken(side.absent) + "." for side in (left, right) if side.absent]
        found = compare(left, right)
        wanted = self._wanted([row.path for row in found.rows])
        rows: list[list[Cell]] = [
            [row.path, shown(row.left), shown(row.right), _change(row.change)]
            for row in found.rows
            if row.path in wanted
        ]
        header = [_("measured"), spoken(left.label), spoken(right.label), _("change")]
        content: list[Node] = [table(header, rows, classes="ptyreg-compare")] if rows else []
        if absent:
            content.append(_paragraph(" ".join(absent)))
        return [*content, _between(found)] if found.inputs else content

    def _wanted(self, paths: list[str]) -> list[str]:
        """Return the paths whose names are asked for."""
        only = self.options.get("only")
        if only is None or not paths:
            return paths
        known("number", only, {path.rpartition(".")[2] for path in paths})
        return [path for path in paths if path.rpartition(".")[2] in only]


def _change(word: str) -> Cell:
    if word in {"", "new", "gone"}:
        return ""
    return badge(word) if word == "not comparable" else text_node(spoken(word))


def _between(found: Comparison) -> nodes.paragraph:
    """Say which inputs changed between the two sides."""
    inputs = "; ".join(map(spoken, found.first_inputs(_NAMED)))
    told = _("In between: {inputs}.").format(inputs=inputs)
    return _paragraph(told)


def _paragraph(told: str) -> nodes.paragraph:
    return nodes.paragraph("", "", text_node(told), translatable=False)
