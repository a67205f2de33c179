"""``summary.md``: what was measured, how it stands, and what the folder holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evidence import Evidence
from ..markdown import cell, table
from ..selector_evidence import SelectorEvidence
from ..values import Value, shown
from .runtime_profile import ended

__all__ = ["written"]

_HELD = {
    "runtime_profile.md": "durations, resources, statistics and guardrails",
    "env_snapshot.txt": "machine, versions and variables",
    "ci_notes.md": "how it runs in continuous integration, and what is left to do",
    "junit.xml": "the recorded tests",
}

#: How many reasons of a stale selector are told.
_REASONS = 8


def written(evidence: Evidence, selectors: Sequence[SelectorEvidence], logs: Sequence[str]) -> str:
    """Write the page.

    Args:
        evidence: What is known about the project.
        selectors: What it is about.
        logs: The names of the logs beside it.
    """
    lines = ["# Summary", "", "Written by `ptyreg export hub` from recorded runs.", ""]
    lines += [sentence for own in selectors for sentence in _sentences(own)]
    if findings := list(_findings(evidence)):
        lines += ["## Findings", "", *table(("finding", "title", "verdict", "evidence"), findings)]
        lines.append("")
    held = [(f"`{name}`", told) for name, told in _HELD.items()]
    held += [(f"`{name}`", "what the run printed") for name in logs]
    lines += ["## In this folder", "", *table(("file", "holds"), held)]
    return "\n".join(lines) + "\n"


def _sentences(own: SelectorEvidence) -> Iterator[str]:
    selector, record = own.selector, own.measured
    yield f"## {cell(selector.title or selector.name)} (`{selector.name}`)"
    yield ""
    if record is None:
        told = "Never run." if own.failure is None else f"Not measured: {ended(own.failure)}"
        yield f"{told} Measure it: `ptyreg run {selector.name}`."
        yield ""
        return
    commit = f" at {record.commit.id[:7]}" if record.commit else ""
    yield (
        f"Measured {record.started[:10]}{commit} on {cell(record.machine_class)}, "
        f"n = {len(own.samples)}, source: {cell(record.source)}. It is {own.freshness.state.value}."
    )
    for reason in own.freshness.reasons[:_REASONS]:
        yield f"- {cell(str(reason))}"
    if len(own.freshness.reasons) > _REASONS:
        yield f"- and more: `ptyreg explain {selector.name}`"
    if own.failure is not None:
        yield f"- The latest run ended as {ended(own.failure)}"
    if (found := own.summary("duration")) is not None:
        spread = "" if found[0].cv is None else f", CV {shown(Value(found[0].cv, '%'))}"
        yield ""
        yield f"It took {shown(Value(found[0].mean, found[1]))} on average{spread}."
    yield ""
    for judged in own.judgements:
        yield f"- {cell(judged.told)}"
    others = [name for name in own.classes if name != record.machine_class]
    for name in others:
        yield f"- Not comparable, measured elsewhere: {cell(name)}"
    if own.judgements or others:
        yield ""


def _findings(evidence: Evidence) -> Iterator[tuple[str, str, str, str]]:
    for id_, finding in evidence.project.findings.items():
        support = evidence.supports[id_]
        yield id_, finding.title, support.verdict.value, support.evidence
