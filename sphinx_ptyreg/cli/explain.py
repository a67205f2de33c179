"""``ptyreg explain``: what a measurement depends on, and what has changed since."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from ..ensure import stands_here
from ..errors import ExitCode
from ..evidence import Evidence, SelectorEvidence
from ..inputs import Freshness, State
from ..record import Inputs
from .project import add_names, chosen, opened

NAME = "explain"
HELP = "Say what a measurement depends on, and why it is stale."
WRITES = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names, how far to look, and the form of the answer."""
    add_names(parser)
    parser.add_argument(
        "--here",
        action="store_true",
        help="also compare installed versions, interpreter and variables with this machine's",
    )
    parser.add_argument("--inputs", action="store_true", help="list every input")
    parser.add_argument("--json", action="store_true", help="print JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Explain each selector; 1 when one is not fresh."""
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    answers = []
    good = True
    for selector in chosen(project, arguments):
        own = evidence.selector(selector.name)
        freshness = stands_here(own) if arguments.here else own.freshness
        good = good and freshness.state is State.FRESH
        answers.append(_answer(own, freshness))
        if not arguments.json:
            _print(own, freshness, everything=arguments.inputs)
    if arguments.json:
        sys.stdout.write(
            msgspec.json.format(msgspec.json.encode(answers), indent=1).decode() + "\n"
        )
    return ExitCode.OK if good else ExitCode.VERDICT


def _answer(evidence: SelectorEvidence, freshness: Freshness) -> dict[str, Any]:
    record = evidence.measured
    return {
        "selector": evidence.selector.name,
        "state": freshness.state,
        "reasons": [reason._asdict() for reason in freshness.reasons],
        "record": record.id if record else None,
        "inputs": record.inputs if record else None,
    }


def _print(evidence: SelectorEvidence, freshness: Freshness, *, everything: bool) -> None:
    name, record = evidence.selector.name, evidence.measured
    if record is None:
        print(f"{name}: never measured. Run: ptyreg run {name}")
        return
    print(f"{name}: {freshness.state}, measured {record.started[:10]} (record {record.id})")
    for cause in freshness.reasons:
        print(f"  - {cause}")
    print(f"  depends on {_counts(record.inputs)}")
    if record.inputs.unseen:
        print("  inputs are partly known:")
        for reason in record.inputs.unseen:
            print(f"  ? {reason}")
        if not evidence.selector.inputs:
            print(
                "    so every file of the project counts. To narrow this, declare what they read:"
            )
            print(f'    [tool.ptyreg.selectors.{name}] inputs = ["FOLDER/**/*"]')
    if everything:
        for key in _details(record.inputs):
            print(f"    {key}")


def _counts(inputs: Inputs) -> str:
    parts = [
        (len(inputs.files), "file", "files"),
        (len(inputs.existence), "existence check", "existence checks"),
        (len(inputs.listings), "folder listing", "folder listings"),
        (len(inputs.packages), "distribution", "distributions"),
        (len(inputs.variables), "variable", "variables"),
    ]
    told = [f"{n} {one if n == 1 else many}" for n, one, many in parts if n]
    return ", ".join([*told, f"Python {inputs.python}"])


def _details(inputs: Inputs) -> list[str]:
    return [
        *inputs.files,
        *(f"{path} ({'there' if there else 'absent'})" for path, there in inputs.existence.items()),
        *(f"{scan} (names)" for scan in inputs.listings),
        *(f"{path} (pytest's settings)" for path in inputs.sections),
        *(f"{name} {version}" for name, version in inputs.packages.items()),
        *(f"{name}={value}" for name, value in inputs.variables.items()),
    ]
