"""``ptyreg diff``: what moved between two records or releases."""

from __future__ import annotations

import argparse
from typing import Any

from ..comparison import Comparison, Row, compare
from ..errors import ExitCode, UnknownNameError
from ..evidence import Evidence
from ..markdown import cell, table
from ..selector_evidence import SelectorEvidence
from ..sides import find_sides
from ..values import shown
from .completion import completes_selectors, completes_sides
from .console import Console, Part, Word, heading
from .project import chosen, opened

NAME = "diff"
HELP = "Say what moved between two releases, commits, machine classes or records."
WRITES = "nothing"

_SIDE = "release, commit, machine class, date or record; or latest, previous, published, release"

_ONE_RUN = "A side of one run has no spread: a change may be noise."

#: How many changed inputs are named; ``--json`` has all.
_NAMED = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take both sides, the selectors and the form of the answer."""
    left = parser.add_argument(
        "left", metavar="A", nargs="?", default="previous", help=f"{_SIDE} (default: previous)"
    )
    right = parser.add_argument(
        "right", metavar="B", nargs="?", default="latest", help="the same (default: latest)"
    )
    completes_sides(left)
    completes_sides(right)
    names = parser.add_argument(
        "--selector", metavar="NAME", action="append", default=[], dest="names",
        help="only this one; may be given again (default: all)",
    )  # fmt: skip
    completes_selectors(names)
    parser.add_argument(
        "--format",
        choices=("text", "markdown"),
        default="text",
        help="markdown: for the comment of a pull request (default: text)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Tell what moved in each selector that has both sides.

    Raises:
        UnknownNameError: No selector has a side like that.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    names = [selector.name for selector in chosen(project, arguments)]
    found: list[tuple[SelectorEvidence, Comparison]] = []
    refused: list[UnknownNameError] = []
    for own in [evidence.selectors[name] for name in names]:
        try:
            sides = find_sides(evidence, own, arguments.left, arguments.right)
        except UnknownNameError as error:
            refused.append(error)
            continue
        found.append((own, compare(*sides)))
    if refused and not found:
        raise refused[0]
    show = _markdown if arguments.format == "markdown" else _text
    for own, comparison in found:
        show(console, own, comparison)
    console.answer({"selectors": [_told(own, comparison) for own, comparison in found]})
    return ExitCode.OK


def _text(console: Console, own: SelectorEvidence, found: Comparison) -> None:
    left, right = found.left, found.right
    console.print(heading(own.selector.name), f"  {left.label}  →  {right.label}")
    if absent := left.absent or right.absent:
        console.print(f"  {absent}.")
        return
    rows: list[tuple[Part, ...]] = [
        (row.path, shown(row.left), shown(row.right), _word(row)) for row in found.rows
    ]
    console.table(rows, indent="  ")
    if not found.spread_is_known:
        console.print("  ", Word(_ONE_RUN, "dim"))
    for told in found.first_inputs(_NAMED):
        console.print(f"  - {told}")


def _word(row: Row) -> Part:
    if row.moved:
        return Word(row.change, "heading")
    within = "" if row.change in {"", "same", "not comparable"} else " (within the runs' spread)"
    return Word(row.change + within, "dim")


def _markdown(console: Console, own: SelectorEvidence, found: Comparison) -> None:
    left, right = found.left, found.right
    console.print(f"### {own.selector.title or own.selector.name}")
    console.print()
    if absent := left.absent or right.absent:
        console.print(f"{absent}.")
        console.print()
        return
    moved = [row for row in found.rows if row.moved]
    if moved:
        _rows(console, found, moved)
    else:
        console.print("Nothing moved beyond the spread of the runs.")
    console.print()
    if not found.spread_is_known:
        console.print(_ONE_RUN)
        console.print()
    if found.inputs:
        console.print("In between:")
        console.print()
        for told in found.first_inputs(_NAMED):
            console.print(f"- {cell(told)}")
        console.print()
    console.print("<details><summary>every number</summary>")
    console.print()
    _rows(console, found, found.rows)
    console.print()
    console.print("</details>")
    console.print()


def _rows(console: Console, found: Comparison, rows: list[Row]) -> None:
    header = ("", found.left.label, found.right.label, "change")
    cells = ((f"`{row.path}`", shown(row.left), shown(row.right), row.change) for row in rows)
    for line in table(header, cells):
        console.print(line)


def _told(own: SelectorEvidence, found: Comparison) -> dict[str, Any]:
    absent = found.left.absent or found.right.absent or None
    return {
        "selector": own.selector.name,
        "left": found.left.label,
        "right": found.right.label,
        "absent": absent,
        "numbers": [
            {
                "path": row.path,
                "left": row.left and row.left.value,
                "right": row.right and row.right.value,
                "unit": (row.right or row.left or ("", "1"))[1],
                "change": row.change,
                "moved": row.moved,
            }
            for row in (() if absent else found.rows)
        ],
        "inputs": [str(reason) for reason in found.inputs],
    }
