"""``ptyreg publish``: copy the current measurements to the tracked folder."""

from __future__ import annotations

import argparse
import os

from ..errors import ExitCode, VerdictError
from ..evidence import SelectorEvidence, fingerprints_of
from .console import Console
from .project import add_names, chosen, opened

NAME = "publish"
HELP = "Copy the current measurements and their artifacts to the tracked folder."
WRITES = "records and artifacts in the tracked folder (docs/evidence)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names."""
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Publish the sample set of each selector.

    Raises:
        VerdictError: A selector has no fresh measurement, its latest run failed, or an artifact
            is too large.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    published: list[dict[str, str]] = []
    for selector in chosen(project, arguments):
        evidence = SelectorEvidence(project, selector, store, fingerprints_of(store, project))
        state = evidence.freshness.state
        if state != "fresh":
            raise VerdictError(
                f"{selector.name}: Expected a fresh measurement, but it is {state.value}. "
                f"Run: ptyreg run {selector.name}"
            )
        if evidence.failure is not None:
            raise VerdictError(
                f"{selector.name}: Expected the latest run to be a measurement, "
                f"but it ended as {evidence.failure.outcome.words}. Run: ptyreg run {selector.name}"
            )
        for record in evidence.samples:
            path = os.path.relpath(store.publish(record), project.root)
            published.append({"selector": selector.name, "record": record.id, "path": path})
            console.print(f"{selector.name}: {path}")
    console.answer({"published": published})
    return ExitCode.OK
