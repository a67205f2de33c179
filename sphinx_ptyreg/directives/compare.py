"""``{ptyreg:compare}``: two machine classes, releases or records side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..citable import numbers_of
from ..errors import UnknownNameError
from ..nodes import Cell, badge, table, text_node
from ..releases import version_of
from ..statistics import summarise
from ..values import Value, shown
from .base import SelectorDirective
from .options import Option, Options, names

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..record import RunRecord
    from ..selector_evidence import SelectorEvidence

__all__ = ["CompareDirective"]


def _side(text: str) -> str:
    if not (text or "").strip():
        raise ValueError("Expected a machine class, a release, a commit or a record.")
    return text.strip()


class CompareDirective(SelectorDirective):
    """A table: each number on the left, on the right, and how far it moved."""

    shows_history = True
    option_spec = Options(
        left=Option(_side, "machine class, release, commit, date or record (default: previous)"),
        right=Option(_side, "the same for the right side (default: latest)"),
        only=Option(names, "names of the metrics to show; all numbers by default"),
    )

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        sides = [
            self._find(evidence, self.options.get(side, word))
            for side, word in (("left", "previous"), ("right", "latest"))
        ]
        left, right = (dict(self._means(side)) for side in sides)
        comparable = sides[0][-1].machine_class == sides[1][-1].machine_class
        only = self.options.get("only")
        rows: list[list[Cell]] = []
        for path in dict.fromkeys([*left, *right]):
            if only is not None and path.rpartition(".")[2] not in only:
                continue
            a, b = left.get(path), right.get(path)
            rows.append([path, shown(a), shown(b), _change(path, a, b, comparable=comparable)])
        header = [
            "measured",
            *(self._head(records[-1], len(records)) for records in sides),
            "change",
        ]
        return [table(header, rows, classes="ptyreg-compare")]

    def _find(self, evidence: SelectorEvidence, wanted: str) -> list[RunRecord]:
        measured = [record for record in evidence.attempts if record.measured]
        if wanted in {"latest", "previous"}:
            sets = list({r.inputs.digest + r.machine_class: r for r in measured}.values())
            sets.sort(key=lambda record: record.started)
            chosen = evidence.measured if wanted == "latest" else None
            if wanted == "previous":
                rest = [
                    r for r in sets if r.inputs.digest != (evidence.measured or r).inputs.digest
                ]
                chosen = rest[-1] if rest else evidence.measured
            return evidence.sample_set(chosen) if chosen else []
        for record in reversed(measured):
            if wanted == record.machine_class or self._is(record, wanted):
                return evidence.sample_set(record)
        known = {record.machine_class for record in measured}
        known |= {self._version(record) for record in measured}
        raise UnknownNameError("side of a comparison", wanted, known)

    def _is(self, record: RunRecord, wanted: str) -> bool:
        if len(wanted) < 4:
            return wanted == self._version(record)
        return (
            wanted == self._version(record)
            or record.started.startswith(wanted)
            or record.id.startswith(wanted)
            or (record.commit is not None and record.commit.id.startswith(wanted))
        )

    def _version(self, record: RunRecord) -> str:
        commit = record.commit.id if record.commit else None
        return version_of(self.evidence.project.root, commit)

    def _head(self, record: RunRecord, n: int) -> str:
        return f"{self._version(record)}, {record.started[:10]}, {record.machine_class}, n = {n}"

    @staticmethod
    def _means(records: list[RunRecord]) -> list[tuple[str, Value]]:
        found: dict[str, list[tuple[float, str]]] = {}
        for record in records:
            for path, value, unit in numbers_of(record):
                found.setdefault(path, []).append((value, unit))
        return [
            (path, Value(summarise([value for value, _ in pairs]).mean, pairs[-1][1], len(pairs)))
            for path, pairs in found.items()
        ]


_OF_THE_MACHINE = ("duration", "wall", "cpu_time", "peak_memory", "stages")


def _change(path: str, left: Value | None, right: Value | None, *, comparable: bool) -> Cell:
    if left is None or right is None or left.unit != right.unit:
        return ""
    if not comparable and path.startswith(_OF_THE_MACHINE):
        return badge("not comparable")
    before, after = float(left.value), float(right.value)
    if before == after:
        return "same"
    if before == 0 or left.unit == "dB":
        return text_node(f"{after - before:+.3g}{'' if left.unit == '1' else ' ' + left.unit}")
    return f"{100 * (after - before) / abs(before):+.1f} %"
