"""``{ptyreg:runtime}``: how long a selector takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..nodes import Cell, badge, table
from ..values import shown
from .base import SelectorDirective

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..evidence import SelectorEvidence

__all__ = ["RuntimeDirective"]

_ROWS = (
    ("pytest session", "duration"),
    ("test call", "duration_call"),
    ("child process", "wall"),
    ("CPU time", "cpu_time"),
    ("peak memory", "peak_memory"),
)


class RuntimeDirective(SelectorDirective):
    """A table of durations, stages and resources; the spread when there is more than one run."""

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        values = evidence.values
        spread = len(evidence.samples) > 1
        rows = [(label, path) for label, path in _ROWS if path in values]
        stages = evidence.stems("stages")
        rows += [(f"stage {path.removeprefix('stages.')}", path) for path in stages]
        header = ["measured", "mean", "min", "max", "stdev"] if spread else ["measured", "value"]
        columns = ("mean", "min", "max", "stdev") if spread else ("mean",)
        body: list[list[Cell]] = [
            [label, *(shown(values.get(f"{path}.{column}")) for column in columns)]
            for label, path in rows
        ]
        outcome = evidence.latest.outcome.words if evidence.latest else "not measured"
        body.append([
            "outcome", badge(outcome), *[""] * (len(columns) - 1)
        ])  # fmt: skip
        return [table(header, body, classes="ptyreg-runtime")]
