"""``{ptyreg:runtime}``: how long a selector takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import N_, _
from ..nodes import badge
from ..tables import Cell, table
from ..values import shown
from .base import SelectorDirective

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..evidence import SelectorEvidence

__all__ = ["RuntimeDirective"]

_ROWS = (
    (N_("pytest session"), "duration"),
    (N_("test call"), "duration_call"),
    (N_("child process"), "wall"),
    (N_("CPU time"), "cpu_time"),
    (N_("peak memory"), "peak_memory"),
)

_SPREAD = (N_("mean"), N_("min"), N_("max"), N_("stdev"))


class RuntimeDirective(SelectorDirective):
    """A table of durations, stages and resources; the spread when there is more than one run."""

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        values = evidence.values
        spread = len(evidence.samples) > 1
        rows = [(_(label), path) for label, path in _ROWS if path in values]
        stages = evidence.stems("stages")
        rows += [
            (_("stage {name}").format(name=path.removeprefix("stages.")), path) for path in stages
        ]
        columns = _SPREAD if spread else ("mean",)
        header = [_("measured"), *map(_, columns if spread else [N_("value")])]
        body: list[list[Cell]] = [
            [label, *(shown(values.get(f"{path}.{column}")) for column in columns)]
            for label, path in rows
        ]
        outcome = evidence.latest.outcome.words if evidence.latest else "not measured"
        body.append([
            _("outcome"), badge(outcome), *[""] * (len(columns) - 1)
        ])  # fmt: skip
        return [table(header, body, classes="ptyreg-runtime")]
