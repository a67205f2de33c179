"""``{ptyreg:stages}``: where the time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import _
from ..tables import Cell, table
from ..values import shown
from .base import SelectorDirective

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..selector_evidence import SelectorEvidence

__all__ = ["StagesDirective"]


class StagesDirective(SelectorDirective):
    """A table of the recorded spans, each with its share of the session."""

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        values, whole = evidence.values, evidence.values.get("duration.mean")
        rows: list[list[Cell]] = []
        for path in evidence.stems("stages"):
            mean = values[f"{path}.mean"]
            total = float(whole.value) if whole else 0.0
            share = f"{100 * float(mean.value) / total:.0f} %" if total else ""
            rows.append([path.removeprefix("stages."), shown(mean), share])
        return [table([_("stage"), _("mean"), _("of the session")], rows, classes="ptyreg-stages")]
