"""``ptyreg import``: keep what others measured, with where it stands."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..citable import cited
from ..errors import ExitCode, UsageError
from ..ingest.imports import IMPORTED, import_reports
from ..ingest.reported import moment
from ..ingest.sources import Kind, Source
from ..record import NAME as A_NAME, RunRecord
from .completion import completes_selectors
from .console import Console, Word, heading, status_word
from .project import opened

NAME = "import"
HELP = "Keep what pytest logs, JUnit XML or pytest-benchmark JSON from elsewhere tell."
WRITES = "records and logs in .ptyreg/received/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the selector, its reports, and where and when they were measured."""
    completes_selectors(
        parser.add_argument("name", metavar="NAME", help="the selector that the reports are of")
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="reports: one batch")
    parser.add_argument(
        "--class", dest="machine_class", metavar="NAME", default=IMPORTED,
        help=f"the machine class that they were measured on (default: {IMPORTED})",
    )  # fmt: skip
    parser.add_argument(
        "--as", dest="kind", choices=[kind.value for kind in Kind],
        help="their form (default: what each begins with)",
    )  # fmt: skip
    parser.add_argument(
        "--started", metavar="TIME", action="append", default=[],
        help="when a report was measured that does not tell, such as 2025-10-19T12:24:49Z; "
        "once a file, in their order",
    )  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Keep a record a report; all of them or none.

    Raises:
        UsageError: The options do not fit the files.
        RecordError: A report cannot be read.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    selector = project.selector(arguments.name)
    if not A_NAME.fullmatch(arguments.machine_class):
        raise UsageError(
            "Expected --class to be a name of letters, digits, '-' and '_', "
            f"but got {arguments.machine_class!r}."
        )
    times: list[str | None] = [_time(text) for text in arguments.started]
    times = times or [None] * len(arguments.files)
    if len(times) != len(arguments.files):
        raise UsageError(
            f"Expected --started once for each of {len(arguments.files)} files, "
            f"but got it {len(times)} times."
        )
    kind = Kind(arguments.kind) if arguments.kind else None
    sources = [
        Source.read(file, kind, started=started, root=project.root)
        for file, started in zip(arguments.files, times, strict=True)
    ]
    records = import_reports(project, selector, store, sources, arguments.machine_class)
    for record in records:
        _print(console, record)
    sets = len({record.inputs.digest for record in records})
    as_sets = "one sample set" if sets == 1 else f"{sets} sample sets (they name other versions)"
    told = f"{len(records)} imported as {as_sets} on {arguments.machine_class}."
    console.print(heading(selector.name), f": {told}")
    console.answer({"records": [_told(record) for record in records]})
    return ExitCode.OK


def _time(text: str) -> str:
    started = moment(text)
    if started is None:
        raise UsageError(
            f"Expected --started to be a time such as 2025-10-19T12:24:49Z, but got {text!r}."
        )
    return started


def _print(console: Console, record: RunRecord) -> None:
    if record.citation is not None:
        took = record.durations.duration
        seconds = "" if took is None else f"{took:.2f} s  "
        console.print(
            status_word(record.outcome.words), f"  {seconds}", cited(record.citation),
            Word(f"  {record.citation.excerpt}", "dim"),
        )  # fmt: skip


def _told(record: RunRecord) -> dict[str, object]:
    return {
        "record": record.id,
        "selector": record.selector,
        "outcome": record.outcome,
        "started": record.started,
        "machine_class": record.machine_class,
        "duration_s": record.durations.duration,
        "metrics": record.metrics,
        "citation": record.citation,
    }
