"""``ptyreg verify``: who vouches for the published records."""

from __future__ import annotations

import argparse

from ..errors import ExitCode, RecordError
from ..vouching import Vouch, vouch
from .console import Console, Word
from .project import add_names, chosen, opened

NAME = "verify"
HELP = "Say who vouches for each published record: a declared signer, or the project's commit."
WRITES = "nothing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names."""
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a record; 1 when nobody vouches for one, or it was changed."""
    console = Console(arguments)
    project, store = opened(arguments)
    answers = []
    for selector in chosen(project, arguments):
        for entry in sorted(store.published.entries(selector.name)):
            try:
                found = vouch(project, store, entry)
            except RecordError as error:
                found = Vouch(False, str(error))
            told = Word(found.told, "good" if found.verified else "bad")
            console.print(f"{selector.name}: {entry.name}: ", told)
            answers.append({"selector": selector.name, "record": entry.name, **found._asdict()})
    console.answer({"records": answers})
    return ExitCode.OK if all(answer["verified"] for answer in answers) else ExitCode.VERDICT
