"""``{ptyreg:machines}``: what each machine class measured, side by side and never mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import _, spoken
from ..citable import cited, numbers_by_path
from ..nodes import badge
from ..releases import version_of
from ..statistics import summarise
from ..tables import Cell, table
from ..values import Value, shown
from .base import SelectorDirective
from .options import Option, TableOptions, class_names, known, names

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..record import RunRecord
    from ..selector_evidence import SelectorEvidence

__all__ = ["MachinesDirective"]

_GAP = "not measured"


class MachinesDirective(SelectorDirective):
    """A table with a column for each machine class: when, at which version, and every number.

    A class that `only` names and nothing was measured on is a column of gaps.
    """

    shows_history = True
    option_spec = TableOptions(
        only=Option(
            class_names,
            "names of the machine classes to show, in this order, as they stand above the columns",
        ),
        metrics=Option(names, "names of the numbers to show; all by default"),
    )

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        classes = evidence.classes
        wanted = self.options.get("only", list(classes))
        measured = {path for name in wanted for path in numbers_by_path(classes.get(name, []))}
        if measured:
            names_there = {path.rpartition(".")[2] for path in measured}
            known("number", self.options.get("metrics", ()), names_there)
        columns = [self._column(evidence, classes.get(name, [])) for name in wanted]
        rows = list(dict.fromkeys(row for column in columns for row in column))
        body: list[list[Cell]] = [
            [row, *(column.get(row, badge(_GAP)) for column in columns)] for row in rows
        ]
        return [table([_("measured"), *wanted], body, classes="ptyreg-machines")]

    def _column(self, evidence: SelectorEvidence, records: list[RunRecord]) -> dict[str, Cell]:
        if not records:
            return {}
        newest = records[-1]
        commit = newest.commit.id if newest.commit else None
        column: dict[str, Cell] = {
            _("date"): newest.started[:10],
            _("version"): spoken(version_of(self.evidence.project.root, commit)),
            _("freshness"): badge(evidence.judge(newest).state.value),
            _("source"): spoken(cited(newest.citation) if newest.citation else newest.source),
            _("runs"): str(len(records)),
        }
        only = self.options.get("metrics")
        for path, pairs in numbers_by_path(records).items():
            if only is None or path.rpartition(".")[2] in only:
                mean = summarise([value for value, _ in pairs]).mean
                column[path] = shown(Value(mean, pairs[-1][1], len(pairs)))
        return column
