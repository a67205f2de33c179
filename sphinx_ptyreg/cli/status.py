"""``ptyreg status``: what is recorded, and whether it is fresh."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from ..errors import ExitCode
from ..evidence import Evidence, SelectorEvidence
from .project import add_names, chosen, opened

NAME = "status"
HELP = "Print fresh, stale or missing for each selector, and why."
WRITES = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names."""
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a selector; 1 when one is not fresh or its latest run is no measurement."""
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    selectors = chosen(project, arguments)
    width = max((len(selector.name) for selector in selectors), default=0)
    good = True
    for selector in selectors:
        own = evidence.selector(selector.name)
        good = good and own.failure is None and own.freshness.state == "fresh"
        print(f"{selector.name:{width}}  {_line(own)}")
        for reason in own.freshness.reasons:
            print(f"{'':{width}}  - {reason}")
        for notice in own.notices:
            print(f"{'':{width}}  ! {notice.text}")
    return ExitCode.OK if good else ExitCode.VERDICT


def _line(evidence: SelectorEvidence) -> str:
    parts = [f"{evidence.freshness.state.value:7}"]
    if evidence.failure is not None:
        parts.append(f"{evidence.failure.outcome.words} ({evidence.failure.reason})")
    record = evidence.measured
    if record is not None:
        seconds = record.durations.duration
        parts.append(f"{seconds:.2f} s" if seconds is not None else "")
        parts.append(f"n = {len(evidence.samples)}")
        parts.append(_age(record.started))
        parts.append(record.machine_class)
    return "  ".join(parts).rstrip()


def _age(started: str) -> str:
    moment = datetime.strptime(started, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now" if seconds >= 0 else "in the future (clock?)"
