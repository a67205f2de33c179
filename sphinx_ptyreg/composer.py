"""From what a child process left behind to its record; every text is cleaned on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from . import environment
from .artifacts import admit
from .cleaning import Cleaner
from .declared import Project, Selector
from .fingerprints import Fingerprints, private_name
from .journal import events
from .outcome import judge_run, judge_tests
from .process import Finished
from .reads import Here, capture, changed_since
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
from .trace import LOG_NAME, read_trace

__all__ = ["Run", "compose"]

#: Characters of the output that a record keeps for its panel; the artifact ``log`` has more.
_TAIL = 6000


class Run(NamedTuple):
    """How a selector was run and how that ended."""

    argv: list[str]
    here: Here
    started: str
    started_ns: int
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
    trace = read_trace(folder / LOG_NAME)
    inputs = capture(project, selector, trace, run.here, Fingerprints(project.root))
    changed = changed_since(inputs, project.root, run.started_ns)
    if outcome is Outcome.PASSED and changed:
        outcome, reason = Outcome.NOT_MEASURED, f"{changed} changed while it ran"
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
        stages=[Stage(name=e["name"], seconds=e["seconds"]) for e in by_kind.get("stage", [])],
        metrics={
            e["name"]: Metric(value=e["value"], unit=clean(e["unit"], 100) or "1")
            for e in by_kind.get("metric", [])
        },
        artifacts=dict(_artifacts(folder, by_kind.get("artifact", []), clean)),
        tests=[_cleaned(test, clean) for test in tests],
        machine=environment.machine(),
        machine_class=environment.machine_class(environment.machine(), run.here.variables),
        environment={k: clean(v, 1000) if isinstance(v, str) else v for k, v in facts.items()},
        inputs=_cleaned_inputs(inputs, clean),
        output=clean(output)[-_TAIL:],
    )


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
        yield name, artifact


def _cleaned_inputs(inputs: Inputs, clean: Cleaner) -> Inputs:
    """Clean what is text from outside: variables, untraced commands, and names that tell."""

    def named(path: str) -> str:
        return path if clean(path) == path else private_name(path)

    unseen = [clean(reason, 200) for reason in inputs.unseen]
    if any(clean(path) != path for path in (*inputs.listings, *inputs.sections)):
        unseen.append("a folder with a private name was listed")
    return msgspec.structs.replace(
        inputs,
        files={named(path): digest for path, digest in inputs.files.items()},
        existence={named(path): there for path, there in inputs.existence.items()},
        links={named(path): digest for path, digest in inputs.links.items()},
        listings={path: d for path, d in inputs.listings.items() if clean(path) == path},
        sections={path: d for path, d in inputs.sections.items() if clean(path) == path},
        outputs=[named(path) for path in inputs.outputs],
        variables={name: clean(value) for name, value in inputs.variables.items()},
        unseen=unseen,
    )


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
