"""``env_snapshot.txt``: where it was measured, with which versions and variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..citable import cited, facts_of
from ..plain import plain
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from ..values import shown

__all__ = ["written"]


def written(selectors: Sequence[SelectorEvidence]) -> str:
    """Write a block for each selector and machine class, and for a latest run that failed."""
    blocks = [
        "\n".join(_one_line(line) for line in _lines(own.selector.name, where, record))
        for own in selectors
        for where, record in _records(own)
    ]
    return "\n\n".join(blocks) + "\n"


def _records(own: SelectorEvidence) -> Iterator[tuple[str, RunRecord]]:
    """Yield each record, and what its machine class is called beside the others."""
    for where, samples in own.classes.items():
        yield where, samples[-1]
    if own.failure is not None:
        yield own.failure.machine_class, own.failure


def _lines(name: str, where: str, record: RunRecord) -> Iterator[str]:
    yield f"[{name} on {where}]"
    yield f"record: {record.id}"
    if record.citation is not None:
        yield f"imported from: {cited(record.citation)}"
    if not record.measured:
        yield f"outcome: {record.outcome.words}: {record.reason}"
    yield f"started: {record.started}"
    commit = record.commit
    yield f"commit: {commit.id + (' (modified)' if commit.dirty else '') if commit else 'none'}"
    yield f"command: {' '.join(record.command)}"
    for kind, key, value in facts_of(record):
        yield f"{kind}.{key}: {shown(value)}"
    for reason in record.inputs.unseen:
        yield f"not seen: {reason}"


def _one_line(text: str) -> str:
    """Return a line that stays one: a record may come from anywhere."""
    return " ".join(plain(text).split())
