"""``ptyreg run``: measure selectors now."""

from __future__ import annotations

import argparse
import sys

from ..declared import Selector
from ..ensure import record_now
from ..errors import ExitCode, InfrastructureError
from ..interpreter import unmet
from ..record import RunRecord
from .project import add_names, chosen, opened

NAME = "run"
HELP = "Run selectors and record what they measure."
WRITES = "records and artifacts in the local store (.ptyreg)"

_TAIL = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names, and whether a fresh record is enough."""
    add_names(parser)
    parser.add_argument(
        "--if-needed",
        action="store_true",
        help="skip what has a fresh record of this machine class",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run each selector; 1 when one of them is no measurement."""
    project, store = opened(arguments)
    status = ExitCode.OK
    for selector in chosen(project, arguments):
        if missing := unmet(selector.requires):
            raise InfrastructureError(
                f"{selector.name}: Expected {', '.join(missing)} to be installed to run it. "
                "Install what it requires, or leave it to its records."
            )
        records = record_now(
            project, selector, store,
            force=not arguments.if_needed, announce=_announce, progress=_progress,
        )  # fmt: skip
        if not records:
            print(f"{selector.name}: fresh, not run")
        for record in records:
            print(_summary(record))
            if record.outcome != "passed":
                print(_tail(record), file=sys.stderr)
        if records and records[-1].outcome != "passed":  # earlier ones were tried again
            status = ExitCode.VERDICT
    return status


def _announce(selector: Selector) -> None:
    what = " ".join(selector.nodeids) or f"-m {selector.markers!r}"
    print(f"{selector.name}: running {what}", flush=True)


def _progress(name: str, stage: str, seconds: float) -> None:
    print(f"{name}: {seconds:.0f} s{f', in {stage}' if stage else ''}", flush=True)


def _summary(record: RunRecord) -> str:
    duration = record.durations.duration
    seconds = f" in {duration:.2f} s" if duration is not None else ""
    kind = " (warm-up)" if record.warmup else ""
    why = f": {record.reason}" if record.reason else ""
    return f"{record.selector}: {record.outcome.words}{kind}{seconds}{why}"


def _tail(record: RunRecord) -> str:
    lines = record.output.strip().splitlines()[-_TAIL:]
    return "\n".join([f"$ {' '.join(record.command)}", *lines])
