"""``runtime_profile.md``: how long it takes, on which machine, within which limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..citable import cited, numbers_of
from ..markdown import cell, table
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from ..statistics import summarise
from ..values import Value, shown

__all__ = ["ended", "written"]

_STATISTICS = ("mean", "median", "min", "max", "range", "stdev")


def written(selectors: Sequence[SelectorEvidence]) -> str:
    """Write the page."""
    lines = ["# Runtime profile", "", "Written by `ptyreg export hub` from recorded runs."]
    for own in selectors:
        lines += ["", *_selector(own)]
    return "\n".join(lines) + "\n"


def _selector(own: SelectorEvidence) -> Iterator[str]:
    selector = own.selector
    yield f"## {cell(selector.title or selector.name)} (`{selector.name}`)"
    if selector.proves:
        yield from ("", f"It proves that {cell(selector.proves)}.")
    if own.failure is not None:
        yield from ("", f"The latest run ended as {ended(own.failure)}")
    for name, samples in own.classes.items():
        yield from ("", f"### On {cell(name)}", "")
        yield from table(("run", "measured", "commit", "duration", "wall", "CPU time",
                          "peak memory", "source"), map(_run, samples))  # fmt: skip
        yield ""
        if len(samples) > 1:
            yield f"Over the n = {len(samples)} runs of the same inputs:"
            yield ""
        yield from _numbers(samples)
    yield from ("", "### Guardrails", "")
    if not own.judgements:
        yield "None is declared."
        return
    measured_on = own.measured.machine_class if own.measured else ""
    yield f"Judged by the mean on {cell(measured_on)}:"
    yield ""
    yield from table(("metric", "bound", "limit", "verdict", ""), (
        (judged.metric, check.bound, check.limit, check.verdict.value, check.note)
        for judged in own.judgements for check in judged.checks
    ))  # fmt: skip


def ended(record: RunRecord) -> str:
    """Say how a run that is no measurement ended, when, where and why."""
    why = f": {cell(record.reason)}" if record.reason else ""
    place = f"{record.started[:10]} on {cell(record.machine_class)}"
    return f"{record.outcome.words} ({place}){why}."


def _run(record: RunRecord) -> tuple[str, ...]:
    values = {path: shown(Value(number, unit)) for path, number, unit in numbers_of(record)}
    commit = record.commit.id[:7] if record.commit else ""
    source = cited(record.citation) if record.citation is not None else record.source
    return (
        record.id, record.started, commit,
        *(values.get(path, "") for path in ("duration", "wall", "cpu_time", "peak_memory")),
        source,
    )  # fmt: skip


def _numbers(samples: Sequence[RunRecord]) -> Iterator[str]:
    found: dict[tuple[str, str], list[float]] = {}
    for record in samples:
        for path, number, unit in numbers_of(record):
            found.setdefault((path, unit), []).append(number)
    if len(samples) == 1:
        yield from table(
            ("measured", "value"),
            ((path, shown(Value(data[0], unit))) for (path, unit), data in found.items()),
        )
        return
    yield from table(("measured", *_STATISTICS, "CV"), (
        _statistics(path, unit, data) for (path, unit), data in found.items()
    ))  # fmt: skip


def _statistics(path: str, unit: str, data: Sequence[float]) -> tuple[str, ...]:
    told = summarise(data)._asdict()
    row = ("" if told[key] is None else shown(Value(told[key], unit)) for key in _STATISTICS)
    return path, *row, "" if told["cv"] is None else shown(Value(told["cv"], "%"))
