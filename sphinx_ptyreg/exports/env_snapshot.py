"""``env_snapshot.txt``: where it was measured, with which versions and variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..citable import facts_of
from ..plain import plain
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from ..values import shown

__all__ = ["written"]


def written(selectors: Sequence[SelectorEvidence]) -> str:
    """Write a block for each selector and machine class, and for a latest run that failed."""
    blocks = [
        "\n".join(_one_line(line) for line in _lines(own.selector.name, record))
        for own in selectors
        for record in (*(s[-1] for s in own.classes.values()), own.failure)
        if record is not None
    ]
    return "\n\n".join(blocks) + "\n"


def _lines(name: str, record: RunRecord) -> Iterator[str]:
    yield f"[{name} on {record.machine_class}]"
    yield f"record: {record.id}"
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
