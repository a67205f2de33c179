"""``env_snapshot.txt``: where it was measured, with which versions and variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..citable import facts_of
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from ..values import shown

__all__ = ["written"]


def written(selectors: Sequence[SelectorEvidence]) -> str:
    """Write a block for each selector and machine class."""
    blocks = [
        "\n".join(_lines(own.selector.name, samples[-1]))
        for own in selectors
        for samples in own.classes.values()
    ]
    return "\n\n".join(blocks) + "\n"


def _lines(name: str, record: RunRecord) -> Iterator[str]:
    yield f"[{name} on {record.machine_class}]"
    yield f"record: {record.id}"
    yield f"started: {record.started}"
    commit = record.commit
    yield f"commit: {commit.id + (' (modified)' if commit.dirty else '') if commit else 'none'}"
    yield f"command: {' '.join(record.command)}"
    for kind, key, value in facts_of(record):
        yield f"{kind}.{key}: {shown(value)}"
    for reason in record.inputs.unseen:
        yield f"not seen: {reason}"
