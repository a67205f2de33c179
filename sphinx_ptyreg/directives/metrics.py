"""``{ptyreg:metrics}``: what the test measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import _
from ..nodes import badge
from ..tables import Cell, table
from ..values import shown
from .base import SelectorDirective
from .options import Option, TableOptions, known, names

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..selector_evidence import SelectorEvidence

__all__ = ["MetricsDirective"]


class MetricsDirective(SelectorDirective):
    """A table of the recorded metrics, with the verdict of those that have a guardrail."""

    option_spec = TableOptions(only=Option(names, "names of the metrics to show, in this order"))

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        values = evidence.values
        measured = [path.removeprefix("metrics.") for path in evidence.stems("metrics")]
        wanted = self.options.get("only", measured)
        known("metric", wanted, measured)
        verdicts = {judgement.metric: judgement.verdict for judgement in evidence.judgements}
        spread = len(evidence.samples) > 1
        judged = any(name in verdicts for name in wanted)
        header = [_("metric"), *([_("mean"), _("min"), _("max")] if spread else [_("value")])]
        rows: list[list[Cell]] = []
        for name in wanted:
            parts = (".mean", ".min", ".max") if spread else ("",)
            row: list[Cell] = [name, *(shown(values.get(f"metrics.{name}{p}")) for p in parts)]
            if judged:
                row.append(badge(verdicts[name].value) if name in verdicts else "")
            rows.append(row)
        return [
            table([*header, *([_("guardrail")] if judged else [])], rows, classes="ptyreg-metrics")
        ]
