"""Every path below a selector that a page may cite."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from .concealed import shown_value
from .declared import MEASURED, Selector
from .plain import plain
from .record import Citation, RunRecord
from .statistics import Summary, summarise
from .units import parse_quantity
from .values import Value

__all__ = [
    "SPREADS", "Stated", "cited", "could_be", "facts_of", "gather", "numbers_by_path",
    "numbers_of", "summary_of", "values_of",
]  # fmt: skip

#: Statistics that take two runs.
SPREADS = frozenset({"range", "stdev", "cv"})

_UNCITABLE = re.compile(r"[^A-Za-z0-9_-]+")
_COUNTS = frozenset({"n"})

#: What a path may begin with, beside what is measured of every run: statements, groups of names.
_STATEMENTS = frozenset(
    {"date", "started", "machine_class", "command", "commit", "tests", "source", "citation"}
)
_GROUPS = frozenset({"stages", "metrics", "environment", "properties"})


class Stated(NamedTuple):
    """A value, its path, and the longer path that means it alone."""

    path: str
    own: str
    value: Value


def gather(stated: Iterable[Stated]) -> tuple[dict[str, Value], dict[str, list[str]]]:
    """Return the values that a path means, and the paths that would mean several.

    Examples:
        >>> facts = [Stated("environment.torch", "environment.package.torch", Value("2.2")),
        ...          Stated("environment.torch", "environment.fact.torch", Value("2.2+cpu"))]
        >>> values, ambiguous = gather(facts)
        >>> sorted(values)
        ['environment.fact.torch', 'environment.package.torch']
        >>> ambiguous["environment.torch"]
        ['environment.package.torch', 'environment.fact.torch']
    """
    by_path: dict[str, dict[str, Value]] = {}
    for path, own, value in stated:
        by_path.setdefault(path, {})[own] = value
    values: dict[str, Value] = {}
    ambiguous: dict[str, list[str]] = {}
    for path, meanings in by_path.items():
        values |= meanings
        if len({str(value.value) for value in meanings.values()}) > 1:
            ambiguous[path] = list(meanings)
        else:
            values[path] = next(iter(meanings.values()))
    return values, ambiguous


def values_of(
    selector: Selector, measured: RunRecord | None, samples: Sequence[RunRecord]
) -> Iterator[Stated]:
    """Yield every value: what is declared, then what the sample set measured.

    Args:
        selector: The declaration.
        measured: The newest measurement.
        samples: Its sample set.
    """
    yield _one("title", Value(selector.title or selector.name, n=0))
    yield _one("timeout", Value(selector.timeout, "s", 0))
    yield _one("retries", Value(selector.retries, n=0))
    for metric, guardrail in selector.guardrails.items():
        for bound in ("fail", "warn", "minimum", "tolerance"):
            if (text := getattr(guardrail, bound)) is not None:
                limit = parse_quantity(text, any_unit=True)
                yield _one(f"guardrails.{metric}.{bound}", Value(*limit, n=0))
    if measured is None:
        return
    statements = (_one(path, value) for path, value in _statements(measured))
    for path, own, value in chain(statements, _environment(measured), _properties(measured)):
        yield Stated(path, own, value._replace(n=len(samples), newest=True))
    for path, found in numbers_by_path(samples).items():
        for name, value in _statistics(path, found):
            yield _one(name, value)


def could_be(path: str) -> bool:
    """Whether a measurement might have `path`, a path below a selector that has none yet.

    Examples:
        >>> [could_be(path) for path in ("duration.mean", "metrics.x", "durration", "duration.men")]
        [True, True, False, False]
    """
    head, _, rest = path.partition(".")
    if head in MEASURED:
        return not rest or rest in Summary._fields
    return bool(rest) if head in _GROUPS else head in _STATEMENTS and not rest


def _one(path: str, value: Value) -> Stated:
    return Stated(path, path, value)


def _statements(record: RunRecord) -> Iterator[tuple[str, Value]]:
    yield "date", Value(record.started[:10])
    yield "started", Value(record.started)
    yield "machine_class", Value(record.machine_class)
    yield "command", Value(" ".join(record.command))
    if record.commit is not None:
        yield "commit", Value(record.commit.id[:7] + (" (modified)" if record.commit.dirty else ""))
    yield "tests", Value(len(record.tests))
    yield "source", Value(record.source)
    if record.citation is not None:
        yield "citation", Value(cited(record.citation))


def facts_of(record: RunRecord) -> Iterator[tuple[str, str, Value]]:
    """Yield kind, name and value of all that is known about where `record` was measured."""
    machine = record.machine
    for key in ("system", "architecture", "cpu", "isa", "cores", "accelerator"):
        if (fact := getattr(machine, key)) is not None:
            yield "machine", key, Value(fact)
    if machine.memory_mib is not None:
        yield "machine", "memory", Value(machine.memory_mib / 1024, "GiB")
    if record.inputs.python:
        yield "machine", "python", Value(record.inputs.python)
    for name, version in record.inputs.packages.items():
        if " " in name:  # an import that found nothing is an input, and no distribution
            continue
        yield "package", plain(name), Value(plain(version))
    for name, text in record.inputs.variables.items():
        yield "variable", plain(name), Value(shown_value(plain(text)))
    for name, fact in record.environment.items():
        yield "fact", name, Value(fact)


def cited(citation: Citation) -> str:
    """Return a citation as pages and commands print it."""
    return f"{citation.file}, line {citation.line} (SHA-256 {citation.sha256[:12]})"


def _environment(record: RunRecord) -> Iterator[Stated]:
    for kind, name, value in facts_of(record):
        yield Stated(f"environment.{name}", f"environment.{kind}.{name}", value)


def _properties(record: RunRecord) -> Iterator[Stated]:
    for result in record.tests:
        test = _UNCITABLE.sub("-", result.nodeid.rpartition("::")[2])
        for key, told in result.properties.items():
            value = Value(told if told is not None else "")
            yield Stated(f"properties.{key}", f"properties.{test}.{key}", value)


def numbers_of(record: RunRecord) -> Iterator[tuple[str, float, str]]:
    """Yield path, value and unit of every number that `record` measured."""
    durations, resources = record.durations, record.resources
    found = (
        durations.duration, durations.duration_call, durations.wall, resources.cpu_s,
        resources.peak_rss_mib,
    )  # fmt: skip
    for (path, unit), value in zip(MEASURED.items(), found, strict=True):
        if value is not None:
            yield path, value, unit
    seconds: dict[str, float] = {}
    for stage in record.stages:  # a stage that was entered twice took the sum
        seconds[stage.name] = seconds.get(stage.name, 0.0) + stage.seconds
    for name, value in seconds.items():
        yield f"stages.{name}", value, "s"
    for name, metric in record.metrics.items():
        yield f"metrics.{name}", metric.value, metric.unit


def numbers_by_path(records: Iterable[RunRecord]) -> dict[str, list[tuple[float, str]]]:
    """Return path → value and unit of each record that measured it."""
    found: dict[str, list[tuple[float, str]]] = {}
    for record in records:
        for path, value, unit in numbers_of(record):
            found.setdefault(path, []).append((value, unit))
    return found


def _statistics(path: str, found: list[tuple[float, str]]) -> Iterator[tuple[str, Value]]:
    unit = found[-1][1]
    values = [value for value, of in found if of == unit]
    summary = summarise(values)
    yield path, Value(values[-1], unit, summary.n, newest=True)
    for name, number in summary._asdict().items():
        if number is not None and math.isfinite(number):
            its_unit = "1" if name in _COUNTS else "%" if name == "cv" else unit
            yield f"{path}.{name}", Value(number, its_unit, summary.n)


def summary_of(records: Sequence[RunRecord], metric: str) -> tuple[Summary, str] | None:
    """Summarise a number over a sample set, with its unit; None when it was not measured."""
    paths = {metric} if metric in MEASURED else {metric, f"metrics.{metric}"}
    found = [
        (value, unit)
        for record in records
        for path, value, unit in numbers_of(record)
        if path in paths
    ]
    if not found or len({unit for _, unit in found}) != 1:
        return None
    return summarise([value for value, _ in found]), found[0][1]
