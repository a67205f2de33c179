"""What a build tells at its pages when all are read; also a build that reads none."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .citations import FINDING
from .declared import Mode
from .errors import PtyregError, WarningSubtype
from .noted import Defined, Place
from .objects import DEFINED_BY
from .values import parse_reference, render

if TYPE_CHECKING:
    from .domain import PtyregDomain

__all__ = ["Told", "told", "told_of_templates"]

#: What is told only at a page that shows it; a run of this build is told by itself.
_SHOWN = frozenset({
    WarningSubtype.MISSING, WarningSubtype.STALE, WarningSubtype.FAILED, WarningSubtype.GUARDRAIL,
})  # fmt: skip


class Told(NamedTuple):
    """A sentence for the log.

    Attributes:
        subtype: Its type.
        text: What is wrong.
        place: Where it is shown; None when no page shows it.
        is_verdict: Whether the evidence is what is wrong: mode `require` fails for it.
    """

    subtype: WarningSubtype
    text: str
    place: Place | None
    is_verdict: bool = True


def told(domain: PtyregDomain, *, lint: bool) -> Iterator[Told]:
    """Yield what is missing, stale, failed, false, defined twice and, with `lint`, typed."""
    shown, lacking = _looked_through(domain)
    yield from _notices(domain, shown)
    yield from lacking
    yield from _findings(domain, shown)
    for made, place in domain.claims_made():
        if not made.holds:
            yield Told(made.subtype, made.told, place)
    yield from _defined_twice(domain)
    for docname in sorted(domain.prose) if lint else ():
        for number in domain.prose[docname].found:
            text = f"typed number {number.number}: {number.text}"
            place = Place(docname, number.line)
            yield Told(WarningSubtype.PROSE, text, place, is_verdict=False)


def told_of_templates(domain: PtyregDomain, references: Collection[str]) -> Iterator[Told]:
    """Yield what is wrong with the values that templates show, unless a page told it.

    Args:
        domain: The pages, and the evidence.
        references: What the templates ask for.
    """
    if not references:
        return
    shown, lacking = _looked_through(domain)
    cited = domain.build.cited
    known, owners = {each.text for each in lacking}, set()
    for reference in references:
        try:
            parsed = parse_reference(reference)
            own, value = domain.evidence.value(parsed.path)
            if value is not None:
                render(value, parsed)
        except PtyregError as error:
            text = f"ptyreg_value({reference!r}) in a template: {error}"
            yield Told(error.subtype, text, None, is_verdict=False)
            continue
        name = own.selector.name
        if cited.rests_on_runs(parsed.path):
            owners.add(name)
        text = f"{name}: {WarningSubtype.MISSING}: {cited.lack(parsed.path)}"
        if cited.lack(parsed.path) and text not in known:
            yield Told(WarningSubtype.MISSING, f"{text} (in a template)", None)
    if domain.build.mode.mode is Mode.REQUIRE:
        return  # which tells everything, shown or not
    for notice in domain.build.notices:
        name = notice.selector
        if notice.subtype in _SHOWN and name in owners and name not in shown:
            text = f"{name}: {notice.subtype}: {notice.text} (in a template)"
            yield Told(notice.subtype, text, None)


def _looked_through(domain: PtyregDomain) -> tuple[dict[str, list[Place]], list[Told]]:
    """Return where each page first shows a selector or a finding, and what nothing is there of."""
    owner, cited = domain.evidence.owner, domain.build.cited
    shown: dict[str, list[Place]] = {}
    lacking: list[Told] = []
    for docname in sorted(domain.citations):
        seen: set[str] = set()
        for key, (_, line, source) in domain.citations[docname].items():
            name = key if key.endswith(FINDING) else owner(key)
            if name not in seen and cited.rests_on_runs(key):
                seen.add(name)
                shown.setdefault(name, []).append(Place(docname, line, source))
            if text := cited.lack(key):
                text = f"{name}: {WarningSubtype.MISSING}: {text}"
                lacking.append(Told(WarningSubtype.MISSING, text, Place(docname, line, source)))
    return shown, lacking


def _notices(domain: PtyregDomain, shown: dict[str, list[Place]]) -> Iterator[Told]:
    required = domain.build.mode.mode is Mode.REQUIRE
    for notice in domain.build.notices:
        text = f"{notice.selector}: {notice.subtype}: {notice.text}"
        places = shown.get(notice.selector, [])
        yield from (Told(notice.subtype, text, place) for place in places)
        if not places and (required or notice.subtype not in _SHOWN):
            yield Told(notice.subtype, text, None)


def _findings(domain: PtyregDomain, shown: dict[str, list[Place]]) -> Iterator[Told]:
    """Tell a finding that the evidence contradicts, or no longer supports, where it is cited."""
    required = domain.build.mode.mode is Mode.REQUIRE
    for id_ in domain.evidence.project.findings:
        places = shown.get(id_ + FINDING, [])
        if not places and not required:
            continue
        support = domain.evidence.supports[id_]
        if support.is_bad:
            where = f" in {support.selector}" if support.selector else ""
            text = f"finding {id_}: {support.verdict}: {support.evidence}{where}"
            yield from (Told(WarningSubtype.CLAIM, text, place) for place in places)
            if not places:
                yield Told(WarningSubtype.CLAIM, text, None)


def _defined_twice(domain: PtyregDomain) -> Iterator[Told]:
    first: dict[tuple[str, str], tuple[str, Defined]] = {}
    for docname in sorted(domain.defined):
        for found in domain.defined[docname]:
            there, known = first.setdefault((found.kind, found.name), (docname, found))
            if known is found or DEFINED_BY[found.kind] != found.kind:
                continue  # a card's metrics and guardrails come with it
            text = (
                f"Expected {found.kind} {found.name} to be defined once, but it is also defined "
                f"in {there}, line {known.line}. Give one of them :no-index:."
            )
            place = Place(docname, found.line, found.source)
            yield Told(WarningSubtype.CONFIG, text, place, is_verdict=False)
