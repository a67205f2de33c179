"""``ptyreg doctor``: is everything here to run, or to replay?"""

from __future__ import annotations

import argparse

from ..cleaning import Cleaner
from ..errors import ExitCode
from ..evidence import Evidence
from ..installation import survey
from .console import Console, Word, heading, status_word
from .project import opened

NAME = "doctor"
HELP = "Say whether everything is here to run or to replay, and what to do when it is not."
WRITES = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what is wanted."""
    parser.add_argument(
        "--for",
        dest="wanted",
        choices=("run", "replay"),
        help="fail (status 3) when this is not possible (default: when neither is)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print what was found; 3 when what is wanted is not possible here."""
    console = Console(arguments)
    project, store = opened(arguments)
    clean = Cleaner(project.root)
    items = [item._replace(told=clean(item.told, 500)) for item in survey(Evidence(project, store))]
    able = {
        what: not any(item.state == "fail" and item.needed == what for item in items)
        for what in ("run", "replay")
    }
    for topic in dict.fromkeys(item.topic for item in items):
        console.print(heading(topic))
        console.table(
            [
                (status_word(item.state), item.name, item.told, Word(item.remedy, "dim"))
                for item in items
                if item.topic == topic
            ],
            indent="  ",
        )
    console.print(
        "to run here: ", status_word("ok") if able["run"] else Word("no", "bad"),
        "   to replay: ", status_word("ok") if able["replay"] else Word("no", "bad"),
    )  # fmt: skip
    console.answer({"items": [item._asdict() for item in items], **able})
    possible = able[arguments.wanted] if arguments.wanted else any(able.values())
    return ExitCode.OK if possible else ExitCode.INFRASTRUCTURE
