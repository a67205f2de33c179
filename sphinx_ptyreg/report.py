"""All verdicts of a build as JSON, and as JUnit XML for what reads test reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from . import findings, guardrails
from .evidence import ClaimMade, Evidence, SelectorEvidence
from .judging import Verdict
from .plain import plain
from .record import canonical
from .values import shown

__all__ = ["SCHEMA", "Case", "as_json", "cases", "is_good", "junit", "report"]

SCHEMA = 1

#: How many reasons of a stale selector stand in one line; its own list has all.
_TOLD = 3


class Case(NamedTuple):
    """Something judged.

    Attributes:
        kind: What it is.
        name: Its name.
        skipped: Why it tells nothing.
        problem: What is wrong with it.
        document: The page, or the file that one includes, that a claim stands in.
        line: Its line there.
        warned: What it warns of.
    """

    kind: str
    name: str
    skipped: str
    problem: str
    document: str = ""
    line: int = 0
    warned: str = ""

    @property
    def word(self) -> str:
        """How it stands."""
        if self.problem:
            return "fail"
        return "no data" if self.skipped else "warn" if self.warned else "pass"


def report(evidence: Evidence, mode: str, claims: Iterable[ClaimMade]) -> dict[str, Any]:
    """Return what can be written as JSON: every selector, finding and claim with its verdict."""
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "mode": mode,
        "selectors": [_selector(own) for own in evidence.selectors.values()],
        "findings": [
            {"id": id_, "title": finding.title, "verdict": support.verdict.value,
             "evidence": support.evidence, "selector": support.selector,
             "broken": support.broken}
            for id_, finding in evidence.project.findings.items()
            for support in [evidence.supports[id_]]
        ],
        "claims": [
            {"document": made.document, "line": made.line, "claim": made.claim,
             "verdict": made.verdict.value if made.verdict else "no claim", "told": made.told}
            for made in claims
        ],
    }  # fmt: skip
    told["verdict"] = "fail" if any(case.problem for case in cases(told)) else "pass"
    return told


def is_good(told: dict[str, Any]) -> bool:
    """Whether nothing in the report has failed."""
    return bool(told["verdict"] == "pass")


def junit(told: dict[str, Any]) -> bytes:
    """Write a report as JUnit XML: a suite for selectors, guardrails, findings and claims each."""
    root = ET.Element("testsuites", name="ptyreg")
    suites: dict[str, ET.Element] = {}
    for judged in cases(told):
        kind = f"ptyreg.{judged.kind}"
        suite = suites.get(kind)
        if suite is None:
            suite = suites[kind] = ET.SubElement(root, "testsuite", name=kind)
        case = ET.SubElement(suite, "testcase", classname=kind, name=_fit(judged.name))
        if judged.problem:
            ET.SubElement(case, "failure", message=_fit(judged.problem))
        elif judged.skipped:
            ET.SubElement(case, "skipped", message=_fit(judged.skipped))
    for suite in suites.values():
        suite.set("tests", str(len(suite)))
        suite.set("failures", str(len(suite.findall("*/failure"))))
        suite.set("skipped", str(len(suite.findall("*/skipped"))))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def cases(told: dict[str, Any]) -> Iterator[Case]:
    """Yield everything that a report judges."""
    for own in told["selectors"]:
        wrong = "" if own["outcome"] == "passed" else own["outcome"].replace("_", " ")
        if own["freshness"] != "fresh":
            reasons, more = own["reasons"][:_TOLD], len(own["reasons"]) - _TOLD
            reasons += [f"and {more} more"] if more > 0 else []
            wrong = ", ".join(filter(None, [wrong, own["freshness"], *reasons]))
        yield Case("selectors", own["name"], "", wrong)
        for judged in own["guardrails"]:
            verdict, name = judged["verdict"], f"{own['name']}.{judged['metric']}"
            failed = judged["told"] if verdict == guardrails.Verdict.FAIL else ""
            unsaid = verdict in {guardrails.Verdict.NOT_COMPARABLE, guardrails.Verdict.NO_DATA}
            warned = judged["told"] if verdict == guardrails.Verdict.WARN else ""
            yield Case("guardrails", name, verdict if unsaid else "", failed, warned=warned)
    for found in told["findings"]:
        verdict = found["verdict"]
        bad = found["broken"] or verdict in {findings.Verdict.FALSE, findings.Verdict.STALE}
        text = f"{verdict}: {found['evidence']}"
        skipped = "" if verdict == findings.Verdict.HOLDS else text
        yield Case("findings", found["id"], skipped, text if bad else "")
    for made in told["claims"]:
        document, line = made["document"], made["line"]
        problem = "" if made["verdict"] == Verdict.HOLDS else made["told"]
        yield Case("claims", f"{document}:{line} {made['claim']}", "", problem, document, line)


def _selector(own: SelectorEvidence) -> dict[str, Any]:
    record, values = own.measured, own.values
    return {
        "name": own.selector.name,
        "outcome": own.latest.outcome.value if own.latest else "not_measured",
        "freshness": own.freshness.state.value,
        "reasons": [plain(str(reason)) for reason in own.freshness.reasons],
        "record": record.id if record else None,
        "measured": record.started if record else None,
        "commit": record.commit.id if record and record.commit else None,
        "machine_class": record.machine_class if record else None,
        "n": len(own.samples),
        "values": {path: shown(values[path]) for path in sorted(own.numbers)},
        "guardrails": [
            {"metric": judged.metric, "verdict": judged.verdict.value, "told": judged.told,
             "checks": [{**check._asdict(), "verdict": check.verdict.value}
                        for check in judged.checks]}
            for judged in own.judgements
        ],
    }  # fmt: skip


def _fit(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)


def as_json(told: dict[str, Any]) -> bytes:
    """Write a report as canonical JSON."""
    return canonical(told) + b"\n"
