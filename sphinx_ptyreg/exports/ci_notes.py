"""``ci_notes.md``: how the selectors run in continuous integration, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..declared import Selector
from ..evidence import Evidence
from ..markdown import cell, table
from ..selector_evidence import SelectorEvidence
from ..values import Value, shown

__all__ = ["written"]

_ORIGIN = "Written by `ptyreg export hub` from the declaration and the recorded runs."


def written(evidence: Evidence, selectors: Sequence[SelectorEvidence]) -> str:
    """Write the page."""
    lines = ["# Notes for continuous integration", "", _ORIGIN]
    for own in selectors:
        lines += ["", *_selector(own)]
    lines += ["", "## Follow-up", ""]
    names = {own.selector.name for own in selectors}
    open_ = [
        f"- {cell(f'{notice.selector}: {notice.subtype}: {notice.text}')}"
        for notice in (*evidence.notices(), *evidence.unfit_for_release())
        if notice.selector in names
    ]
    return "\n".join([*lines, *(open_ or ["Nothing is open."])]) + "\n"


def _selector(own: SelectorEvidence) -> Iterator[str]:
    selector = own.selector
    yield f"## `{selector.name}`"
    yield ""
    yield from table(("what", "how"), _strategy(selector))
    yield from ("", "Measure, judge and keep it:", "", "```sh")
    yield f"ptyreg run {selector.name}"
    yield f"ptyreg check {selector.name} --format github"
    yield f"ptyreg publish {selector.name}"
    yield "```"
    if selector.requires:
        yield ""
        yield (
            f"Where something is missing of what it requires ({', '.join(selector.requires)}), a "
            "documentation build replays the recorded runs with one warning; `ptyreg run` fails "
            "and says what to install."
        )


def _strategy(selector: Selector) -> Iterator[tuple[str, str]]:
    if selector.markers:
        yield "markers", f"`{selector.markers}`"
    for nodeid in selector.nodeids:
        yield "test", f"`{nodeid}`"
    yield "timeout", shown(Value(selector.timeout, "s"))
    retries = f"{selector.retries}, after a timeout only" if selector.retries else "none"
    yield "retries", retries
    yield "measured runs", str(selector.repeats)
    yield "requires", ", ".join(selector.requires) or "nothing"
    for name, value in selector.env.items():
        yield "variable", f"`{name}={value}`"
    for metric, guardrail in selector.guardrails.items():
        for bound in ("fail", "warn", "minimum", "baseline", "tolerance"):
            if (limit := getattr(guardrail, bound)) is not None:
                yield f"{metric}, {bound}", limit
