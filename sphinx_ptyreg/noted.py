"""What is remembered of a page: what it shows, defines and types by hand, and where."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .prose import Typed

__all__ = ["Citation", "Defined", "Linted", "Place"]


class Citation(NamedTuple):
    """What a page showed: the digest of the value when it was read, and where it did first."""

    digest: str
    line: int
    source: str = ""


class Defined(NamedTuple):
    """An object that a page defines: the target of links to it, and where it stands."""

    kind: str
    name: str
    target: str
    line: int
    source: str = ""


class Linted(NamedTuple):
    """The typed numbers of a page, and a digest of the evidence that they were held against.

    Attributes:
        digest: Of the selectors that its paragraphs name, and of what each can be named by.
        selectors: Those selectors.
        found: The numbers.
    """

    digest: str
    selectors: tuple[str, ...]
    found: tuple[Typed, ...]


class Place(NamedTuple):
    """A line in a document, or in another file that is read into it.

    Attributes:
        docname: The document.
        line: The line, 0 when it is not known.
        source: The other file, from the source folder; nothing for the document itself.
    """

    docname: str
    line: int
    source: str = ""

    @property
    def file(self) -> str:
        """What the line is in."""
        return self.source or self.docname

    def location(self, folder: str | os.PathLike[str]) -> str | tuple[str, int]:
        """Return the place as Sphinx's log takes it.

        Args:
            folder: The source folder.

        Examples:
            >>> Place("index", 5).location("/docs"), Place("index", 2, "part.txt").location("/docs")
            (('index', 5), '/docs/part.txt:2')
        """
        if not self.source:
            return self.docname, self.line
        return f"{os.path.normpath(os.path.join(folder, self.source))}:{self.line}"  # noqa: PTH118
