"""From report files to records that say where they come from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from ..cleaning import Cleaner
from ..declared import Project, Selector
from ..entries import machine_key
from ..errors import RecordError, VerdictError
from ..record import RECORD_LIMIT, Artifact, RunRecord, canonical, encode
from ..store import Store, entries_of, write_once
from .benchmark import read_benchmark
from .composing import compose_import
from .foreign import ForeignCleaner
from .junit import read_junit
from .log import read_log
from .reported import Reported, ReportError, moment
from .sources import Kind, Source, text_of
from .wanted import Wanted

__all__ = ["IMPORTED", "import_reports"]

#: The machine class of what is imported without naming one.
IMPORTED = "imported"

_STAMP = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)Z")


_READERS: dict[Kind, Callable[[bytes, Wanted], Reported]] = {
    Kind.LOG: read_log,
    Kind.JUNIT: read_junit,
    Kind.BENCHMARK: read_benchmark,
}


def import_reports(
    project: Project,
    selector: Selector,
    store: Store,
    sources: Sequence[Source],
    machine_class: str = IMPORTED,
) -> list[RunRecord]:
    """Keep a record of each report; together they are one batch, which is one sample set.

    All reports are read before the first record is kept. The same batch again is nothing new.

    Raises:
        RecordError: A report cannot be read; the text begins with its name.
        VerdictError: Runs of ours, of whatever selector, are of this machine class.
    """
    _refuse_class_of_runs(project, selector, store, machine_class)
    unique = {source.sha256: source for source in sources}
    wanted = Wanted(selector.nodeids)
    reports = [(source, *_read(source, wanted)) for source in unique.values()]
    batch = canonical({"imported": sorted(unique)}).decode()
    records = []
    for source, report, started in reports:
        clean = ForeignCleaner(Cleaner(project.root), text_of(source.data), report.names)
        text = clean(report.text).encode() if report.text else b""
        log = {"log": _described(text)} if text else {}
        record = compose_import(
            selector.name, source, report, clean, batch, machine_class,
            artifacts=log, started=started,
        )  # fmt: skip
        if (size := len(encode(record))) > RECORD_LIMIT:
            raise RecordError(
                f"{source.path.name}: Expected a record of at most {RECORD_LIMIT} bytes, but the "
                f"{len(record.tests)} tests make one of {size}. Name fewer in the selector's "
                "nodeids."
            )
        records.append((record, text))
    store.local.hide()
    for record, text in records:
        for artifact in record.artifacts.values():
            if store.received.artifact(artifact) is None:
                write_once(store.received.folder / "artifacts" / artifact.file_name, text)
        store.received.add(record)
    return [record for record, _ in records]


def _refuse_class_of_runs(
    project: Project, selector: Selector, store: Store, machine_class: str
) -> None:
    key = machine_key(machine_class)
    for own in project.selectors.values():
        for entry in entries_of(store, own.names):
            if entry.imported or entry.machine_key != key:
                continue
            if (record := entry.read()).machine_class == machine_class:
                raise VerdictError(
                    f"{selector.name}: Expected another machine class than that of recorded runs, "
                    f"but got {machine_class!r} (record {record.id} of {own.name}). "
                    "Name another with --class."
                )


def _read(source: Source, wanted: Wanted) -> tuple[Reported, str]:
    try:
        report = _READERS[source.kind](source.data, wanted)
    except ReportError as error:
        raise RecordError(f"{source.path.name}: {error}") from error
    started = _started(source, report)
    if started is None:
        raise RecordError(
            f"{source.path.name}: Expected to know when it was measured, but neither the report "
            "nor its path tells. Name it: --started 2025-10-19T12:24:49Z"
        )
    return report, started


def _started(source: Source, report: Reported) -> str | None:
    """Return when a run began: as said, as the report tells, or as its path is stamped."""
    stamps = _STAMP.findall(source.path.absolute().as_posix())
    stamped = "{}-{}-{}T{}:{}:{}Z".format(*stamps[-1]) if stamps else None
    return source.started or report.started or moment(stamped)


def _described(log: bytes) -> Artifact:
    return Artifact(
        sha256=hashlib.sha256(log).hexdigest(), size=len(log), suffix=".txt",
        title="Output of the run",
    )  # fmt: skip
