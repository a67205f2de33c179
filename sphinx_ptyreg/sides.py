"""What a side of a comparison may be called, and the sample set that it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .declared import Project
from .entries import Entry
from .errors import UnknownNameError
from .evidence import Evidence
from .frozen import RESERVED, FrozenStore, ReleaseLayer, kept_layer, versions
from .record import RunRecord
from .releases import version_of
from .selector_evidence import SelectorEvidence
from .store import entries_of

__all__ = ["Side", "find_side", "find_sides", "known_sides"]

#: Identifiers shorter than this name no record or commit.
_LEAST = 4


class Side(NamedTuple):
    """A sample set, and its name; `absent` says why it is empty."""

    name: str
    records: Sequence[RunRecord]
    absent: str = ""

    @property
    def label(self) -> str:
        """Name, date, machine class and sample size."""
        if not self.records:
            return self.name
        record = self.records[-1]
        told = (self.name, record.started[:10], record.where)
        return f"{', '.join(told)}, n = {len(self.records)}"


def find_sides(
    evidence: Evidence, own: SelectorEvidence, left: str, right: str
) -> tuple[Side, Side]:
    """Return both sides of a comparison; ``release`` is never the other side once more.

    Raises:
        UnknownNameError: No measurement is that.
    """
    if right == "release" != left:
        first = find_side(evidence, own, left)
        return first, find_side(evidence, own, right, unlike=first)
    second = find_side(evidence, own, right)
    return find_side(evidence, own, left, unlike=second), second


def find_side(
    evidence: Evidence, own: SelectorEvidence, wanted: str, *, unlike: Side | None = None
) -> Side:
    """Return the sample set that `wanted` names; an empty one says why.

    Args:
        evidence: Where the releases and published records lie.
        own: The selector's evidence.
        wanted: ``latest``, ``previous`` (other inputs), ``published``, ``release`` (the newest
            frozen version before the one that is shown), a frozen version, a machine class, a git
            tag, a commit, a date or the id of a record.
        unlike: The other side: a release of these very runs is passed over.

    Raises:
        UnknownNameError: No measurement is that.
    """
    project = evidence.project
    measured = [record for record in own.attempts if record.measured]
    if wanted == "release":
        return _release_before(evidence, own, unlike)
    if wanted in RESERVED:
        return _by_word(evidence, own, measured, wanted)
    if wanted in versions(project):
        return _of_release(own, kept_layer(project, wanted))
    if wanted in own.classes:
        return _side(project, own.classes[wanted])
    for record in reversed(measured):
        if wanted == record.machine_class or _is(project, record, wanted):
            return _side(project, own.sample_set(record))
    raise UnknownNameError("side of a comparison", wanted, known_sides(evidence, own))


def known_sides(evidence: Evidence, own: SelectorEvidence) -> set[str]:
    """Return what can be called a side: words, releases, machine classes, tags and commits."""
    measured = [record for record in own.attempts if record.measured]
    known = {*own.classes, *RESERVED, *versions(evidence.project)}
    return known | {_version(evidence.project, record) for record in measured}


def _by_word(
    evidence: Evidence, own: SelectorEvidence, measured: list[RunRecord], word: str
) -> Side:
    newest = own.measured
    if word == "published":
        published = _newest_set(own, entries_of(evidence.store.baseline, own.selector.names))
        absent = "" if published else f"Nothing of {own.selector.name} is published"
        return Side(word, published, absent)
    if newest is None:
        return Side(word, [], f"{own.selector.name} has not been measured")
    if word == "latest":
        return _side(evidence.project, own.samples)
    earlier = [
        record
        for record in measured
        if record.inputs.digest != newest.inputs.digest and record.imported == newest.imported
    ]
    if not earlier:
        return Side(word, [], f"{own.selector.name} has no earlier measurement")
    return _side(evidence.project, own.sample_set(earlier[-1]))


def _release_before(evidence: Evidence, own: SelectorEvidence, unlike: Side | None) -> Side:
    """Return the newest release before the one that is shown that has not the other side's runs."""
    known = versions(evidence.project)
    if not known:
        return Side("release", [], "No release is frozen yet")
    if isinstance(evidence.store, FrozenStore) and evidence.store.version in known:
        known = known[: known.index(evidence.store.version)]
    if not known:
        return Side("release", [], "No earlier release is frozen")
    others = _runs(unlike)
    sides = [_of_release(own, kept_layer(evidence.project, version)) for version in known]
    found = [side for side in sides if not others or _runs(side) != others]
    if not found:
        return Side("release", [], f"Release {known[-1]} keeps these very runs")
    return next((side for side in reversed(found) if side.records), found[-1])


def _runs(side: Side | None) -> set[tuple[str, str]]:
    return {(r.started, r.machine_class) for r in side.records} if side else set()


def _of_release(own: SelectorEvidence, layer: ReleaseLayer) -> Side:
    version, current = layer.release.version, layer.release.current
    entries = entries_of(layer, own.selector.names)
    found = _newest_set(own, (entry for entry in entries if entry.id in current))
    absent = "" if found else f"Release {version} keeps nothing of {own.selector.name}"
    return Side(version, found, absent)


def _side(project: Project, records: Sequence[RunRecord]) -> Side:
    return Side(_version(project, records[-1]), records)


def _newest_set(own: SelectorEvidence, entries: Iterable[Entry]) -> list[RunRecord]:
    """Return the newest sample set, of the machine class at hand when there is one.

    Imports are taken only where there is no run.
    """
    measured = sorted(entry for entry in entries if entry.measured)
    runs = [entry for entry in measured if not entry.imported]
    records = [entry.read() for entry in runs or measured]
    same = [record for record in records if record.machine_class == own.machine_class]
    chosen = (same or records)[-1:]
    return [
        record
        for record in records
        for like in chosen
        if (record.inputs.digest, record.machine_class) == (like.inputs.digest, like.machine_class)
    ]


def _is(project: Project, record: RunRecord, wanted: str) -> bool:
    if wanted == _version(project, record):
        return True
    names = (record.started, record.id, record.commit.id if record.commit else "")
    return len(wanted) >= _LEAST and any(name.startswith(wanted) for name in names)


def _version(project: Project, record: RunRecord) -> str:
    return version_of(project.root, record.commit.id if record.commit else None)
