"""``{ptyreg:history}``: how a number moved over the recorded runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

from ..catalogue import N_, _, spoken
from ..citable import numbers_of
from ..declared import MEASURED
from ..errors import UnknownNameError
from ..pictures import picture
from ..plots import Limit, Point, Trend, drawing
from ..releases import version_of
from ..tables import Cell, table
from ..units import convert, parse_quantity, same_dimension
from ..values import Value, shown
from .base import SelectorDirective
from .options import Option, TableOptions, at_least_one, flag

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..record import RunRecord
    from ..selector_evidence import SelectorEvidence

__all__ = ["HistoryDirective"]


class HistoryDirective(SelectorDirective):
    """``selector.path`` as a trend and as a table, split by machine class."""

    shows_history = True
    takes_path = True
    option_spec = TableOptions(
        limit=Option(at_least_one, "how many runs of each machine class to show (default: 20)"),
        no_plot=Option(flag, "the table alone"),
    )

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the drawing and its table."""
        path = self.arguments[0].partition(".")[2] or "duration"
        found = self._found(evidence, path)
        unit = next((v.unit for r, v in reversed(found) if not r.imported), found[-1][1].unit)
        by_class: dict[str, list[tuple[RunRecord, Value]]] = {}
        for record, value in found:
            by_class.setdefault(record.where, []).append((record, value))
        limit = self.options.get("limit", 20)
        kept = {name: runs[-limit:] for name, runs in sorted(by_class.items())}
        content: list[Node] = []
        if "no-plot" not in self.options:
            title = _("{path} of {name}").format(path=path, name=evidence.selector.name)
            trends = [
                Trend(name, [self._point(record, value, unit) for record, value in runs])
                for name, every in kept.items()
                if (runs := [(r, v) for r, v in every if same_dimension(v.unit, unit)])
            ]
            over = _("{title} over {runs} runs on {classes} machine classes")
            if len(trends) == 1:
                over = _("{title} over {runs} runs on one machine class")
            limits = _limits(evidence, path, unit)
            content.append(picture(drawing(title, unit, trends, limits, over)))
        return [*content, self._table(kept)]

    def _found(self, evidence: SelectorEvidence, path: str) -> list[tuple[RunRecord, Value]]:
        known: set[str] = set()
        found: list[tuple[RunRecord, Value]] = []
        for record in evidence.attempts:
            if not record.measured:
                continue
            for key, number, unit in numbers_of(record):
                known.add(f"{evidence.selector.name}.{key}")
                if key == path:
                    found.append((record, Value(number, unit)))
        if not found:
            raise UnknownNameError("number", self.arguments[0], known)
        return found

    def _version(self, record: RunRecord) -> str:
        commit = record.commit.id if record.commit else None
        return spoken(version_of(self.evidence.project.root, commit))

    def _point(self, record: RunRecord, value: Value, unit: str) -> Point:
        number = convert(float(value.value), value.unit, unit)
        return Point(number, self._version(record), record.inputs.digest, record.started[:10])

    def _table(self, kept: dict[str, list[tuple[RunRecord, Value]]]) -> nodes.table:
        several = len(kept) > 1
        rows: list[list[Cell]] = []
        for name, runs in kept.items():
            for record, value in reversed(runs):
                row: list[Cell] = [record.started[:10], self._version(record), shown(value)]
                rows.append([*row, name] if several else row)
        header = [
            _("measured"),
            _("version"),
            _("value"),
            *([_("machine class")] if several else []),
        ]
        return table(header, rows, classes="ptyreg-history")


def _limits(evidence: SelectorEvidence, path: str, unit: str) -> list[Limit]:
    name = path.removeprefix("metrics.")
    guardrail = evidence.selector.guardrails.get(path if name in MEASURED else name)
    limits = []
    for word in (N_("fail"), N_("warn"), N_("minimum")):
        text = getattr(guardrail, word, None)
        if text is None:
            continue
        quantity = parse_quantity(text, any_unit=True)
        if same_dimension(quantity.unit, unit):
            limits.append(Limit(word, quantity.to(unit), _(word)))
    return limits
