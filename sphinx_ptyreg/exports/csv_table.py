"""``evidence.csv``: a row for each number of each machine class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ..plain import plain
from ..selector_evidence import SelectorEvidence
from .readings import numbers

__all__ = ["COLUMNS", "files"]

COLUMNS = (
    "selector", "machine_class", "path", "value", "unit", "n", "measured", "commit", "source",
    "record", "freshness",
)  # fmt: skip

#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t")


def files(selectors: Sequence[SelectorEvidence]) -> dict[str, bytes]:
    """Return the file by its name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for own in selectors:
        writer.writerows(_rows(own))
    return {"evidence.csv": text.getvalue().encode()}


def _rows(own: SelectorEvidence) -> Iterator[tuple[object, ...]]:
    for name, samples in own.classes.items():
        record = samples[-1]
        commit = record.commit.id if record.commit else ""
        state = own.judge(record).state.value
        for path, told in numbers(own, samples).items():
            yield (
                own.selector.name, _safe(name), _safe(path), told["value"], _safe(told["unit"]),
                told["n"], record.started, commit, _safe(record.source), record.id, state,
            )  # fmt: skip


def _safe(text: str) -> str:
    text = plain(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
