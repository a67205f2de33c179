"""JUnit XML, as ``pytest --junitxml`` and other runners write it."""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

from ..record import Metric, Outcome, TestResult
from .reported import (
    Reported,
    ReportError,
    Scalar,
    by_worst,
    metrics_of,
    moment,
    seconds,
    slug,
    typed,
)
from .wanted import Wanted

__all__ = ["read_junit"]

_DEPTH = 40

#: What a citation keeps of an element; a suite also tells its host.
_CITED = ("classname", "name", "tests", "errors", "failures", "skipped", "time", "timestamp")


class _Case:
    """A test case while it is read."""

    def __init__(self, attributes: Mapping[str, str], line: int, suite: int) -> None:
        self.attributes, self.line, self.suite = attributes, line, suite
        self.outcome = Outcome.PASSED
        self.properties: dict[str, Scalar] = {}


class _Reader:
    """Collects suites and cases while expat reads."""

    def __init__(self) -> None:
        self.suites: list[tuple[Mapping[str, str], int]] = []
        self.cases: list[_Case] = []
        self.facts: dict[str, Scalar] = {}
        self._open: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = lambda _name: self._open.pop()
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.ExternalEntityRefHandler = self._refuse

    @staticmethod
    def _refuse(*_: object) -> int:
        raise ReportError("Expected XML without a document type, but it declares one.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line, parent = self.parser.CurrentLineNumber, self._open[-1:] or [""]
        self._open.append(name)
        if len(self._open) > _DEPTH:
            raise ReportError(f"Expected at most {_DEPTH} elements in each other, but got more.")
        if len(self._open) == 1 and name not in {"testsuites", "testsuite"}:
            raise ReportError(f"Expected JUnit XML, but its first element is {name[:40]!r}.")
        if name == "testsuite":
            self.suites.append((attributes, line))
        elif name == "testcase":
            self.cases.append(_Case(attributes, line, len(self.suites) - 1))
        elif name == "property":
            key, value = attributes.get("name", ""), typed(attributes.get("value", ""))
            inside = self.cases and "testcase" in self._open
            (self.cases[-1].properties if inside else self.facts)[key] = value
        elif name in {"failure", "error", "skipped"} and parent == ["testcase"]:
            case = self.cases[-1]
            told = {"failure": Outcome.FAILED, "error": Outcome.ERROR, "skipped": Outcome.SKIPPED}
            expected = attributes.get("type") == "pytest.xfail"
            outcome = Outcome.XFAILED if expected else told[name]
            passed = case.outcome is Outcome.PASSED
            case.outcome = outcome if passed else by_worst([("", case.outcome), ("", outcome)])[0]


def read_junit(data: bytes, wanted: Wanted) -> Reported:
    """Read the selector's test cases, with what ``record_property`` told.

    The session's time is taken when the suite has no other tests; the sum of the cases' times
    (with set-up and tear-down, as pytest counts them there) is the metric ``junit_time``.

    Raises:
        ReportError: It is no JUnit XML, declares a document type, or has none of these tests.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ReportError(f"Expected XML, but got: {error}.") from error
    chosen: dict[str, _Case] = {}
    for case in reader.cases:
        nodeid = wanted.nodeid(
            case.attributes.get("classname", ""), case.attributes.get("name", "")
        )
        if nodeid is None:
            continue
        if nodeid in chosen:  # an error in tear-down is told as a case of its own
            worst = by_worst([("", chosen[nodeid].outcome), ("", case.outcome)])[0]
            chosen[nodeid].outcome = worst
        else:
            chosen[nodeid] = case
    if not chosen:
        known = [
            ".".join(filter(None, map(c.attributes.get, ("classname", "name"))))
            for c in reader.cases
        ]
        raise ReportError(
            f"Expected a test case of {' or '.join(wanted.nodeids) or 'any test'}, but got "
            f"{', '.join(known[:3]) or 'none'}{' …' if len(known) > 3 else ''}."
        )
    suites = sorted({case.suite for case in chosen.values()})
    alone = len(suites) == 1 and sum(c.suite == suites[0] for c in reader.cases) == sum(
        c.suite == suites[0] for c in chosen.values()
    )
    first = next(iter(chosen.values()))
    suite, line = reader.suites[first.suite] if first.suite >= 0 else ({}, first.line)
    element, attributes = ("testsuite", suite) if alone else ("testcase", first.attributes)
    outcome, reason = by_worst(((n, case.outcome) for n, case in chosen.items()), wanted.nodeids)
    return Reported(
        line=line if alone else first.line,
        excerpt=_excerpt(element, attributes),
        outcome=outcome,
        reason=reason,
        started=moment(suite.get("timestamp")),
        duration=seconds(suite.get("time")) if alone else None,
        tests=tuple(
            TestResult(
                nodeid=nodeid, outcome=case.outcome, seconds=seconds(case.attributes.get("time")),
                properties=case.properties,
            )
            for nodeid, case in chosen.items()
        ),
        metrics=_metrics(chosen),
        facts={key: value for key, value in reader.facts.items() if value is not None},
        names=frozenset(filter(None, (suite.get("hostname") for suite, _ in reader.suites))),
    )  # fmt: skip


def _metrics(chosen: dict[str, _Case]) -> dict[str, Metric]:
    times = [seconds(case.attributes.get("time")) for case in chosen.values()]
    found: dict[str, Metric] = {}
    if None not in times:
        found |= metrics_of({"junit_time": f"{sum(filter(None, times))!r} s"})
    for case in chosen.values():
        test = "" if len(chosen) == 1 else slug(case.attributes.get("name", "")) + "_"
        found |= metrics_of(case.properties, test)
    return found


def _excerpt(element: str, attributes: Mapping[str, str]) -> str:
    told = "".join(f' {key}="{attributes[key]}"' for key in _CITED if key in attributes)
    return f"<{element}{told}>"
