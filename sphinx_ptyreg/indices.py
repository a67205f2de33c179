"""An index page for each kind of object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sphinx.domains import Index, IndexEntry

from .catalogue import _
from .objects import KINDS

if TYPE_CHECKING:
    from .domain import PtyregDomain

__all__ = ["INDICES"]


class _KindIndex(Index):
    """Lists the objects of one kind by the selector they belong to."""

    kind = ""
    domain: PtyregDomain

    def generate(
        self, docnames: Iterable[str] | None = None
    ) -> tuple[list[tuple[str, list[IndexEntry]]], bool]:
        """Return entries grouped by their first word."""
        groups: dict[str, list[IndexEntry]] = {}
        for (kind, name), (docname, target) in sorted(self.domain.objects.items()):
            if kind != self.kind or (docnames is not None and docname not in docnames):
                continue
            group, *parts = name.split(".", 1)
            rest = "".join(parts)
            title = self.domain.title(kind, name)
            extra = title.removeprefix(f"{name}: ") if title != name else ""
            entry = IndexEntry(rest or name, 0, docname, target, extra, "", "")
            groups.setdefault(group if rest else name[0].upper(), []).append(entry)
        return sorted(groups.items()), False


class _Spoken:
    """A word in the language of the build: a plain string, which every builder can write."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __get__(self, index: Index | None, kind: type[Index]) -> str:
        return str(_(self.word))


def _index(kind: str, label: str) -> type[Index]:
    names = {"localname": _Spoken(label), "shortname": _Spoken(label.lower())}
    return type(f"{kind.title()}Index", (_KindIndex,), {"name": f"{kind}s", "kind": kind, **names})


INDICES = tuple(_index(kind, label) for kind, label in KINDS.items())
