"""JUnit XML, as ``pytest --junitxml`` and other runners write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..record import Metric, TestResult
from .naming import stems, united
from .reported import Reported, ReportError, Scalar, by_worst, metrics_of, moment, seconds
from .suites import Case, Suite, read_suites
from .wanted import Wanted

__all__ = ["read_junit"]

#: What a citation keeps of an element; a suite also tells its host.
_CITED = ("classname", "name", "tests", "errors", "failures", "skipped", "time", "timestamp")


def read_junit(data: bytes, wanted: Wanted) -> Reported:
    """Read the selector's test cases, with what ``record_property`` told.

    The session's time is taken when a suite has these tests, those of the suites in it among them,
    and no other; the sum of the cases' times (with set-up and tear-down, as pytest counts them
    there) is the metric ``junit_time``.

    Raises:
        ReportError: It is no JUnit XML, declares a document type, or has none of these tests.
    """
    found = read_suites(data, wanted)
    cases = list(found.cases.values())
    if not cases:
        known = found.others
        raise ReportError(
            f"Expected a test case of {' or '.join(wanted.nodeids) or 'any test'}, but got "
            f"{', '.join(known[:3]) or 'none'}{' …' if len(known) > 3 else ''}."
        )
    session = _session(cases)
    first = cases[0]
    times = [s.attributes.get("timestamp") for s in ([session] if session else [])]
    times += [suite.attributes.get("timestamp") for suite in reversed(first.path)]
    outcome, reason = by_worst(((c.nodeid, c.outcome) for c in cases), wanted.nodeids)
    return Reported(
        line=session.line if session else first.line,
        excerpt=_excerpt("testsuite" if session else "testcase", (session or first).attributes),
        outcome=outcome,
        reason=reason,
        started=next(filter(None, map(moment, times)), None),
        duration=seconds(session.attributes.get("time")) if session else None,
        tests=tuple(
            TestResult(
                nodeid=case.nodeid, outcome=case.outcome,
                seconds=seconds(case.attributes.get("time")), properties=case.properties,
            )
            for case in cases
        ),
        metrics=_metrics(cases),
        facts=_facts(found.suites),
        names=frozenset(filter(None, (s.attributes.get("hostname") for s in found.suites))),
    )  # fmt: skip


def _session(cases: Sequence[Case]) -> Suite | None:
    """Return the outermost suite that has all these tests and no other: its time is theirs."""
    return next(
        (
            suite
            for suite in cases[0].path
            if suite.wanted == suite.cases
            and all(suite in case.path for case in cases)
            and seconds(suite.attributes.get("time")) is not None
        ),
        None,
    )


def _facts(suites: Sequence[Suite]) -> dict[str, str | int | float | bool]:
    """Return what the suites of these tests tell; what two tell otherwise is neither's."""
    facts: dict[str, Scalar] = {}
    for suite in suites:
        if suite.wanted:
            facts = {k: v if suite.facts.get(k, v) == v else None for k, v in facts.items()}
            facts = suite.facts | facts
    return {key: value for key, value in facts.items() if value is not None}


def _metrics(cases: Sequence[Case]) -> dict[str, Metric]:
    times = [seconds(case.attributes.get("time")) for case in cases]
    total: dict[str, Metric] = {}
    if None not in times:
        total = metrics_of({"junit_time": f"{sum(filter(None, times))!r} s"})
    stem = {cases[0].nodeid: ""}
    if len(cases) > 1:
        places = {c.nodeid: (c.attributes.get("classname", "").split("."), _name(c)) for c in cases}
        stem = {nodeid: f"{found}_" for nodeid, found in stems(places).items()}
    return united((
        ("the sum of the times", total),
        *((case.nodeid, metrics_of(case.properties, stem[case.nodeid])) for case in cases),
    ))  # fmt: skip


def _name(case: Case) -> str:
    return case.attributes.get("name", "")


def _excerpt(element: str, attributes: Mapping[str, str]) -> str:
    told = "".join(f' {key}="{attributes[key]}"' for key in _CITED if key in attributes)
    return f"<{element}{told}>"
