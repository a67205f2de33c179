"""What pages looked up while they were written: values in templates, and where their links lead.

Nothing of that is known when a page is read, and it changes with other pages and with the
evidence. So it is remembered, for each builder, and a page is written again when one of its
answers is another one now.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

__all__ = ["NO_DOCUMENT", "TEMPLATE", "Written"]

#: What a template looks up, beside the roles of links.
TEMPLATE = "ptyreg_value"

#: All pages without a source, such as an index: they are written whenever a page is.
NO_DOCUMENT = ""

_Answers = dict[tuple[str, str], str]


class Written:
    """Remembers what was asked for each page, and what the answer was.

    The file is away while pages are written: a build that is cut off leaves none, and the next one
    writes every page.

    Args:
        file: What an earlier build by the same builder left, and this one leaves.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._part = file.with_suffix(".part")  # of processes that write pages beside this one
        self._process = os.getpid()
        self._then = _read(file)
        self._now: dict[str, _Answers] = {}

    def changed(self, answer: Callable[[str, str], str], pages: Collection[str]) -> set[str]:
        """Return the pages that would be written otherwise now; all when nobody remembers.

        Args:
            answer: Answers what is asked: a kind and a name.
            pages: The documents that there are.
        """
        if self._then is None:
            return set(pages)
        return {
            page
            for page, answers in self._then.items()
            if any(answer(*asked) != then for asked, then in answers.items())
        }

    def begin(self) -> None:
        """Let the file go: pages are being written."""
        for file in (self._file, self._part):
            file.unlink(missing_ok=True)

    def start(self, page: str) -> None:
        """Forget what `page` asked when it was last written."""
        if os.getpid() == self._process:
            self._now.setdefault(page, {})

    def note(self, page: str, kind: str, name: str, answer: str) -> None:
        """Remember what `page` asked and was answered."""
        if os.getpid() == self._process:
            self._now.setdefault(page, {})[kind, name] = answer
        else:
            with self._part.open("a", encoding="utf-8") as part:
                part.write(json.dumps([page, kind, name, answer]) + "\n")

    def finish(self, pages: Collection[str]) -> None:
        """Keep all of it for the next build.

        Args:
            pages: The documents that there are.
        """
        for line in _lines(self._part):
            page, kind, name, answer = json.loads(line)
            self._now.setdefault(page, {})[kind, name] = answer
        self._part.unlink(missing_ok=True)
        found = {**(self._then or {}), **self._now}
        there = {NO_DOCUMENT, *pages}
        self._then = {page: answers for page, answers in found.items() if page in there}
        rows = [
            json.dumps([page, kind, name, answer])
            for page, answers in sorted(self._then.items())
            for (kind, name), answer in answers.items()
        ]
        new = self._file.with_suffix(".new")
        new.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        new.replace(self._file)

    def templated(self) -> list[str]:
        """Return the references that templates made, each once."""
        pages = (self._then or {}).values()
        return sorted({n for answers in pages for kind, n in answers if kind == TEMPLATE})


def _lines(file: Path) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError):
        yield from file.read_text(encoding="utf-8").splitlines()


def _read(file: Path) -> dict[str, _Answers] | None:
    """Return what a file tells; nothing when it is not there, or cannot be understood."""
    found: dict[str, _Answers] = {}
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            page, kind, name, answer = json.loads(line)
            found.setdefault(page, {})[kind, name] = answer
    except (OSError, ValueError, TypeError):
        return None
    return found
