"""From the events of a child process to one outcome, and the reason in words."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .record import Outcome, TestResult

__all__ = ["Ending", "Verdict", "judge_run", "judge_tests"]

#: Worst first: a run is as good as its worst test.
_WORST = (Outcome.ERROR, Outcome.FAILED, Outcome.XPASSED)

_NO_TESTS_COLLECTED = 5
_INTERRUPTED = 2


class Ending(NamedTuple):
    """How the child process ended; lost when its supervisor was killed."""

    exit_code: int | None
    timed_out: float | None = None
    interrupted: bool = False
    lost: bool = False

    @property
    def is_infrastructure(self) -> bool:
        """Whether the machinery failed and not the test: the one thing worth another try."""
        return self.lost or self.timed_out is not None


class Verdict(NamedTuple):
    """The outcome of a run, why, and the text of the first failure."""

    outcome: Outcome
    reason: str


def judge_tests(events: Iterable[Mapping[str, Any]]) -> list[TestResult]:
    """Fold pytest's setup, call and teardown reports into one result a test."""
    phases: dict[str, dict[str, Mapping[str, Any]]] = {}
    for event in events:
        if event["event"] == "test_start":
            phases[event["nodeid"]] = {}
        elif event["event"] == "test":
            phases.setdefault(event["nodeid"], {})[event["when"]] = event
    return [
        TestResult(
            nodeid=nodeid,
            outcome=_one(by_phase),
            seconds=by_phase["call"]["seconds"] if "call" in by_phase else 0.0,
            properties=dict(by_phase.get("teardown", {}).get("properties", [])),
        )
        for nodeid, by_phase in phases.items()
    ]


def _one(phases: Mapping[str, Mapping[str, Any]]) -> Outcome:
    if any(phases[p]["outcome"] == "failed" for p in ("setup", "teardown") if p in phases):
        return Outcome.ERROR
    told = phases.get("call") or phases.get("setup")
    if told is None or "teardown" not in phases:
        return Outcome.INTERRUPTED
    if told["outcome"] == "failed":
        return Outcome.XPASSED if told["strict_xpass"] else Outcome.FAILED
    if told["outcome"] == "skipped":
        return Outcome.XFAILED if told["wasxfail"] else Outcome.SKIPPED
    return Outcome.XPASSED if told["wasxfail"] else Outcome.PASSED


def judge_run(
    events: Sequence[Mapping[str, Any]],
    tests: list[TestResult],
    ending: Ending,
    wanted: tuple[str, ...],
) -> Verdict:
    """Judge a whole run.

    Args:
        events: What the plugin wrote.
        tests: The results of the single tests.
        ending: How the process ended.
        wanted: The node ids that the selector names; none for a marker expression.
    """
    seen = {event["event"]: event for event in events}
    last = next((e["nodeid"] for e in reversed(events) if e["event"] == "test_start"), "")
    during = f" during {last}" if last and "session_finish" not in seen else ""
    if ending.timed_out is not None:
        return Verdict(
            Outcome.TIMEOUT, f"ended after its timeout of {ending.timed_out:g} s{during}"
        )
    if ending.lost:
        return Verdict(Outcome.CRASHED, f"the supervisor of the run was killed{during}")
    code = ending.exit_code
    if ending.interrupted or (code == _INTERRUPTED and "collect_failed" not in seen):
        return Verdict(Outcome.INTERRUPTED, f"interrupted{during}")
    if code is None or code < 0:
        return Verdict(Outcome.CRASHED, f"ended by {_signal(code)}{during}")
    if "collect_failed" in seen:
        return Verdict(
            Outcome.IMPORT_ERROR, f"{seen['collect_failed']['nodeid']} cannot be collected"
        )
    if "session_start" not in seen:
        return _never_started(code)
    if seen["session_start"]["falsified"]:
        return Verdict(Outcome.NOT_MEASURED, seen["session_start"]["falsified"])
    if code == _NO_TESTS_COLLECTED or not tests:
        return Verdict(Outcome.NOT_COLLECTED, "pytest collected no test")
    return _by_tests(tests, code, wanted)


def _never_started(code: int) -> Verdict:
    if code == 0:
        return Verdict(Outcome.NOT_MEASURED, "the plugin ptyreg was not loaded in the child")
    if code == 4:  # pytest's usage error: a bad option, or a conftest.py that cannot be imported
        return Verdict(Outcome.IMPORT_ERROR, "pytest could not start (exit code 4)")
    return Verdict(Outcome.NOT_MEASURED, f"pytest did not start (exit code {code})")


def _by_tests(tests: list[TestResult], code: int, wanted: tuple[str, ...]) -> Verdict:
    for outcome in _WORST:
        guilty = [test.nodeid for test in tests if test.outcome is outcome]
        if guilty:
            more = f" and {len(guilty) - 1} more" if len(guilty) > 1 else ""
            return Verdict(outcome, f"{guilty[0]}{more}")
    for outcome in (Outcome.SKIPPED, Outcome.XFAILED, Outcome.INTERRUPTED):
        guilty = [test.nodeid for test in tests if test.outcome is outcome]
        named = [g for g in guilty if any(g == w or g.startswith(f"{w}[") for w in wanted)]
        if named or len(guilty) == len(tests):
            return Verdict(outcome, (named or guilty)[0])
    if code != 0:
        return Verdict(Outcome.ERROR, f"pytest ended with exit code {code}")
    return Verdict(Outcome.PASSED, "")


def _signal(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return f"signal {-(code or 0)}"
