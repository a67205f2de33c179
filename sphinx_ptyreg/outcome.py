"""From the events of a child process to one outcome, and the reason in words."""

from __future__ import annotations

import os
import posixpath
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .record import Outcome, TestResult

__all__ = ["Ending", "Verdict", "judge_run", "judge_tests"]

#: Worst first: a run is as good as its worst test.
_WORST = (
    Outcome.ERROR, Outcome.FAILED, Outcome.XPASSED, Outcome.INTERRUPTED, Outcome.NOT_MEASURED,
)  # fmt: skip
_WHY = {
    Outcome.INTERRUPTED: " did not come to its end",
    Outcome.NOT_MEASURED: " has no call phase, or was run again after it had failed",
}

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
    """Fold pytest's setup, call and teardown reports into one result a test.

    Node ids are told from pytest's own root; here they are those that the project would write.
    """
    phases: dict[str, dict[str, Mapping[str, Any]]] = {}
    again: set[str] = set()
    root = "."
    for event in events:
        if event["event"] == "session_start":
            root = event.get("root", ".")
        elif event["event"] == "test_start":
            nodeid = _from_project(event["nodeid"], root)
            if phases.get(nodeid) and _one(phases[nodeid]) is not Outcome.PASSED:
                again.add(nodeid)
            phases[nodeid] = {}
        elif event["event"] == "test":
            nodeid = _from_project(event["nodeid"], root)
            if event["outcome"] == "rerun":
                again.add(nodeid)
            phases.setdefault(nodeid, {})[event["when"]] = event
    return [
        TestResult(
            nodeid=nodeid,
            outcome=Outcome.NOT_MEASURED if nodeid in again else _one(by_phase),
            seconds=by_phase["call"]["seconds"] if "call" in by_phase else 0.0,
            properties=dict(by_phase.get("teardown", {}).get("properties", [])),
        )
        for nodeid, by_phase in phases.items()
    ]


def _from_project(nodeid: str, root: str) -> str:
    """Spell a node id, told from pytest's root, from the project's root."""
    if root == ".":
        return nodeid
    path, found, rest = nodeid.partition("::")
    return posixpath.normpath(posixpath.join(root.replace(os.sep, "/"), path)) + found + rest


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
    if "call" not in phases:  # --setup-only
        return Outcome.NOT_MEASURED
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
    return _judge_tests_of_run(events, tests, code, wanted, during)


def _judge_tests_of_run(
    events: Sequence[Mapping[str, Any]],
    tests: list[TestResult],
    code: int,
    wanted: tuple[str, ...],
    during: str,
) -> Verdict:
    root = next((e.get("root", ".") for e in events if e["event"] == "session_start"), ".")
    told = [e["nodeid"] for e in events if e["event"] == "collect_skipped"]
    skipped = [_from_project(nodeid, root) for nodeid in told]
    if (code == _NO_TESTS_COLLECTED or not tests) and not skipped:
        return Verdict(Outcome.NOT_COLLECTED, "pytest collected no test")
    bad = _worst_of(tests) or _cut_short(events, during)
    if bad is not None:
        return bad
    for name in wanted or ("",):
        if (bad := _unproven(name, tests, skipped)) is not None:
            return bad
    if code not in {0, _NO_TESTS_COLLECTED}:
        return Verdict(Outcome.ERROR, f"pytest ended with exit code {code}")
    return Verdict(Outcome.PASSED, "")


def _cut_short(events: Sequence[Mapping[str, Any]], during: str) -> Verdict | None:
    """Return why a session is not whole; None when it ran all that it had chosen."""
    if not any(event["event"] == "session_finish" for event in events):
        return Verdict(Outcome.INTERRUPTED, f"pytest did not come to its end{during}")
    ran = {event["nodeid"] for event in events if event["event"] == "test"}
    chosen = (n for event in events if event["event"] == "collected" for n in event["nodeids"])
    missed = next((nodeid for nodeid in chosen if nodeid not in ran), None)
    return Verdict(Outcome.INTERRUPTED, f"{missed} was not run") if missed else None


def _never_started(code: int) -> Verdict:
    if code == 0:
        return Verdict(Outcome.NOT_MEASURED, "the plugin ptyreg was not loaded in the child")
    if code == 4:  # pytest's usage error: a bad option, or a conftest.py that cannot be imported
        return Verdict(Outcome.IMPORT_ERROR, "pytest could not start (exit code 4)")
    return Verdict(Outcome.NOT_MEASURED, f"pytest did not start (exit code {code})")


def _worst_of(tests: list[TestResult]) -> Verdict | None:
    """Return what the worst test makes of the run; None when none is bad by itself."""
    for outcome in _WORST:
        guilty = [test.nodeid for test in tests if test.outcome is outcome]
        if guilty:
            more = f" and {len(guilty) - 1} more" if len(guilty) > 1 else ""
            why = _WHY.get(outcome, "")
            return Verdict(outcome, f"{guilty[0]}{why}{more}")
    return None


def _unproven(name: str, tests: list[TestResult], skipped: list[str]) -> Verdict | None:
    """Return why a node id of the selector is not measured; None when a test of it passed.

    Args:
        name: The node id: a test, a class, a file or a folder; nothing for a marker expression.
        tests: All results.
        skipped: Files that were skipped as a whole.
    """
    path, found, rest = name.partition("::")
    path = posixpath.normpath(path) if path else ""
    mine = [test for test in tests if _belongs(test.nodeid, path, found + rest)]
    for outcome in (Outcome.SKIPPED, Outcome.XFAILED):
        guilty = [test.nodeid for test in mine if test.outcome is outcome]
        exact = [g for g in guilty if g == path + found + rest or g.startswith(f"{path}::{rest}[")]
        if guilty and ((found and exact) or len(guilty) == len(mine)):
            return Verdict(outcome, ((found and exact) or guilty)[0])
    if any(test.outcome is Outcome.PASSED for test in mine):
        return None
    if mine:
        return Verdict(mine[0].outcome, mine[0].nodeid)
    if left := [file for file in skipped if not path or _belongs(file, path, "")]:
        return Verdict(Outcome.SKIPPED, left[0])
    return Verdict(Outcome.NOT_COLLECTED, f"no test of {name} was run: it was deselected")


def _belongs(nodeid: str, path: str, rest: str) -> bool:
    """Whether a test is meant by a node id, of which `rest` stands behind the file's path."""
    if not path:
        return True
    file, found, inside = nodeid.partition("::")
    if not rest:
        return path in {".", file} or file.startswith(f"{path}/")
    return file == path and (
        found + inside == rest or (found + inside).startswith((f"{rest}[", f"{rest}::"))
    )


def _signal(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return f"signal {-(code or 0)}"
