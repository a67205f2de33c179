"""``evidence.json``: every number with its unit, per selector and machine class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..canonical import canonical
from ..citable import cited, facts_of, gather, numbers_of, values_of
from ..plain import plain, plain_parts
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence

__all__ = ["SCHEMA", "files", "numbers"]

SCHEMA = 1


def files(selectors: Sequence[SelectorEvidence]) -> dict[str, bytes]:
    """Return the file by its name."""
    told = {
        "schema": SCHEMA,
        "selectors": {own.selector.name: _selector(own) for own in selectors},
    }
    data = msgspec.json.format(canonical(plain_parts(told)), indent=1)
    return {"evidence.json": data + b"\n"}


def numbers(own: SelectorEvidence, samples: Sequence[RunRecord]) -> dict[str, dict[str, Any]]:
    """Return path → value, unit and n of what a sample set measured, statistics among them."""
    stems = {path for record in samples for path, _, _ in numbers_of(record)}
    values, _ = gather(values_of(own.selector, samples[-1], samples))
    return {
        path: {"value": value.value, "unit": value.unit, "n": value.n}
        for path, value in values.items()
        if path in stems or path.rpartition(".")[0] in stems
    }


def _selector(own: SelectorEvidence) -> dict[str, Any]:
    record = own.measured
    return {
        "title": own.selector.title,
        "proves": own.selector.proves,
        "outcome": own.latest.outcome.value if own.latest else "not_measured",
        "freshness": own.freshness.state.value,
        "reasons": [plain(str(reason)) for reason in own.freshness.reasons],
        "machine_class": record.machine_class if record else None,
        "values": numbers(own, own.samples) if record else {},
        "guardrails": {j.metric: j.verdict.value for j in own.judgements},
        "classes": {name: _samples(own, samples) for name, samples in own.classes.items()},
    }


def _samples(own: SelectorEvidence, samples: Sequence[RunRecord]) -> dict[str, Any]:
    record = samples[-1]
    return {
        "records": [sample.id for sample in samples],
        "measured": record.started,
        "commit": record.commit.id if record.commit else None,
        "source": record.source,
        "citations": [cited(s.citation) for s in samples if s.citation is not None],
        "environment": {f"{kind}.{name}": v.value for kind, name, v in facts_of(record)},
        "values": numbers(own, samples),
    }
