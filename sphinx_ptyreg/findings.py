"""Policies and lessons, and whether the evidence supports them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from packaging.utils import canonicalize_name

from .declared import Finding
from .inputs import State
from .interpreter import meets
from .record import Outcome, RunRecord

__all__ = ["Support", "Verdict", "Witness", "judge"]


class Verdict(StrEnum):
    """Whether the evidence supports a finding."""

    HOLDS = "holds"
    FALSE = "false"
    STALE = "stale evidence"
    NOT_COMPARABLE = "not comparable"
    NO_DATA = "no data"


class Witness(NamedTuple):
    """A recorded run that a finding may be judged by, and whether the project still has it."""

    record: RunRecord
    state: State


class Support(NamedTuple):
    """What the evidence says to a finding.

    Attributes:
        verdict: Whether it supports it.
        evidence: What that rests on, in words.
        selector: The selector that ran.
        broken: Whether its claim cannot be judged as it is declared.
    """

    verdict: Verdict
    evidence: str
    selector: str = ""
    broken: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether it contradicts, is out of date, or cannot be told."""
        return self.broken or self.verdict in {Verdict.FALSE, Verdict.STALE}


def judge(finding: Finding, witnesses: Iterable[Witness]) -> Support:
    """Judge `finding` by the newest run of each selector.

    The worst verdict counts: one run that contradicts a rule is enough.
    """
    check = _by_version if finding.requires is not None else _by_tests
    supports = [s for w in witnesses for s in check(finding, w)]
    for verdict in (Verdict.FALSE, Verdict.STALE, Verdict.HOLDS):
        for support in supports:
            if support.verdict is verdict:
                return support
    return Support(Verdict.NO_DATA, "no recorded run tells")


def _by_version(finding: Finding, witness: Witness) -> Iterable[Support]:
    from packaging.requirements import Requirement  # noqa: PLC0415 - few pages show findings

    requirement = Requirement(finding.requires or "")
    version = witness.record.inputs.packages.get(canonicalize_name(requirement.name))
    if version is None or not witness.record.measured:
        return
    held = meets(version, requirement)
    yield _weigh(witness, holds=held, evidence=f"ran with {requirement.name} {version}")


def _by_tests(finding: Finding, witness: Witness) -> Iterable[Support]:
    for nodeid in finding.nodeids:
        for test in witness.record.tests:
            if test.nodeid == nodeid or test.nodeid.startswith(f"{nodeid}["):
                evidence = f"{test.nodeid.rpartition('::')[2]} {test.outcome.words}"
                yield _weigh(witness, holds=test.outcome is Outcome.PASSED, evidence=evidence)


def _weigh(witness: Witness, *, holds: bool, evidence: str) -> Support:
    verdict = Verdict.HOLDS if holds else Verdict.FALSE
    if witness.state is not State.FRESH:
        verdict = Verdict.STALE
    return Support(verdict, evidence, witness.record.selector)
