"""``ptyreg run --executor``: selectors on other machines."""

from __future__ import annotations

import argparse
from typing import Protocol

from ..declared import Project, Selector
from ..errors import ExitCode, PtyregError
from ..evidence import SelectorEvidence, fingerprints_of
from ..executors.fanout import fan_out
from ..executors.on_dask import DaskEngine
from ..inputs import State
from ..record import RunRecord
from ..store import Store

__all__ = ["EXECUTORS", "Report", "UsageError", "add_arguments", "check", "run_elsewhere"]

EXECUTORS = ("local", "dask")


class Report(Protocol):
    """Who tells about the runs."""

    def tell(self, name: str, text: str) -> None:
        """Tell what happened to a selector."""

    def show(self, name: str, records: list[RunRecord]) -> None:
        """Tell how the runs of a selector ended."""

    def give_up(self, name: str, why: str) -> None:
        """Tell that a selector could not be measured."""


class UsageError(PtyregError):
    """Options that do not fit each other."""

    exit_code = ExitCode.USAGE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to run."""
    parser.add_argument(
        "--executor",
        choices=EXECUTORS,
        default="local",
        help="where to run: here (local, the default), or on the workers of a Dask scheduler",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="with --executor dask: tcp://HOST:8786"
    )


def check(arguments: argparse.Namespace) -> None:
    """Hold that the options fit each other.

    Raises:
        UsageError: They do not.
    """
    if arguments.executor == "dask" and not arguments.scheduler:
        raise UsageError(
            "Expected --scheduler ADDRESS with --executor dask, but got none. "
            "`dask scheduler` prints its address."
        )
    if arguments.executor == "local" and arguments.scheduler:
        raise UsageError("Expected --executor dask with --scheduler, but got local.")


def run_elsewhere(
    project: Project,
    store: Store,
    selectors: list[Selector],
    arguments: argparse.Namespace,
    report: Report,
) -> None:
    """Measure on the workers of a scheduler.

    Raises:
        InfrastructureError: The scheduler cannot be reached, or is gone.
    """
    due = []
    for selector in selectors:
        if arguments.if_needed and _is_fresh(project, selector, store):
            report.show(selector.name, [])
        else:
            due.append(selector)
    with DaskEngine(arguments.scheduler, report.tell) as engine:
        problems = fan_out(
            project, due, store, engine,
            topic=engine.topic, repeats=arguments.repeats or 0, told=report.tell,
            stored=lambda records: report.show(records[0].selector, records),
        ).problems  # fmt: skip
    for name, why in problems.items():
        report.give_up(name, why)


def _is_fresh(project: Project, selector: Selector, store: Store) -> bool:
    """Whether there is a fresh measurement of any machine class."""
    evidence = SelectorEvidence(project, selector, store, fingerprints_of(store, project))
    return evidence.freshness.state is State.FRESH
