"""``{ptyreg:ledger}``: every recorded run, however it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import _, spoken
from ..citable import cited
from ..citations import HISTORY
from ..nodes import badge
from ..releases import version_of
from ..tables import Cell, table
from ..values import Value, shown
from .base import EvidenceDirective, not_measured
from .options import Option, TableOptions, at_least_one

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..record import RunRecord

__all__ = ["LedgerDirective"]


class LedgerDirective(EvidenceDirective):
    """A table of attempts, newest first."""

    option_spec = TableOptions(
        limit=Option(at_least_one, "how many attempts to show (default: 10)"),
    )

    def build(self) -> list[Node]:
        """Return the table; failures are shown like everything else."""
        self.note(self.arguments[0] + HISTORY)
        evidence = self.evidence.selector(self.arguments[0])
        if not evidence.attempts:
            return self.placed(not_measured(evidence.selector.name))
        rows: list[list[Cell]] = []
        for record in evidence.attempts[: -self.options.get("limit", 10) - 1 : -1]:
            seconds = record.durations.duration
            commit = record.commit.id if record.commit else None
            took = shown(Value(seconds, "s")) if record.measured and seconds is not None else ""
            when = record.started[:16].replace("T", " ") + " UTC"
            version = spoken(version_of(self.evidence.project.root, commit))
            rows.append(
                [when, badge(record.outcome.words), took,
                 version, record.machine_class, _note(record)]
            )  # fmt: skip
        header = [_("started"), _("outcome"), _("session"), _("version"), _("machine class"),
                  _("note")]  # fmt: skip
        return self.placed(table(header, rows, classes="ptyreg-ledger"))


def _note(record: RunRecord) -> str:
    """Say why a run is no measurement, and that it was not ours when it was imported."""
    told = [record.reason] if record.reason else []
    if record.citation is not None:
        source = spoken(cited(record.citation))
        told.append(_("imported from {source}").format(source=source))
    return "; ".join(told)
