"""``ptyreg publish``: copy the current measurements to the tracked folder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import ExitCode, UnknownNameError, VerdictError
from ..evidence import SelectorEvidence, fingerprints_of
from ..record import RunRecord
from ..store import Entry
from ..vouching import load_key, sign
from .completion import completes_classes
from .console import Console
from .project import add_names, chosen, opened

NAME = "publish"
HELP = "Copy measurements and their artifacts to the tracked folder."
WRITES = "records and artifacts in the tracked folder (docs/evidence)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names, and whose measurements."""
    add_names(parser)
    completes_classes(parser.add_argument(
        "--class", dest="machine_class", metavar="NAME",
        help="those of another machine class, measured or imported (default: the current ones)",
    ))  # fmt: skip
    parser.add_argument(
        "--sign", metavar="KEY", type=Path, help="sign them with an Ed25519 key of OpenSSH"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Publish the sample set of each selector.

    Raises:
        VerdictError: There is nothing to publish, or an artifact is too large.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    key = load_key(arguments.sign) if arguments.sign else None
    published: list[dict[str, str]] = []
    wanted = []
    for selector in chosen(project, arguments):
        evidence = SelectorEvidence(project, selector, store, fingerprints_of(store, project))
        wanted.append((selector, _samples(evidence, arguments.machine_class)))
    for record in (record for _, samples in wanted for record in samples):
        store.publishable(record)  # all of it, or none
    for selector, samples in wanted:
        for record in samples:
            file = store.publish(record)
            if key is not None:
                sign(store.published, Entry(f"{file.parent}{os.sep}", file.name), key)
            path = os.path.relpath(file, project.root)
            published.append({"selector": selector.name, "record": record.id, "path": path})
            console.print(f"{selector.name}: {path}")
    console.answer({"published": published})
    return ExitCode.OK


def _samples(evidence: SelectorEvidence, machine_class: str | None) -> Sequence[RunRecord]:
    """Return the sample set to publish.

    Raises:
        VerdictError: It is not fresh, the latest run failed, or the class has no measurement.
    """
    name = evidence.selector.name
    if machine_class is None:
        _check_current(evidence)
        return evidence.samples
    if machine_class not in evidence.classes:
        raise UnknownNameError(f"machine class of {name}", machine_class, evidence.classes)
    samples = evidence.classes[machine_class]
    if not samples[-1].imported and (state := evidence.judge(samples[-1]).state) != "fresh":
        raise VerdictError(
            f"{name}: Expected a fresh measurement of {machine_class}, but it is {state.value}. "
            "Measure it there again."
        )
    return samples


def _check_current(evidence: SelectorEvidence) -> None:
    name, state = evidence.selector.name, evidence.freshness.state
    if state != "fresh":
        raise VerdictError(
            f"{name}: Expected a fresh measurement, but it is {state.value}. Run: ptyreg run {name}"
        )
    if evidence.failure is not None:
        raise VerdictError(
            f"{name}: Expected the latest run to be a measurement, "
            f"but it ended as {evidence.failure.outcome.words}. Run: ptyreg run {name}"
        )
