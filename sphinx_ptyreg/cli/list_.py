"""``ptyreg list``: every path that a page may cite, with its present value."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import ExitCode, UnknownNameError
from ..evidence import Evidence
from ..selector_evidence import SelectorEvidence
from ..values import shown
from .completion import completes_paths
from .console import Console, Part, Word, heading
from .project import declared, opened

NAME = "list"
HELP = "List every path that a page may cite, with its present value."
WRITES = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to begin."""
    completes_paths(parser.add_argument(
        "paths", metavar="PATH", nargs="*", default=[],
        help="selectors, or how a path begins: quick.duration (default: all)",
    ))  # fmt: skip


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a path.

    Raises:
        UnknownNameError: Nothing begins like that.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    answers = []
    for wanted in arguments.paths or [selector.name for selector in declared(project)]:
        name, _, beginning = wanted.partition(".")
        own = evidence.selector(name)
        told = _told(own)
        found = [entry for entry in told if f"{entry['path']}.".startswith(f"{beginning}.")]
        found = found or [entry for entry in told if entry["path"].startswith(beginning)]
        if beginning and not found and own.measured is not None:
            known = [f"{own.selector.name}.{entry['path']}" for entry in told]
            raise UnknownNameError("value", wanted, known)
        answers.append({"selector": own.selector.name, "values": found})
        _print(console, own, found)
    console.answer({"selectors": answers})
    return ExitCode.OK


def _told(own: SelectorEvidence) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = [
        {"path": path, "value": value.value, "unit": value.unit, "n": value.n,
         "shown": shown(value), "role": "value"}
        for path, value in own.values.items()
    ]  # fmt: skip
    values += [
        {"path": path, "value": None, "unit": "1", "n": 0, "shown": f"see {' or '.join(paths)}",
         "role": "ambiguous"}
        for path, paths in own.ambiguous.items()
    ]  # fmt: skip
    artifacts = own.measured.artifacts if own.measured else {}
    figures = [
        {"path": name, "value": artifact.file_name, "unit": "1", "n": 1,
         "shown": f"{artifact.title or artifact.suffix} ({artifact.size} B)",
         "role": "artifact"}
        for name, artifact in artifacts.items()
    ]  # fmt: skip
    values.sort(key=lambda entry: str(entry["path"]))
    return [*values, *figures]


def _print(console: Console, own: SelectorEvidence, found: list[dict[str, Any]]) -> None:
    name = own.selector.name
    if own.measured is None:
        console.print(
            heading(name), f": never measured, so only what is declared: ptyreg run {name}"
        )
    rows: list[tuple[Part, ...]] = []
    for entry in found:
        many = own.numbers and entry["path"] in own.numbers and entry["n"] > 1
        kind = "artifact" if entry["role"] == "artifact" else f"n = {entry['n']}" if many else ""
        rows.append((f"{name}.{entry['path']}", entry["shown"], Word(kind, "dim")))
    console.table(rows)
