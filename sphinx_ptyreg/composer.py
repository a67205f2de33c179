"""From what a child process left behind to its record; every text is cleaned on the way."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import environment
from .artifacts import admit
from .cleaning import Cleaner
from .declared import Project, Selector
from .fingerprints import Fingerprints
from .journal import events
from .meanwhile import changes
from .outcome import judge_run, judge_tests
from .process import Finished
from .reads import Here, capture
from .record import (
    SCHEMA,
    Artifact,
    Durations,
    Inputs,
    Metric,
    Outcome,
    RunRecord,
    Stage,
    TestResult,
)
from .revision import commit_of
from .trace import LOG_NAME, Trace, read_trace

__all__ = ["Run", "compose"]

#: Characters of the output that a record keeps for its panel; the artifact ``log`` has more.
_TAIL = 6000

#: Nanoseconds that a file's time stamp may be behind the clock.
_COARSE_NS = 20_000_000


class Run(NamedTuple):
    """How a selector was run and how that ended."""

    argv: list[str]
    here: Here
    started: str
    started_ns: int
    before: Mapping[str, str]
    finished: Finished
    warmup: bool
    attempt: int


def compose(
    project: Project, selector: Selector, run: Run, clean: Cleaner, folder: Path
) -> RunRecord:
    """Compose the record of a run that has ended.

    Args:
        project: Where it ran.
        selector: What ran.
        run: How it was run and how it ended.
        clean: Cleans every text on its way in.
        folder: What the child left: events, output and copies of its artifacts, which are
            cleaned in place and renamed to their SHA-256.
    """
    journal = list(events(folder))
    tests = judge_tests(journal)
    outcome, reason = judge_run(journal, tests, run.finished.ending, selector.nodeids)
    trace = read_trace(folder / LOG_NAME, lambda path: _is_older(project.root / path, run))
    prints = Fingerprints(project.root)
    inputs = capture(project, selector, trace, run.here, prints, clean)
    if outcome is Outcome.PASSED and (changed := _changed(project, selector, trace, run, inputs)):
        outcome, reason = Outcome.NOT_MEASURED, changed
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for event in journal:
        by_kind.setdefault(event["event"], []).append(event)
    last = by_kind.get("session_finish", [{}])[0]
    output = (folder / "output.log").read_bytes()
    facts = {k: v for e in by_kind.get("environment", []) for k, v in e["facts"].items()}
    return RunRecord(
        schema=SCHEMA,
        selector=selector.name,
        started=run.started,
        outcome=outcome,
        reason=clean(reason, 2000),
        source="run",
        command=[selector.python or "python", *(clean(part) for part in run.argv[1:])],
        exit_code=run.finished.ending.exit_code,
        attempt=run.attempt,
        warmup=run.warmup,
        commit=commit_of(project.root, inputs.files),
        durations=Durations(
            duration=last.get("seconds"),
            duration_call=sum(test.seconds or 0.0 for test in tests) if tests else None,
            wall=run.finished.wall,
        ),
        resources=run.finished.resources,
        stages=[
            Stage(name=_named(e["name"], clean), seconds=e["seconds"])
            for e in by_kind.get("stage", [])
        ],
        metrics={
            _named(e["name"], clean): Metric(value=e["value"], unit=clean(e["unit"], 100) or "1")
            for e in by_kind.get("metric", [])
        },
        artifacts=dict(_artifacts(folder, by_kind.get("artifact", []), clean)),
        tests=[_cleaned(test, clean) for test in tests],
        machine=environment.machine(),
        machine_class=environment.machine_class(environment.machine(), run.here.variables),
        environment={
            _named(name, clean): clean(fact, 1000) if isinstance(fact, str) else fact
            for name, fact in facts.items()
        },
        inputs=inputs,
        output=clean(output)[-_TAIL:],
    )


def _is_older(file: Path, run: Run) -> bool:
    """Whether a file was not written by a run; time stamps are coarser than the clock."""
    try:
        status, own = file.stat(), file.lstat()
        stamp = max(status.st_ctime_ns, own.st_ctime_ns)
        return stat.S_ISREG(status.st_mode) and stamp < run.started_ns - _COARSE_NS
    except OSError:
        return False


def _changed(project: Project, selector: Selector, trace: Trace, run: Run, inputs: Inputs) -> str:
    """Say what changed while it ran; nothing when nothing did."""
    prints = Fingerprints(project.root)
    files = [prints.meant(path) for path in inputs.files]
    ignored = prints.matching(selector.ignore)
    found = changes(files, trace, project.root, run.started_ns, run.before, ignored)
    changed = next(found, "")
    if not changed:
        return ""
    return f"{changed} changed while it ran. If the run itself writes it, name it in `ignore`."


def _artifacts(
    folder: Path, events: list[dict[str, Any]], clean: Cleaner
) -> Iterator[tuple[str, Artifact]]:
    kept = folder / "artifacts"
    kept.mkdir(exist_ok=True)
    log = kept / "log"
    log.write_bytes((folder / "output.log").read_bytes())
    handed = {"log": (log, "Output of the run", 64 * 1024)}
    handed |= {e["name"]: (kept / e["sha256"], e["title"], None) for e in events}
    for name, (file, title, limit) in handed.items():
        artifact = admit(file, title=title, clean=clean, limit=limit)
        target = kept / artifact.sha256
        if target != file:
            target.write_bytes(file.read_bytes())
        yield _named(name, clean), artifact


def _named(name: str, clean: Cleaner) -> str:
    """Clean a name that pages cite: ``psnr_alice`` becomes ``psnr_user``."""
    return name if clean(name) == name else "".join(re.findall(r"[A-Za-z0-9_-]+", clean(name)))


def _cleaned(test: TestResult, clean: Cleaner) -> TestResult:
    properties = {
        clean(name, 200): clean(value, 1000) if isinstance(value, str) else value
        for name, value in test.properties.items()
    }
    return TestResult(
        nodeid=clean(test.nodeid, 1000),
        outcome=test.outcome,
        seconds=test.seconds,
        properties=properties,
    )
