"""``ptyreg run``: measure selectors now."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from ..declared import Project, Selector
from ..ensure import record_now
from ..errors import ExitCode, InfrastructureError
from ..exchange import hand_over
from ..marked import marked
from ..record import RunRecord
from ..runner import missing
from ..store import Store
from . import elsewhere
from .console import Console, Part, Word, status_word
from .project import add_names, chosen, opened

NAME = "run"
HELP = "Run selectors and record what they measure."
WRITES = "records and artifacts in the local store (.ptyreg)"

_TAIL = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names, whether a fresh record is enough, and how often to run."""
    add_names(parser)
    parser.add_argument(
        "--marker",
        metavar="EXPR",
        help="only selectors with a test that pytest's -m EXPR selects: integration, 'not slow'",
    )
    parser.add_argument(
        "--if-needed",
        action="store_true",
        help="skip what has a fresh record of this machine class (with --executor dask: of any)",
    )
    parser.add_argument(
        "--repeats",
        metavar="N",
        type=_count,
        help="measure each selector N times (default: as declared)",
    )
    elsewhere.add_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Run each selector; 1 when one of them is no measurement."""
    elsewhere.check(arguments)
    project, store = opened(arguments)
    report = _Report(Console(arguments))
    wanted = chosen(project, arguments)
    if arguments.marker:
        wanted = marked(project, wanted, arguments.marker)
        names = ", ".join(selector.name for selector in wanted)
        report.console.progress(f"-m {arguments.marker!r} selects {names}")
    if arguments.executor == "local":
        _run_here(project, store, wanted, arguments, report)
    else:
        elsewhere.run_elsewhere(project, store, wanted, arguments, report)
    for notice in hand_over(project, store, report.console.progress):
        report.console.error(Word("store:", "caution"), f" {notice.text}")
    report.console.answer({"selectors": report.answers})
    return report.status


def _run_here(
    project: Project,
    store: Store,
    selectors: list[Selector],
    arguments: argparse.Namespace,
    report: _Report,
) -> None:
    for selector in _runnable(project, selectors, arguments.repeats):
        records = record_now(
            project, selector, store,
            force=not arguments.if_needed, announce=report.announce, progress=report.progress,
        )  # fmt: skip
        report.show(selector.name, records)


class _Report:
    """What is told about the runs, as text and as an answer."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.status = ExitCode.OK
        self.answers: list[dict[str, Any]] = []

    def announce(self, selector: Selector) -> None:
        what = " ".join(selector.nodeids) or f"-m {selector.markers!r}"
        self.tell(selector.name, f"running {what}")

    def progress(self, name: str, stage: str, seconds: float) -> None:
        self.tell(name, f"{seconds:.0f} s{f', in {stage}' if stage else ''}")

    def tell(self, name: str, text: str) -> None:
        self.console.progress(f"{name}: {text}")

    def show(self, name: str, records: list[RunRecord]) -> None:
        """Tell how the runs of a selector ended; none means that none was due."""
        self.answers.append({"selector": name, "records": [_told(r) for r in records]})
        if not records:
            self.console.print(f"{name}: fresh, not run")
        for record in records:
            self.console.print(*_summary(record))
            if record.outcome != "passed":
                self.console.error(_tail(record))
        if records and records[-1].outcome != "passed":  # earlier ones were tried again
            self.status = max(self.status, ExitCode.VERDICT)

    def give_up(self, name: str, why: str) -> None:
        """Tell that a selector could not be measured at all."""
        self.answers.append({"selector": name, "records": [], "problem": why})
        self.console.error(f"{name}: not measured: {why}")
        self.status = ExitCode.INFRASTRUCTURE


def _runnable(project: Project, found: list[Selector], repeats: int | None) -> list[Selector]:
    """Return what to run, as often as asked for.

    Raises:
        InfrastructureError: Something that one of them requires is not installed.
    """
    for selector in found:
        if lacks := missing(project, selector):
            raise InfrastructureError(
                f"{selector.name}: Expected {', '.join(lacks)} to be installed to run it. "
                "Install what it requires, or leave it to its records."
            )
    if repeats is None:
        return found
    return [msgspec.structs.replace(selector, repeats=repeats) for selector in found]


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(
            f"Expected a number of runs from 1 to 1000, but got {text!r}."
        )
    return int(text)


def _summary(record: RunRecord) -> list[Part]:
    duration = record.durations.duration
    seconds = f" in {duration:.2f} s" if duration is not None else ""
    kind = " (warm-up)" if record.warmup else ""
    why = f": {record.reason}" if record.reason else ""
    outcome = status_word(record.outcome.words)
    return [f"{record.selector}: ", outcome, f"{kind}{seconds}", Word(why)]


def _told(record: RunRecord) -> dict[str, Any]:
    return {
        "record": record.id,
        "started": record.started,
        "outcome": record.outcome,
        "reason": record.reason,
        "warmup": record.warmup,
        "attempt": record.attempt,
        "duration_s": record.durations.duration,
    }


def _tail(record: RunRecord) -> str:
    lines = record.output.strip().splitlines()[-_TAIL:]
    return "\n".join([f"$ {' '.join(record.command)}", *lines])
