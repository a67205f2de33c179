"""From what a report tells to a record; every text is cleaned on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..record import (
    SCHEMA,
    Artifact,
    Citation,
    Durations,
    Inputs,
    Machine,
    Metric,
    Resources,
    RunRecord,
    TestResult,
)
from .foreign import ForeignCleaner, tells_who
from .reported import Reported
from .sources import Source

__all__ = ["compose_import"]

_UNKNOWN = "imported: what it depended on is not known"


def compose_import(
    selector: str, source: Source, report: Reported, clean: ForeignCleaner, batch: str,
    machine_class: str, artifacts: dict[str, Artifact], started: str,
) -> RunRecord:  # fmt: skip
    """Compose the record of one report.

    Args:
        selector: Whose run it tells of.
        source: The report's file.
        report: What it tells.
        clean: Cleans what it tells.
        batch: What decides the sample set: the reports that were imported together.
        machine_class: Where it was measured, as the user names it.
        artifacts: What is kept beside the record.
        started: When it was measured.
    """
    return RunRecord(
        schema=SCHEMA,
        selector=selector,
        started=started,
        outcome=report.outcome,
        reason=clean(report.reason, 2000),
        source="import",
        command=[],
        exit_code=None,
        attempt=1,
        warmup=False,
        commit=report.commit,
        durations=Durations(duration=report.duration, duration_call=None, wall=None),
        resources=Resources(),
        stages=[],
        metrics={
            name: Metric(value=metric.value, unit=metric.unit)
            for name, metric in report.metrics.items()
            if clean(name, 200) == name
        },
        artifacts=artifacts,
        tests=[_test(test, clean) for test in report.tests],
        machine=_machine(report.machine, clean),
        machine_class=machine_class,
        environment=_told(report.facts, clean),
        inputs=Inputs(
            declaration=batch,
            files={},
            packages={clean(name, 200): clean(v, 200) for name, v in report.packages.items()},
            python=clean(report.python, 200),
            unseen=[_UNKNOWN],
        ),
        output=clean(report.text)[-6000:],
        citation=Citation(
            file=clean(source.name, 200),
            line=report.line,
            excerpt=clean(report.excerpt, 300),
            sha256=source.sha256,
            kind=source.kind.value,
        ),
    )


def _test(test: TestResult, clean: ForeignCleaner) -> TestResult:
    return TestResult(
        nodeid=clean(test.nodeid, 1000),
        outcome=test.outcome,
        seconds=test.seconds,
        properties=_told(test.properties, clean),
    )


def _machine(machine: Machine, clean: ForeignCleaner) -> Machine:
    parts = msgspec.structs.asdict(machine)
    told = {k: clean(v, 200) if isinstance(v, str) else v for k, v in parts.items()}
    return msgspec.convert(told, Machine)


def _told(facts: Mapping[str, Any], clean: ForeignCleaner) -> dict[str, Any]:
    return {
        clean(name, 200): clean.field(name, value)
        for name, value in facts.items()
        if not tells_who(name)
    }
