"""How the records of one selector stand against the project: inputs judged once, then the age."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from .ages import is_older, project_time
from .declared import Project, Selector
from .entries import Entry
from .fingerprints import Fingerprints
from .inputs import Freshness, Here, Reason, State, judge
from .record import RunRecord

__all__ = ["Standing"]

_IMPORTED = Freshness(State.STALE, (Reason("imported", "what it depended on is not known"),))
_EARLIER = Freshness(State.STALE, (Reason("earlier", "the release rests on other runs"),))


class Standing:
    """Judges records; those of the same inputs share the look at the project's files.

    The records of a release were judged when it was frozen: what the project has become since
    says nothing about them.

    Args:
        project: Where the selector is declared.
        selector: Its declaration.
        prints: Looks at the project's files.
        current: Of a release: when the runs began that stand for it, as file names tell it.
    """

    def __init__(
        self, project: Project, selector: Selector, prints: Fingerprints,
        current: frozenset[str] | None = None,
    ) -> None:  # fmt: skip
        self._project, self._selector, self._prints = project, selector, prints
        self._current = current
        self._known: dict[str, Freshness] = {}

    def judge(self, record: RunRecord, here: Here | None = None) -> Freshness:
        """Hold a record against the project; with `here`, against this installation too."""
        if self._current is not None:
            if record.imported:
                return _IMPORTED
            return self._frozen(record.started.replace("-", "").replace(":", ""))
        if here is None:
            return self._aged(self._by_inputs(record, record.inputs.digest[:12]), record.started)
        freshness = judge(record.inputs, self._project, self._selector, self._prints, here)
        return self._aged(freshness, record.started)

    def is_fresh(self, entry: Entry, read: Callable[[Entry], RunRecord | None]) -> bool:
        """Whether a stored record is fresh; `read` is called when its inputs are new to us."""
        if self._current is not None:
            return not entry.imported and self._frozen(entry.started).state is State.FRESH
        freshness = self._known.get(entry.inputs_key)
        if freshness is None:
            record = read(entry)
            if record is None:
                return False
            freshness = self._by_inputs(record, entry.inputs_key)
        return self._aged(freshness, entry.started).state is State.FRESH

    def _frozen(self, started: str) -> Freshness:
        return Freshness(State.FRESH) if started in (self._current or ()) else _EARLIER

    def _by_inputs(self, record: RunRecord, key: str) -> Freshness:
        if record.imported:
            return _IMPORTED
        if key not in self._known:
            self._known[key] = judge(record.inputs, self._project, self._selector, self._prints)
        return self._known[key]

    @cached_property
    def _now(self) -> float | None:
        return project_time(self._project.root)

    def _aged(self, freshness: Freshness, started: str) -> Freshness:
        limit = self._selector.max_age
        if not limit or self._now is None or not is_older(started, limit, self._now):
            return freshness
        reason = Reason("too old", f"measured {started[:10]}, more than {limit} ago")
        return Freshness(State.STALE, (*freshness.reasons, reason))
