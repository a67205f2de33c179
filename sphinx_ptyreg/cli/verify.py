"""``ptyreg verify``: who vouches for the published records, and for those of releases."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ..declared import Project, Selector
from ..entries import Entry
from ..errors import ExitCode, RecordError
from ..frozen import MANIFEST, kept_layer, versions
from ..store import Layer, Store, entries_of
from ..vouching import Vouch, vouch, vouch_for_release
from .console import Console, Word
from .project import add_names, chosen, opened

NAME = "verify"
HELP = (
    "Say who vouches for each published record and each release: a declared signer, or the "
    "project's commit."
)
WRITES = "nothing"


class _Answer(NamedTuple):
    release: str | None
    selector: str | None
    record: str
    verified: bool
    told: str

    @property
    def place(self) -> str:
        """What this is about."""
        words = (self.release and f"release {self.release}", self.selector, self.record)
        return ": ".join(filter(None, words))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the names."""
    add_names(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line a record; 1 when nobody vouches for one, it was changed, or there is none."""
    console = Console(arguments)
    project, store = opened(arguments)
    answers = list(_answers(project, store, chosen(project, arguments)))
    for answer in answers:
        told = Word(answer.told, "good" if answer.verified else "bad")
        console.print(f"{answer.place}: ", told)
    if not answers:
        console.print("Nothing is published that somebody could vouch for. Run: ptyreg publish")
    console.answer({"records": [answer._asdict() for answer in answers]})
    good = bool(answers) and all(answer.verified for answer in answers)
    return ExitCode.OK if good else ExitCode.VERDICT


def _answers(project: Project, store: Store, selectors: list[Selector]) -> Iterator[_Answer]:
    for selector, entry in _entries(store.published, selectors):
        found = _judged(partial(vouch, project, store.published, entry))
        yield _Answer(None, selector, entry.name, *found)
    for version in versions(project):
        layer = kept_layer(project, version)
        whole = _judged(partial(vouch_for_release, project, layer))
        yield _Answer(version, None, MANIFEST, *whole)
        for selector, entry in _entries(layer, selectors):
            found = _judged(partial(vouch, project, layer, entry, store.published))
            yield _Answer(version, selector, entry.name, *found)


def _entries(layer: Layer, selectors: list[Selector]) -> Iterator[tuple[str, Entry]]:
    for selector in selectors:
        for entry in sorted(entries_of(layer, selector.names)):
            yield selector.name, entry


def _judged(judge: Callable[[], Vouch]) -> Vouch:
    try:
        return judge()
    except RecordError as error:
        return Vouch(False, str(error))
