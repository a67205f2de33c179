"""All that the pages may cite: a read-only snapshot, taken once per build."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from . import guardrails
from .citable import could_be
from .declared import MEASURED, Project
from .errors import PtyregError, UnknownNameError, WarningSubtype
from .fingerprints import Fingerprints
from .inputs import State
from .plain import plain
from .readable import Readable
from .reads import covers_nothing
from .record import Outcome
from .selector_evidence import Notice, SelectorEvidence
from .store import Store
from .values import AmbiguousPathError, Value

if TYPE_CHECKING:
    from .findings import Support
    from .judging import Judged, Known, Verdict

__all__ = ["ClaimMade", "Evidence", "Notice", "SelectorEvidence", "fingerprints_of"]


class ClaimMade(NamedTuple):
    """A claim in a page; `verdict` is nothing when it cannot be read."""

    document: str
    line: int
    claim: str
    verdict: Verdict | None
    told: str
    subtype: WarningSubtype = WarningSubtype.CLAIM

    @property
    def holds(self) -> bool:
        """Whether it is supported."""
        return self.verdict is not None and self.verdict.value == "holds"


def fingerprints_of(store: Store, project: Project) -> Fingerprints:
    """Return a look at the project's files that remembers them beside the local records."""
    return Fingerprints(project.root, store.local.folder / "cache" / "stat.json")


