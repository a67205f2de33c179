"""``{ptyreg:guardrails}``: the declared bounds of a selector, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import _, spoken
from ..nodes import badge
from ..tables import Cell, table
from ..values import Value, shown
from .base import SelectorDirective

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..evidence import SelectorEvidence

__all__ = ["GuardrailsDirective"]


class GuardrailsDirective(SelectorDirective):
    """A table: metric, measured, bound, verdict, and what the verdict rests on."""

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        rows: list[list[Cell]] = []
        for judgement in evidence.judgements:
            quantity = judgement.value
            measured = "" if quantity is None else shown(Value(*quantity))
            for check in judgement.checks:
                bound = f"{spoken(check.bound)} {spoken(check.limit)}"
                rows.append(
                    [
                        judgement.metric,
                        measured,
                        bound,
                        badge(check.verdict.value),
                        spoken(check.note),
                    ]
                )
        return [
            table(
                [_("metric"), _("measured"), _("bound"), _("verdict"), _("note")],
                rows,
                classes="ptyreg-guardrails",
            )
        ]
