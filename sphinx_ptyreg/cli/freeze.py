"""``ptyreg freeze``: keep what a release was measured with."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ..declared import Selector
from ..errors import ExitCode, VerdictError
from ..evidence import Evidence
from ..frozen import freeze
from ..inputs import State
from ..record import RunRecord, timestamp
from ..revision import commit_of
from ..selector_evidence import SelectorEvidence
from ..store import Store, entries_of
from ..vouching import load_key, sign_release
from .console import Console
from .project import add_names, chosen, opened

NAME = "freeze"
HELP = "Keep the evidence of a release: its records and artifacts are never rewritten."
WRITES = "a folder of the tracked ones (docs/evidence/releases/VERSION)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the version, the names and a key."""
    parser.add_argument("version", metavar="VERSION", help="the release: 1.2.0")
    add_names(parser)
    parser.add_argument(
        "--sign", metavar="KEY", type=Path, help="sign all of it with an Ed25519 key of OpenSSH"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Copy the fresh sample sets of every machine class, and all else that is published.

    Raises:
        ConfigError: The version is frozen already.
        VerdictError: A selector has no fresh measurement, or its latest run failed.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    key = load_key(arguments.sign) if arguments.sign else None
    evidence = Evidence(project, store)
    records, history = {}, {}
    for selector in chosen(project, arguments):
        records[selector.name] = _fresh(evidence.selector(selector.name))
        history[selector.name] = _published(store, selector, records[selector.name])
    commit = commit_of(project.root, ())
    layer = freeze(
        project, store, arguments.version, records, history=history,
        frozen=timestamp(), commit=commit.id if commit else None,
    )  # fmt: skip
    if key is not None:
        sign_release(layer, key)
    folder = os.path.relpath(layer.folder, project.root)
    for name, found in records.items():
        classes = len({record.machine_class for record in found})
        earlier = len(history[name])
        console.print(
            f"{name}: {len(found)} record{'' if len(found) == 1 else 's'} "
            f"of {classes} machine class{'' if classes == 1 else 'es'}"
            f"{f', {earlier} published for history' if earlier else ''}"
        )
    console.print(f"frozen in {folder}. Commit it, then tag the release.")
    console.answer({
        "version": arguments.version, "path": folder, "signed": key is not None,
        "selectors": {name: [record.id for record in found] for name, found in records.items()},
        "history": {name: [record.id for record in found] for name, found in history.items()},
    })  # fmt: skip
    return ExitCode.OK


def _published(store: Store, selector: Selector, fresh: list[RunRecord]) -> list[RunRecord]:
    """Return what is published beside the fresh records: earlier runs, failures, imports."""
    known = {record.id for record in fresh}
    entries = entries_of(store.published, selector.names)
    return [entry.read() for entry in sorted(entries) if entry.id not in known]


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
