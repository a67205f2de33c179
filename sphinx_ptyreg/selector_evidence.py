"""What is known about one selector: its runs, and what follows from them."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from . import guardrails
from .artifacts import IMAGES
from .baselines import baseline_of
from .citable import SPREADS, gather, numbers_of, summary_of, values_of
from .declared import Project, Selector
from .entries import Entry, machine_key
from .errors import RecordError, WarningSubtype
from .fingerprints import Fingerprints
from .frozen import FrozenStore
from .inputs import Freshness, Here, State
from .readable import Readable, presentable
from .record import Outcome, RunRecord, digest_of
from .standing import Standing
from .statistics import Summary
from .store import Layer, Store, entries_of
from .units import Quantity
from .values import Value

__all__ = ["Notice", "SelectorEvidence"]


class Notice(NamedTuple):
    """Something a reader of the build's log must know."""

    subtype: WarningSubtype
    selector: str
    text: str


class SelectorEvidence:
    """What is known about one selector.

    Args:
        project: Where it is declared.
        selector: Its declaration.
        store: Where its records lie.
        prints: Looks at the project's files.
    """

    def __init__(
        self, project: Project, selector: Selector, store: Store, prints: Fingerprints
    ) -> None:
        self.project = project
        self.selector = selector
        self.notices: list[Notice] = []
        self._store = store
        current = store.current if isinstance(store, FrozenStore) else None
        self._standing = Standing(project, selector, prints, current)
        self._read: dict[str, RunRecord | None] = {}

    @cached_property
    def entries(self) -> list[Entry]:
        """Every stored run, under all its names, oldest first; of warm-ups those that failed."""
        found = {e.name: e for e in entries_of(self._store, self.selector.names)}
        return [
            entry
            for _, entry in sorted(found.items())
            if not entry.warmup or entry.outcome is not Outcome.PASSED
        ]

    @cached_property
    def measured(self) -> RunRecord | None:
        """The newest measurement that is fresh, else the newest; an import for want of a run.

        One of the machine class that the selector declares comes before any other.
        """
        measured = [entry for entry in self.entries if entry.measured]
        key = machine_key(self.selector.machine_class)
        measured = [entry for entry in measured if entry.machine_key == key] or measured
        return self._newest(measured, runs=True) or self._newest(measured)

    @cached_property
    def latest(self) -> RunRecord | None:
        """The newest run that is fresh, else the newest, however it ended; imports come last."""
        return self._newest(self.entries, runs=True) or self._newest(self.entries)

    @property
    def failure(self) -> RunRecord | None:
        """The latest run, when it is no measurement."""
        return None if self.latest is None or self.latest.measured else self.latest

    @cached_property
    def freshness(self) -> Freshness:
        """How the measurement stands against the project."""
        if self.measured is None:
            return Freshness(State.MISSING)
        return self._standing.judge(self.measured)

    @cached_property
    def samples(self) -> list[RunRecord]:
        """The measurements of the same inputs and machine class as :attr:`measured`."""
        return self.sample_set(self.measured) if self.measured else []

    @cached_property
    def attempts(self) -> list[RunRecord]:
        """Every run that can be read but warm-ups, oldest first, however it ended."""
        return [record for entry in self.entries if (record := self._record(entry))]

    def look_into(self, readable: Readable) -> None:
        """Read what nobody has read since it was written, so that a bad record is told."""
        for entry in readable.unread(self.entries):
            known = entry.name in self._read
            record = self._read[entry.name] if known else self._look(entry)
            if record is not None:
                readable.note(entry)

    @cached_property
    def classes(self) -> dict[str, list[RunRecord]]:
        """Machine class → its newest sample set; the class of :attr:`measured` first.

        Imports are a class of their own, also where somebody gave a run the class that they have.
        """
        groups: dict[tuple[str, bool], list[Entry]] = {}
        for entry in self.entries:
            if entry.measured:
                groups.setdefault((entry.machine_key, entry.imported), []).append(entry)
        found = [record for group in groups.values() if (record := self._newest(group))]
        found.sort(key=lambda r: (r is not self.measured, r.machine_class, r.imported))
        ran = {record.machine_class for record in found if not record.imported}
        return {
            r.where if r.machine_class in ran else r.machine_class: self.sample_set(r)
            for r in found
        }

    @property
    def machine_class(self) -> str:
        """Where :attr:`measured` was measured; nothing when it was not."""
        return self.measured.machine_class if self.measured else ""

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The paths of what the sample set measured, statistics among them."""
        stems = {path for record in self.samples for path, _, _ in numbers_of(record)}
        return frozenset(
            path for path in self.values if path in stems or path.rpartition(".")[0] in stems
        )

    def spread_of(self, path: str) -> int:
        """Return how many runs there are when the spread that `path` is cannot be told of them."""
        base, _, statistic = path.rpartition(".")
        if statistic not in SPREADS or path in self.values or base not in self.numbers:
            return 0
        return self.values[base].n if self.values[base].newest else 0

    def kept_in(self, layer: Layer, record: RunRecord) -> Entry | None:
        """Return where a record that was read here lies in a layer; None when it does not."""
        kept = entries_of(layer, self.selector.names)
        return next((entry for entry in kept if self._read.get(entry.name) is record), None)

    def stems(self, kind: str) -> list[str]:
        """Return the paths ``KIND.NAME`` of what the sample set measured, as they were recorded."""
        found = (path for record in self.samples for path, _, _ in numbers_of(record))
        return list(dict.fromkeys(path for path in found if path.startswith(f"{kind}.")))

    def sample_set(self, record: RunRecord) -> list[RunRecord]:
        """Return the measurements of the same inputs and machine class as `record`.

        Those that are too old stand beside no fresh one.
        """
        fresh = self.judge(record).state is State.FRESH
        return self._same_set(record, self.entries, fresh=fresh)

    def judge(self, record: RunRecord, here: Here | None = None) -> Freshness:
        """Hold a record against the project; with `here`, against this installation too."""
        return self._standing.judge(record, here)

    def has_fresh(self, machine_class: str, here: Here) -> bool:
        """Whether a run kept in the local store, even a failed one, still stands for one here.

        A published record does not: `auto` measures on this machine. A run that was interrupted
        says nothing about the project: it is due again.
        """
        local = self._store.local.folder / "records"
        for entry in reversed(self.entries):
            ended_here = entry.lies_below(local) and entry.outcome is not Outcome.INTERRUPTED
            if not ended_here or not self._is_fresh(entry):
                continue
            record = self._record(entry)
            if record is not None and record.machine_class == machine_class:
                return self.judge(record, here).state is State.FRESH
        return False

    def summary(self, metric: str) -> tuple[Summary, str] | None:
        """Summarise a metric over the sample set; None when it was not measured."""
        return summary_of(self.samples, metric)

    @cached_property
    def values(self) -> dict[str, Value]:
        """Every citable path below the selector's name."""
        values = dict(self._gathered[0])
        n = len(self.samples)
        outcome = self.latest.outcome.words if self.latest else "not measured"
        values["freshness"] = Value(self.freshness.state.value, n=n, newest=True)
        values["outcome"] = Value(outcome, n=n, newest=True)
        for judgement in self.judgements:
            values[f"guardrails.{judgement.metric}"] = Value(judgement.verdict.value, n=n)
        return values

    @property
    def ambiguous(self) -> dict[str, list[str]]:
        """Paths that would mean two values → the paths that mean one of them each."""
        return self._gathered[1]

    @cached_property
    def _gathered(self) -> tuple[dict[str, Value], dict[str, list[str]]]:
        return gather(values_of(self.selector, self.measured, self.samples))

    @cached_property
    def judgements(self) -> list[guardrails.Judgement]:
        """Every guardrail, judged by the mean of the sample set."""
        judgements = []
        for metric, guardrail in self.selector.guardrails.items():
            found = self.summary(metric)
            value = None if found is None else Quantity(found[0].mean, found[1])
            baseline = baseline_of(metric, guardrail, self.measured, self._published_set)
            judgements.append(guardrails.judge(metric, guardrail, value, baseline))
        return judgements

    @cached_property
    def digest(self) -> str:
        """Digest of all that a page can show of this selector."""
        records = [record.id for record in (self.measured, self.latest, *self.samples) if record]
        artifacts = self.measured.artifacts.values() if self.measured else ()
        images = [
            artifact.sha256
            for artifact in artifacts
            if artifact.suffix in IMAGES and self._store.artifact(artifact)
        ]
        return digest_of([records, self.freshness, self.judgements, self.selector, images])

    @cached_property
    def standing(self) -> str:
        """Digest of what stands beside each value: its record, its freshness, a later failure."""
        record, failure = self.measured, self.failure
        told = [record and record.id, self.freshness.state, failure and failure.outcome]
        return digest_of([told, len(self.samples)])

    @cached_property
    def history_digest(self) -> str:
        """Digest of all that a page can show of this selector and its earlier runs."""
        published = sorted((entry.name, entry.stamp) for entry in self._published)
        states = [self.judge(records[-1]).state for records in self.classes.values()]
        return digest_of([self.digest, [entry.name for entry in self.entries], published, states])

    @cached_property
    def _published(self) -> list[Entry]:
        return list(entries_of(self._store.baseline, self.selector.names))

    def _published_set(self) -> list[RunRecord]:
        return self._same_set(self.measured, self._published) if self.measured else []

    def _same_set(
        self, like: RunRecord, entries: list[Entry], *, fresh: bool = False
    ) -> list[RunRecord]:
        mine = (like.inputs.digest, like.machine_class)
        found = (e for e in entries if e.inputs_key == mine[0][:12] and e.measured)
        records = (self._record(e) for e in found if not fresh or self._is_fresh(e))
        same = [r for r in records if r and (r.inputs.digest, r.machine_class) == mine]
        # One report that was imported twice, from two paths, is one run.
        return list({r.citation.sha256 if r.citation else id(r): r for r in same}.values())

    def _newest(self, entries: list[Entry], *, runs: bool = False) -> RunRecord | None:
        """Read the newest that is fresh, else the newest; with `runs`, no import."""
        for wanted in (self._is_fresh, lambda _: True):
            for entry in reversed(entries):
                if runs and entry.imported:
                    continue
                if wanted(entry) and (record := self._record(entry)):
                    return record
        return None

    def _is_fresh(self, entry: Entry) -> bool:
        return self._standing.is_fresh(entry, self._record)

    def _record(self, entry: Entry) -> RunRecord | None:
        """Read a record once; one that cannot be read is told once and set aside."""
        if entry.name not in self._read:
            record = self._look(entry)
            self._read[entry.name] = None if record is None else presentable(record)
        return self._read[entry.name]

    def _look(self, entry: Entry) -> RunRecord | None:
        try:
            record = entry.read()
            if record.selector not in self.selector.names:
                raise RecordError(f"{entry.name}: Expected a record of {self.selector.name}.")
        except RecordError as error:
            self.notices.append(Notice(WarningSubtype.RECORD, self.selector.name, str(error)))
            return None
        return record
