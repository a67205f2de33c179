"""``ptyreg check``: judge everything that is recorded, without a build."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import report
from ..declared import Project
from ..ensure import stands_here
from ..errors import ExitCode, PtyregError
from ..evidence import ClaimMade, Evidence
from ..page_source import read_page
from . import github
from .console import Console, Word, heading, status_word
from .pages import pages_of, shown_path
from .project import add_names, chosen, opened

NAME = "check"
HELP = "Judge selectors, guardrails, findings and the claims in pages; run and build nothing."
WRITES = "nothing (with --format github: the file that GITHUB_STEP_SUMMARY names)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to judge, how far to look, and the form of the answer."""
    add_names(parser)
    parser.add_argument(
        "--pages", metavar="PATH", action="append", type=Path, default=[],
        help="a page, or a folder of pages; may be given again (default: the project's docs)",
    )  # fmt: skip
    parser.add_argument(
        "--here",
        action="store_true",
        help="also compare installed versions, interpreter and variables with this machine's",
    )
    parser.add_argument(
        "--format",
        choices=("text", "github"),
        default="text",
        help="github: annotations, and a step summary (default: text)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Judge; 1 when a verdict is bad, 3 when a record cannot be read."""
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    wanted = chosen(project, arguments) if arguments.names or not project.findings else []
    wanted = wanted or list(project.selectors.values())
    names = [selector.name for selector in wanted]
    if arguments.here:
        for name in names:
            evidence.selectors[name].freshness = stands_here(evidence.selectors[name])
    pages, claims, cards = 0, [], set()
    for page in pages_of(project, arguments.pages):
        written = page.read_text(encoding="utf-8", errors="replace")
        source = read_page(written, rst=page.suffix == ".rst")
        path = shown_path(project, page)
        claims += [evidence.claim_made(path, line, text) for line, text in source.claims]
        cards |= set(source.cards)
        pages += 1
    told = report.report(evidence, "check", claims)
    if arguments.names:
        known = [name for selector in wanted for name in selector.names]
        told = _only(told, known, evidence, claims)
    told["pages"] = pages
    told["notes"] = [*_without_card(project, names, cards), *_unfit(evidence, names)]
    told["unreadable"] = evidence.unreadable(names)
    told["verdict"] = "fail" if any(case.problem for case in report.cases(told)) else "pass"
    if arguments.format == "github":
        github.write(console, project, told)
    else:
        _print(console, told)
    console.answer({"judged": told})
    if not report.is_good(told):
        return ExitCode.VERDICT
    return ExitCode.INFRASTRUCTURE if told["unreadable"] else ExitCode.OK


def _only(
    told: dict[str, Any], names: list[str], evidence: Evidence, claims: list[ClaimMade]
) -> dict[str, Any]:
    """Return the part of a report that is about `names`."""
    wanted = set(names)
    findings = evidence.project.findings
    stated = {made.claim for made in claims} | {f.claim for f in findings.values() if f.claim}
    owners = {text: {evidence.owner(path) for path in evidence.claimed(text)} for text in stated}
    return told | {
        "selectors": [own for own in told["selectors"] if own["name"] in wanted],
        "findings": [
            found
            for found in told["findings"]
            if wanted & {found["selector"], *owners.get(findings[found["id"]].claim or "", ())}
        ],
        "claims": [made for made in told["claims"] if owners[made["claim"]] & wanted],
    }


def _without_card(project: Project, names: list[str], cards: set[tuple[str, str]]) -> Iterator[str]:
    """Yield what is declared and has no place in a page that links could lead to."""
    defined = set(cards)
    for kind, name in cards:
        if kind == "selector":
            try:
                defined.add((kind, project.selector(name).name))
            except PtyregError:  # the build tells an unknown name where it stands
                continue
    declared = [
        *(("selector", name) for name in names),
        *(("finding", f) for f in project.findings),
    ]
    for kind, name in declared:
        if (kind, name) not in defined:
            yield f"no page has the card of {kind} {name}: {{ptyreg:{kind}}} {name}"


def _unfit(evidence: Evidence, names: list[str]) -> Iterator[str]:
    for notice in evidence.unfit_for_release():
        if notice.selector in names:
            yield f"{notice.selector}: {notice.text}"


def _without_name(problem: str) -> str:
    """Return what is wrong with a claim without the claim: the row has it already."""
    named, colon, why = problem.partition("': ")
    return why if colon and named.startswith("claim '") else problem


def _print(console: Console, told: dict[str, Any]) -> None:
    judged = list(report.cases(told))
    for kind in dict.fromkeys(case.kind for case in judged):
        console.print(heading(kind))
        console.table(
            [
                (status_word(case.word), case.name,
                 _without_name(case.problem) or case.skipped or case.warned)
                for case in judged
                if case.kind == kind and (kind != "claims" or case.problem)
            ],
            indent="  ",
        )  # fmt: skip
        if kind == "claims":
            good = sum(case.kind == kind and not case.problem for case in judged)
            console.print(f"  {good} hold")
    for title, tone in (("unreadable", "bad"), ("notes", "dim")):
        if told[title]:
            console.print(heading(title))
        for text in told[title]:
            console.print("  ", Word(text, tone))
    bad = sum(bool(case.problem) for case in judged)
    console.print(status_word(told["verdict"]), f": {len(judged)} judged, {bad} bad")
    pages = f"{told['pages']} page{'' if told['pages'] == 1 else 's'}"
    scope = f"{pages} read as text; a build also judges what includes and "
    console.print(Word(f"{scope}substitutions claim: sphinx-build -b ptyreg", "dim"))