class Evidence:
    """The snapshot of a project's evidence.

    Args:
        project: The declaration.
        store: Where the records lie.
        absent: What is told of a selector without any.
    """

    def __init__(
        self, project: Project, store: Store, *, absent: str = "no run is recorded"
    ) -> None:
        self.project = project
        self._absent = absent
        self.prints = fingerprints_of(store, project)
        self.selectors = {
            name: SelectorEvidence(project, selector, store, self.prints)
            for name, selector in project.selectors.items()
        }
        self.store = store
        self._readable = Readable(store.local.folder / "cache" / "read.json")
        self._claims: dict[str, Judged] = {}
        self._names = {alias: n for n, own in project.selectors.items() for alias in own.aliases}
        self._names.update({name: name for name in project.selectors})

    def selector(self, name: str) -> SelectorEvidence:
        """Return the evidence of a selector, by its name or an alias.

        Raises:
            UnknownNameError: Nothing declares it.
        """
        return self.selectors[self.project.selector(name).name]

    def value(self, path: str) -> tuple[SelectorEvidence, Value | None]:
        """Look up ``selector.path.to.value``.

        There is no value when the selector was never measured, or when it is a spread and there is
        one run.

        Raises:
            UnknownNameError: The selector is not declared, or has no such value.
            AmbiguousPathError: The path would mean two values.
        """
        name, _, rest = path.partition(".")
        evidence = self.selector(name)
        if rest in evidence.values:
            return evidence, evidence.values[rest]
        if rest in evidence.ambiguous:
            raise AmbiguousPathError(path, [f"{name}.{key}" for key in evidence.ambiguous[rest]])
        unmeasured = evidence.measured is None
        if evidence.spread_of(rest) or (unmeasured and could_be(rest)):
            return evidence, None
        known = [*evidence.values, *(MEASURED if unmeasured else ())]
        raise UnknownNameError("value", path, [f"{name}.{key}" for key in known])

    def known(self, path: str) -> Known:
        """Tell a claim what `path` is.

        Raises:
            UnknownNameError: There is no such path.
            ClaimError: It is no number.
        """
        from .judging import Known, dimension_of, known_value  # noqa: PLC0415

        rest = path.partition(".")[2]
        evidence, value = self.value(path)
        if value is None:
            n = evidence.spread_of(rest)
            where = evidence.machine_class if n else ""
            return Known(None, dimension_of(rest), n, where, stale=False)
        stale = evidence.failure is not None or evidence.freshness.state is State.STALE
        where = evidence.machine_class if rest in evidence.numbers else ""
        return known_value(path, value, where, stale=stale and value.n > 0)

    def claim(self, text: str) -> Judged:
        """Judge a claim; each is judged once.

        Raises:
            ClaimError: It is no claim.
            UnknownNameError: It names what is not there.
        """
        if text not in self._claims:
            from .claims import parse  # noqa: PLC0415 - most pages claim nothing
            from .judging import judge_claim  # noqa: PLC0415

            self._claims[text] = judge_claim(parse(text), self.known)
        return self._claims[text]

    def claimed(self, text: str) -> tuple[str, ...]:
        """Return the paths that a claim is about; none when it cannot be read."""
        try:
            return self.claim(text).paths
        except PtyregError:
            from .claims import named  # noqa: PLC0415

            return tuple(named(text))

    def claim_made(self, document: str, line: int, text: str) -> ClaimMade:
        """Judge a claim where a page makes it; one that cannot be read is told, not raised."""
        try:
            judged = self.claim(text)
        except PtyregError as error:
            told = f"claim {text!r}: {error}"
            return ClaimMade(document, line, text, None, told, error.subtype)
        shown = f" ({judged.shown})" if judged.shown else ""
        told = f"claim {judged.statement!r}: {judged.verdict}{shown}"
        return ClaimMade(document, line, text, judged.verdict, told)

    @cached_property
    def supports(self) -> dict[str, Support]:
        """Every finding's verdict."""
        from . import findings  # noqa: PLC0415 - few pages show findings

        witnesses = [
            findings.Witness(evidence.latest, evidence.judge(evidence.latest).state)
            for evidence in self.selectors.values()
            if evidence.latest is not None
        ]
        return {
            id_: self._by_claim(finding.claim)
            if finding.claim is not None
            else findings.judge(finding, witnesses)
            for id_, finding in self.project.findings.items()
        }

    def _by_claim(self, text: str) -> Support:
        from . import findings  # noqa: PLC0415 - few pages show findings

        try:
            judged = self.claim(text)
        except PtyregError as error:
            return findings.Support(findings.Verdict.NO_DATA, str(error), broken=True)
        told = f"{judged.statement} ({judged.shown})" if judged.shown else judged.statement
        return findings.Support(findings.Verdict(judged.verdict.value), told)

    def owner(self, key: str) -> str:
        """Return the selector that a path, or another key of a citation, begins with; or nothing.

        A selector's names are looked up here for each citation of each page.
        """
        return self._names.get(key.partition("@")[0].partition(".")[0], "")

    def unfit_for_release(self) -> Iterator[Notice]:
        """Yield what a release cannot rest on: unseen inputs, and a machine that is not the one."""
        for name, evidence in self.selectors.items():
            record, wanted = evidence.measured, evidence.selector.machine_class
            if record and wanted not in {"", record.machine_class}:
                told = f"measured on {record.machine_class}, but {wanted} is declared"
                yield Notice(WarningSubtype.MISSING, name, told)
            unseen = record.inputs.unseen if record and not record.imported else []
            vain = covers_nothing(evidence.selector, self.prints)
            if unseen and (vain or not evidence.selector.inputs):
                told = f"inputs are partly known: {'; '.join(unseen[:3])}. Declare them."
                yield Notice(WarningSubtype.RECORD, name, told)

    def remember(self) -> None:
        """Keep what was learnt about files, so that the next build need not look again."""
        self.prints.save()
        self._readable.save()

    def unreadable(self, names: Collection[str]) -> list[str]:
        """Say which records of these selectors cannot be read, each looked into once."""
        for name in names:
            self.selectors[name].look_into(self._readable)
        found = (notice for name in names for notice in self.selectors[name].notices)
        return [notice.text for notice in found if notice.subtype is WarningSubtype.RECORD]

    def notices(self) -> Iterator[Notice]:
        """Yield what a build must tell: unreadable records, and what is missing, stale, failed."""
        for name, evidence in self.selectors.items():
            state, failure = evidence.freshness, evidence.failure
            evidence.look_into(self._readable)
            yield from evidence.notices
            if failure is not None:
                how = "" if failure.outcome is Outcome.FAILED else f"{failure.outcome.words}: "
                yield Notice(WarningSubtype.FAILED, name, f"{how}{failure.reason}")
            elif state.state is State.MISSING:
                yield Notice(WarningSubtype.MISSING, name, self._absent)
            for judgement in evidence.judgements:
                if judgement.verdict is guardrails.Verdict.FAIL:
                    yield Notice(WarningSubtype.GUARDRAIL, name, judgement.told)
                for bound in judgement.misfits:
                    unit = judgement.value.unit if judgement.value else ""
                    told = f"Expected the bound in a unit that {unit} converts to, but got {bound}"
                    yield Notice(WarningSubtype.GUARDRAIL, name, f"{judgement.metric}: {told}.")
            if state.state is State.STALE:
                why = "; ".join(map(str, state.reasons[:3]))
                more = f" and {len(state.reasons) - 3} more" if len(state.reasons) > 3 else ""
                yield Notice(WarningSubtype.STALE, name, plain(f"{why}{more}"))
