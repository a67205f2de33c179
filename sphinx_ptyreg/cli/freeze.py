"""``ptyreg freeze``: keep what a release was measured with."""

from __future__ import annotations

import argparse
import os

from ..errors import ExitCode, VerdictError
from ..evidence import Evidence
from ..frozen import freeze
from ..inputs import State
from ..record import RunRecord, timestamp
from ..revision import commit_of
from ..selector_evidence import SelectorEvidence
from .console import Console
from .project import add_names, chosen, opened

NAME = "freeze"
HELP = "Keep the evidence of a release: its records and artifacts are never rewritten."
WRITES = "a folder of the tracked ones (docs/evidence/releases/VERSION)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the version and the names."""
    parser.add_argument("version", metavar="VERSION", help="the release: 1.2.0")
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Copy the fresh sample sets of every machine class.

    Raises:
        ConfigError: The version is frozen already.
        VerdictError: A selector has no fresh measurement, or its latest run failed.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    records = {
        selector.name: _fresh(evidence.selector(selector.name))
        for selector in chosen(project, arguments)
    }
    commit = commit_of(project.root, ())
    manifest = freeze(
        project, store, arguments.version, records,
        frozen=timestamp(), commit=commit.id if commit else None,
    )  # fmt: skip
    folder = os.path.relpath(manifest.parent, project.root)
    for name, found in records.items():
        classes = len({record.machine_class for record in found})
        console.print(
            f"{name}: {len(found)} record{'' if len(found) == 1 else 's'} "
            f"of {classes} machine class{'' if classes == 1 else 'es'}"
        )
    console.print(f"frozen in {folder}. Commit it, then tag the release.")
    told = {name: [record.id for record in found] for name, found in records.items()}
    console.answer({"version": arguments.version, "path": folder, "selectors": told})
    return ExitCode.OK


def _fresh(own: SelectorEvidence) -> list[RunRecord]:
    """Return every record that stands for the project as it is."""
    name, state = own.selector.name, own.freshness.state
    if state is not State.FRESH or own.failure is not None:
        found = own.failure.outcome.words if own.failure is not None else state.value
        raise VerdictError(
            f"{name}: Expected a fresh measurement to freeze, but it is {found}. "
            f"Run: ptyreg run {name}"
        )
    return sorted(
        (
            record
            for samples in own.classes.values()
            for record in samples
            if own.judge(record).state is State.FRESH
        ),
        key=lambda record: record.started,
    )
