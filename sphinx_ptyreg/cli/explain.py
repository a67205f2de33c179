"""``ptyreg explain``: what a measurement depends on, and what has changed since."""

from __future__ import annotations

import argparse
from typing import Any

from ..ensure import stands_here
from ..errors import ExitCode
from ..evidence import Evidence, SelectorEvidence
from ..inputs import Freshness, State
from ..reads import covers_nothing
from ..record import Inputs
from .console import Console, heading, status_word
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


def execute(arguments: argparse.Namespace) -> int:
    """Explain each selector; 1 when one is not fresh."""
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    answers = []
    good = True
    for selector in chosen(project, arguments):
        own = evidence.selector(selector.name)
        freshness = stands_here(own) if arguments.here else own.freshness
        good = good and freshness.state is State.FRESH
        vain = covers_nothing(selector, evidence.prints)
        answers.append(_answer(own, freshness) | {"inputs_without_files": vain})
        _print(console, own, freshness, everything=arguments.inputs)
        for pattern in vain:
            console.print(f"  ! inputs: {pattern} covers no file")
    console.answer({"selectors": answers})
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


def _print(
    console: Console, evidence: SelectorEvidence, freshness: Freshness, *, everything: bool
) -> None:
    name, record = evidence.selector.name, evidence.measured
    if record is None:
        console.print(f"{name}: never measured. Run: ptyreg run {name}")
        return
    told = f", measured {record.started[:10]} (record {record.id})"
    console.print(heading(name), ": ", status_word(freshness.state.value), told)
    for cause in freshness.reasons:
        console.print(f"  - {cause}")
    console.print(f"  depends on {_counts(record.inputs)}")
    if record.inputs.unseen:
        console.print("  inputs are partly known:")
        for reason in record.inputs.unseen:
            console.print(f"  ? {reason}")
        if not evidence.selector.inputs:
            console.print(
                "    so every file of the project counts. To narrow this, declare what they read:"
            )
            console.print(f'    [tool.ptyreg.selectors.{name}] inputs = ["FOLDER/**/*"]')
    if everything:
        for key in _details(record.inputs):
            console.print(f"    {key}")


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
