"""Verdicts as GitHub Actions shows them: annotations in the changed files, and a step summary.

Commands and their escapes: https://docs.github.com/actions, "Workflow commands".
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .. import report
from ..declared import Project
from ..errors import InfrastructureError
from ..markdown import cell, table
from ..plain import plain
from ..revision import prefix_of
from .console import Console

__all__ = ["summary", "write"]


def write(console: Console, project: Project, told: dict[str, Any]) -> None:
    """Print an annotation for each problem; append the summary when there is a file for it.

    Raises:
        InfrastructureError: The file cannot be written.
    """
    prefix = prefix_of(project.root)
    toml = (project.root / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    for case in report.cases(told):
        if case.problem:
            file, line = (case.document, case.line) if case.document else _declared(case, toml)
            inside = not Path(file).is_absolute() and (project.root / file).exists()
            if inside:  # GitHub counts from the top of the checkout
                file = prefix + file
            _annotate(console, "error", file, line, case.kind.removesuffix("s"), case.problem, case)
    for text in told["unreadable"]:
        _annotate(console, "error", "", 0, "record", text)
    for text in told["notes"]:
        _annotate(console, "notice", "", 0, "note", text)
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(target).open("a", encoding="utf-8") as step:
                step.write(summary(told))
        except OSError as error:
            raise InfrastructureError(
                f"Expected GITHUB_STEP_SUMMARY to name a file that can be written, "
                f"but got: {error.strerror}."
            ) from error


def summary(told: dict[str, Any]) -> str:
    """Return a report as Markdown."""
    mark = {"pass": "✅", "fail": "❌", "no data": "➖"}
    lines = [f"### ptyreg: {mark[told['verdict']]} {told['verdict']}", ""]
    rows = []
    for case in report.cases(told):
        word = "fail" if case.problem else "no data" if case.skipped else "pass"
        kind, text = case.kind.removesuffix("s"), case.problem or case.skipped
        rows.append((mark[word], kind, f"`{case.name}`", text))
    lines += table(("", "kind", "name", ""), rows)
    lines += ["", *(f"- {cell(text)}" for text in (*told["unreadable"], *told["notes"]))]
    return "\n".join(lines) + "\n\n"


def _declared(case: report.Case, toml: list[str]) -> tuple[str, int]:
    """Return the file and line that declare what has a problem."""
    name, _, metric = case.name.partition(".")
    table = "findings" if case.kind == "findings" else "selectors"
    header = re.compile(rf"\s*\[tool\.ptyreg\.{table}\.[\"']?{re.escape(name)}[\"']?[\].]")
    wanted = re.compile(rf"\s*[\"']?{re.escape(metric)}[\"']?\s*=") if metric else None
    found = next((n for n, line in enumerate(toml, 1) if header.match(line)), 1)
    if wanted is not None:
        inside = (n for n, line in enumerate(toml[found:], found + 1) if wanted.match(line))
        found = next(inside, found)
    return "pyproject.toml", found


def _annotate(
    console: Console,
    level: str,
    file: str,
    line: int,
    title: str,
    text: str,
    case: report.Case | None = None,
) -> None:
    name = f" {case.name}" if case is not None and case.kind != "claims" else ""
    where = f"file={_escaped(file)},line={line}," if file else ""
    told = _escaped(f"ptyreg: {title}{name}")
    console.print(f"::{level} {where}title={told}::{_escaped(text, keep=':,')}")


def _escaped(text: str, keep: str = "") -> str:
    """Escape what would end a workflow command, or begin another."""
    text = plain(text)
    for mark, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        if mark not in keep:
            text = text.replace(mark, code)
    return text
