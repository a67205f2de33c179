"""The JSON that pytest-benchmark writes with ``--benchmark-json`` or ``--benchmark-save``."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ..plain import brief
from ..record import NAME, Commit, Machine, Metric, Outcome, TestResult
from .naming import stems, united
from .reported import Reported, ReportError, Scalar, metrics_of, moment, seconds
from .secrets import without_secrets_in
from .sources import text_of
from .wanted import Wanted

__all__ = ["read_benchmark"]

_COMMIT = re.compile(r"[0-9a-f]{7,64}")

#: Statistic → unit.
_STATISTICS = {
    "min": "s", "max": "s", "mean": "s", "stddev": "s", "median": "s", "ops": "1/s", "rounds": "1",
}  # fmt: skip


class _Benchmark(msgspec.Struct):
    fullname: str
    name: str
    stats: dict[str, Any]
    extra_info: dict[str, Any] = {}


class _File(msgspec.Struct):
    benchmarks: list[_Benchmark]
    version: str
    machine_info: dict[str, Any] = {}
    commit_info: dict[str, Any] = {}
    datetime: str = ""


def read_benchmark(data: bytes, wanted: Wanted) -> Reported:
    """Read the selector's benchmarks: ``TEST_min``, ``TEST_median`` … become metrics.

    Raises:
        ReportError: It is no such file, has none of the selector's tests, or one of them twice.
    """
    text = text_of(data)
    try:
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ReportError(f"Expected pytest-benchmark's JSON, but got: {brief(error)}.") from error
    chosen = [each for each in file.benchmarks if wanted.has(each.fullname)]
    if not chosen:
        known = [each.fullname for each in file.benchmarks]
        raise ReportError(
            f"Expected a benchmark of {' or '.join(wanted.nodeids) or 'any test'}, but got "
            f"{', '.join(known[:3]) or 'none'}{' …' if len(known) > 3 else ''}."
        )
    nodeids = [each.fullname for each in chosen]
    if len(set(nodeids)) < len(nodeids):
        twice = next(nodeid for nodeid in nodeids if nodeids.count(nodeid) > 1)
        raise ReportError(
            f"Expected each benchmark once, but got {twice} twice. Import each session's file."
        )
    machine = file.machine_info
    median = seconds(chosen[0].stats.get("median"))
    told = "" if median is None else f": median {median:.4g} s"
    return Reported(
        line=_line_of(text, chosen[0].fullname),
        excerpt=f"{chosen[0].fullname}{told}, rounds {chosen[0].stats.get('rounds', 'not told')}",
        outcome=Outcome.PASSED,
        started=moment(file.datetime),
        tests=tuple(
            TestResult(
                nodeid=each.fullname, outcome=Outcome.PASSED, seconds=None, properties=_extra(each)
            )
            for each in chosen
        ),
        metrics=_metrics(chosen),
        machine=_machine(machine),
        python=_text(machine.get("python_version")) or "",
        packages={"pytest-benchmark": file.version},
        commit=_commit(file.commit_info),
        names=frozenset(
            name
            for table in (machine, file.commit_info)
            for key, value in table.items()
            if (key == "node" or key.startswith(("author", "committer")))
            and (name := _text(value))
            and moment(name) is None
        ),
    )


def _metrics(chosen: list[_Benchmark]) -> dict[str, Metric]:
    stem = stems({each.fullname: (_places(each.fullname), each.name) for each in chosen})
    return united((each.fullname, _statistics(each, stem[each.fullname])) for each in chosen)


def _places(fullname: str) -> list[str]:
    """Return the folders, the file and the class of a test."""
    path, *inside = fullname.partition("[")[0].split("::")
    return [*path.removesuffix(".py").split("/"), *inside[:-1]]


def _statistics(benchmark: _Benchmark, stem: str) -> dict[str, Metric]:
    """Return one benchmark's metrics; what the test added under a statistic's name is left out."""
    rounds = benchmark.stats.get("rounds")
    found = metrics_of(_extra(benchmark), f"{stem}_")
    for name, unit in _STATISTICS.items():
        value = seconds(benchmark.stats.get(name))
        if value is None or (name == "stddev" and rounds in {0, 1}):  # one round has no spread
            continue
        found[f"{stem}_{name}"] = Metric(value=value, unit=unit)
    return {name: metric for name, metric in found.items() if NAME.fullmatch(name)}


def _extra(benchmark: _Benchmark) -> dict[str, Scalar]:
    return {
        name: value if isinstance(value, str | int | float | bool) or value is None else str(value)
        for name, value in without_secrets_in(benchmark.extra_info).items()
    }


def _machine(told: dict[str, Any]) -> Machine:
    cpu = told.get("cpu")
    cpu = cpu if isinstance(cpu, dict) else {}
    cores = cpu.get("count")
    return Machine(
        system=_text(told.get("system")),
        architecture=_text(told.get("machine")),
        cpu=_text(cpu.get("brand_raw")) or _text(cpu.get("brand")),
        cores=cores if isinstance(cores, int) and not isinstance(cores, bool) else None,
    )


def _commit(told: dict[str, Any]) -> Commit | None:
    id_ = _text(told.get("id")) or ""
    if not _COMMIT.fullmatch(id_):
        return None
    return Commit(id=id_, dirty=bool(told.get("dirty")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _line_of(text: str, fullname: str) -> int:
    place = text.find(msgspec.json.encode(fullname).decode())
    return text.count("\n", 0, max(place, 0)) + 1
