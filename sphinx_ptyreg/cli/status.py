"""``ptyreg status``: what is recorded, and whether it is fresh."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from ..errors import ExitCode
from ..evidence import Evidence, SelectorEvidence
from .console import Console, Part, Word, status_word
from .project import add_names, chosen, opened

NAME = "status"
HELP = "Print fresh, stale or missing for each selector, and why."
WRITES = "nothing"

#: How many reasons are told of a stale selector.
_REASONS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names."""
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a selector.

    The status is 1 when one is not fresh or its latest run is no measurement, else 3 when a record
    cannot be read.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    chosen_ = [evidence.selector(selector.name) for selector in chosen(project, arguments)]
    unreadable = evidence.unreadable([own.selector.name for own in chosen_])
    width = max((len(own.selector.name) for own in chosen_), default=0)
    for own in chosen_:
        console.print(f"{own.selector.name:{width}}  ", *_line(own))
        reasons = own.freshness.reasons
        for reason in reasons[:_REASONS]:
            console.print(f"{'':{width}}  - {reason}")
        if more := len(reasons[_REASONS:]):
            told = f"{more} more: ptyreg explain {own.selector.name}"
            console.print(f"{'':{width}}  ", Word(f"- {told}", "dim"))
        for notice in own.notices:
            console.print(f"{'':{width}}  ! {notice.text}")
    console.answer({"selectors": [_told(own) for own in chosen_]})
    good = all(own.failure is None and own.freshness.state == "fresh" for own in chosen_)
    if not good:
        return ExitCode.VERDICT
    return ExitCode.INFRASTRUCTURE if unreadable else ExitCode.OK


def _line(evidence: SelectorEvidence) -> list[Part]:
    state = status_word(evidence.freshness.state.value)
    failure, record = evidence.failure, evidence.measured
    parts: list[Part] = [state]
    if failure is not None:
        parts += ["  ", status_word(failure.outcome.words), f" ({failure.reason})"]
    if record is not None:
        seconds = record.durations.duration
        parts += [" " * (9 - len(state.text)), f"{seconds:.2f} s  " if seconds is not None else ""]
        told = f"n = {len(evidence.samples)}  {_age(record.started)}  {record.machine_class}"
        parts.append(Word(told, "dim"))
    return parts


def _told(evidence: SelectorEvidence) -> dict[str, Any]:
    record, failure = evidence.measured, evidence.failure
    return {
        "selector": evidence.selector.name,
        "state": evidence.freshness.state,
        "reasons": [str(reason) for reason in evidence.freshness.reasons],
        "failure": failure and {"outcome": failure.outcome, "reason": failure.reason},
        "record": record and record.id,
        "measured": record and record.started,
        "machine_class": record and record.machine_class,
        "duration_s": record and record.durations.duration,
        "n": len(evidence.samples),
        "unreadable": [notice.text for notice in evidence.notices],
    }


def _age(started: str) -> str:
    moment = datetime.strptime(started, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now" if seconds >= 0 else "in the future (clock?)"
