"""What pages cite, by its key: the digest of what is shown, and what there is nothing of.

A key is a selector, or the path of a value. Behind a name ``@`` tells what it is the name of, or
what else of it is shown; a key that begins with it is all that is declared.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from .citable import SPREADS
from .errors import PtyregError, UnknownNameError
from .evidence import Evidence
from .frozen import FrozenStore, versions
from .record import Artifact, digest_of
from .releases import releases
from .selector_evidence import SelectorEvidence
from .store import Layer

if TYPE_CHECKING:
    from .vouching import Vouch

__all__ = ["ARTIFACT", "FINDING", "FINDINGS", "HISTORY", "SELECTORS", "VOUCHED", "Cited"]

#: Behind a selector's name: its earlier runs are shown, or who vouches for its measurement.
HISTORY, VOUCHED = "@history", "@vouched"

#: Behind ``selector.artifact``, and behind the id of a finding.
ARTIFACT, FINDING = "@artifact", "@finding"

#: All that is declared is listed.
SELECTORS, FINDINGS = "@selectors", "@findings"


class Cited:
    """Looks up what keys mean in the evidence of a build; each digest is taken once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._digests: dict[str, str] = {}
        self._rests: dict[str, bool] = {}
        self._vouched: dict[str, Vouch] = {}

    def digest(self, key: str) -> str:
        """Digest of what citing `key` shows now."""
        if key not in self._digests:
            self._digests[key] = self._digest(key)
        return self._digests[key]

    def rests_on_runs(self, key: str) -> bool:
        """Whether what `key` shows would be another one after another run; no declared value is."""
        if "@" in key or "." not in key:
            return True
        if key not in self._rests:
            try:
                value = self._evidence.value(key)[1]
            except PtyregError:  # told where it is cited
                value = None
            self._rests[key] = value is None or value.n > 0
        return self._rests[key]

    def lack(self, key: str) -> str:
        """Say why nothing stands where `key` is cited, though its selector was measured."""
        spread = key.rpartition(".")[2] in SPREADS
        if not spread and not key.endswith(ARTIFACT):
            return ""
        try:
            if spread:
                own, value = self._evidence.value(key)
                runs = own.spread_of(key.partition(".")[2]) if value is None else 0
                again = f"ptyreg run {own.selector.name} --repeats 2"
                if runs > 1:  # two runs, and a mean of 0
                    return f"Expected {key.rpartition('.')[0]} not to be 0 on average, but it is."
                told = f"Expected two runs for {key}, but got {runs}. Measure it again: {again}"
                return told if runs else ""
            if (artifact := self.artifact(key)) and not self._evidence.store.artifact(artifact):
                path = key.removesuffix(ARTIFACT)
                again = f"ptyreg run {path.partition('.')[0]}"
                return (
                    f"Expected the file of {path} in the store, but got none. "
                    f"Measure it here: {again}"
                )
        except PtyregError:  # what is unknown is told where it is cited
            pass
        return ""

    def artifact(self, key: str) -> Artifact | None:
        """Return the artifact ``selector.artifact``; None when its selector was never measured.

        Raises:
            UnknownNameError: The run left none of this name.
        """
        path = key.removesuffix(ARTIFACT)
        name, _, artifact = path.partition(".")
        record = self._evidence.selector(name).measured
        if record is not None and artifact not in record.artifacts:
            raise UnknownNameError("artifact", path, [f"{name}.{key}" for key in record.artifacts])
        return None if record is None else record.artifacts[artifact]

    def vouched(self, own: SelectorEvidence) -> Vouch:
        """Find who vouches for a measurement; git is asked, so once a build.

        Raises:
            PtyregError: That cannot be found out.
        """
        from .vouching import Vouch, vouch  # noqa: PLC0415 - few pages ask

        name = own.selector.name
        if name not in self._vouched:
            project, layer = self._evidence.project, self._evidence.store.published
            found = [
                vouch(project, layer, entry, Layer(project.published))
                for record in own.samples
                if (entry := own.kept_in(layer, record))
            ]
            good, runs = sum(one.verified for one in found), len(own.samples)
            told = found[-1] if found else Vouch(False, "not verified")
            if 0 < good < runs:
                told = Vouch(False, f"not verified: {runs - good} of {runs} runs")
            self._vouched[name] = told
        return self._vouched[name]

    def prose_digest(self, selectors: tuple[str, ...]) -> str:
        """Digest of what the typed numbers of a page are held against.

        Args:
            selectors: What its paragraphs name; another may be named in them once it is declared.
        """
        known = self._evidence.project.selectors
        words = [[own.name, own.title, own.aliases] for own in known.values()]
        return digest_of([words, [self.digest(name) for name in selectors]])

    def _digest(self, key: str) -> str:
        project = self._evidence.project
        if key in {SELECTORS, FINDINGS}:
            return digest_of(list(project.selectors if key == SELECTORS else project.findings))
        try:
            return digest_of(self._shown(key))
        except UnknownNameError:  # which names there are is told, not shown
            return digest_of("unknown")
        except PtyregError as error:
            return digest_of(str(error))

    @cached_property
    def _versions(self) -> tuple[list[str], dict[str, str]]:
        """What a commit may be called: the frozen releases and the tags."""
        project = self._evidence.project
        return versions(project), releases(project.root)

    @property
    def _release(self) -> str:
        """The version whose evidence is shown: comparisons name the one before it."""
        store = self._evidence.store
        return store.version if isinstance(store, FrozenStore) else ""

    def _shown(self, key: str) -> list[object]:
        evidence = self._evidence
        name, mark, _ = key.partition("@")
        if mark and key.endswith(FINDING):
            return [evidence.project.finding(name), evidence.supports[name]]
        if mark and key.endswith(ARTIFACT):
            artifact = self.artifact(key)
            there = artifact and evidence.store.artifact(artifact) is not None
            own = evidence.selector(name.partition(".")[0])
            return [artifact, there, own.standing]
        if mark:
            own = evidence.selector(name)
            if key.endswith(VOUCHED):
                return [self.vouched(own)]
            return [own.history_digest, self._release, *self._versions]
        if "." not in key:
            return [evidence.selector(key).digest]
        own, value = evidence.value(key)
        return [value, own.standing if self.rests_on_runs(key) else None]
