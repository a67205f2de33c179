"""A heading's id does not depend on the values in it: links to it outlive a new record."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .objects import LIVE

__all__ = ["StableHeadingIds"]


class StableHeadingIds(SphinxTransform):
    """Names a heading that holds live text by its other words, or by what it cites."""

    default_priority = 25  # after translation (20), before any reference is resolved

    def apply(self, **kwargs: Any) -> None:
        """Transform one page."""
        if not self.env.get_domain("ptyreg").data["citations"].get(self.env.docname):
            return
        live: dict[nodes.Element, list[nodes.inline]] = {}
        for node in self.document.findall(nodes.inline):
            if LIVE in node and (title := _title_around(node)) is not None:
                live.setdefault(title, []).append(node)
        for title, found in live.items():
            heading = title if isinstance(title, nodes.rubric) else title.parent
            if heading["ids"]:
                self._rename(heading, title, found)

    def _rename(
        self, heading: nodes.Element, title: nodes.Element, live: list[nodes.inline]
    ) -> None:
        shown = nodes.fully_normalize_name(title.astext())
        own = [name for name in (*heading["names"], *heading["dupnames"]) if name == shown]
        if not own:
            return
        stable = _words(title) or " ".join(str(node[LIVE]) for node in live)
        old = self._forget(heading, shown)
        others, heading["names"] = heading["names"], [nodes.fully_normalize_name(stable)]
        kept, heading["ids"] = heading["ids"], []
        self.document.note_implicit_target(heading, heading)
        new = heading["ids"][0]
        heading["names"] += others
        heading["ids"] += kept
        self._tell_myst(old, new)

    def _forget(self, heading: nodes.Element, name: str) -> str:
        """Take the name and id away that came from the values; return the id."""
        document = self.document
        for names in (heading["names"], heading["dupnames"]):
            if name in names:
                names.remove(name)
        old: str = document.nameids.get(name) or heading["ids"][0]
        if document.nameids.get(name) in {None, old} and not document.nametypes.get(name):
            document.nameids.pop(name, None)
            document.nametypes.pop(name, None)
        if old in heading["ids"]:
            heading["ids"].remove(old)
            document.ids.pop(old, None)
        return old

    def _tell_myst(self, old: str, new: str) -> None:
        slugs = getattr(self.document, "myst_slugs", {})
        for slug, (line, id_, text) in list(slugs.items()):
            if id_ == old:
                slugs[slug] = (line, new, text)


def _title_around(node: nodes.Node) -> nodes.Element | None:
    """Return the title of a section, or the rubric, that `node` stands in."""
    above: nodes.Element | None = node.parent
    while isinstance(above, nodes.TextElement) and isinstance(above, nodes.Inline):
        above = above.parent
    if isinstance(above, nodes.rubric):
        return above
    is_heading = isinstance(above, nodes.title) and isinstance(above.parent, nodes.section)
    return above if is_heading else None


def _words(title: nodes.Element) -> str:
    """Return the text of a title without what is live in it."""
    words = title.deepcopy()
    for node in list(words.findall(nodes.inline)):
        if LIVE in node:
            node.parent.replace(node, nodes.Text(" "))
    return " ".join(words.astext().split()) if nodes.make_id(words.astext()) else ""
