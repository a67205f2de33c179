"""What is added when a page is written.

In HTML a value carries its provenance as a tooltip, for every pointer and for the keyboard; other
builders write the value alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from .objects import ALT, DRAWING, LIVE

if TYPE_CHECKING:
    from sphinx.writers.html5 import HTML5Translator

    from .plots.shapes import Drawing

__all__ = [
    "BookPictures",
    "ImageAlternatives",
    "LatexPictures",
    "LatexSigns",
    "ProvenanceAbbreviation",
    "ProvenanceTooltips",
    "XmlAttributes",
    "depart_provenance",
    "visit_provenance",
]


class ImageAlternatives(SphinxPostTransform):
    """Gives our images their alternative text."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Transform one page."""
        if self.env.get_domain("ptyreg").data["pictured"]:  # a book is one document of many pages
            for image in self.document.findall(nodes.image):
                if ALT in image:
                    image["alt"] = image.attributes.pop(ALT)


#: A number and its unit, or a number alone.
_QUANTITY = re.compile(r"[-+−]?[\d.,]+(e[-+]?\d+)?( \S{1,8})?")


class ProvenanceAbbreviation(nodes.abbreviation):
    """A value with its provenance, in a web page; attribute ``tabindex`` when it takes focus."""


def visit_provenance(translator: HTML5Translator, node: ProvenanceAbbreviation) -> None:
    """Open the element: its title on hover, and where it has the focus the style sheet's bubble."""
    told = {name: node[name] for name in ("tabindex",) if name in node}
    translator.body.append(translator.starttag(node, "abbr", "", title=node["explanation"], **told))


def depart_provenance(translator: HTML5Translator, node: ProvenanceAbbreviation) -> None:
    """Close the element."""
    translator.body.append("</abbr>")


class ProvenanceTooltips(SphinxPostTransform):
    """Wraps values into abbreviations that can be hovered, tapped and reached by keyboard.

    Tab stops at the first value of each provenance, so there are never more stops than things to
    learn; the others take focus when they are tapped or clicked. A link has a stop of its own.
    """

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Transform one page."""
        if not self.env.get_domain("ptyreg").data["citations"]:
            return
        book = self.app.builder.name == "epub"  # a reader has its own gestures
        stops: set[str] = set()
        for node in _cited(self.document):
            told = node["ptyreg-provenance"]
            classes = list(node["classes"])
            if _is_quantity(node.children[0].astext()):
                classes.append("ptyreg-quantity")
            tooltip = ProvenanceAbbreviation(
                "", "", *node.children, explanation=told, classes=classes
            )
            if not book and not _is_linked(node):
                tooltip["tabindex"] = "-1" if told in stops else "0"
                stops.add(told)
            node.parent[node.parent.index(node)] = tooltip


@lru_cache(maxsize=1024)  # pages show the same values again and again
def _is_quantity(text: str) -> bool:
    return _QUANTITY.fullmatch(text) is not None


def _cited(document: nodes.document) -> list[nodes.inline]:
    """Find the values of a page, in its order; by hand, as every page is walked for it."""
    found: list[nodes.inline] = []
    waiting: list[nodes.Node] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.inline) and "ptyreg-provenance" in node.attributes:
            found.append(node)
        waiting.extend(reversed(node.children))
    return found


def _is_linked(node: nodes.Element) -> bool:
    """Whether `node` stands in a link."""
    around = node.parent
    while isinstance(around, (nodes.inline, nodes.reference, nodes.strong, nodes.emphasis)):
        if isinstance(around, nodes.reference):
            return True
        around = around.parent
    return False


class LatexSigns(SphinxPostTransform):
    """Writes the signs of our own words that pdfLaTeX has no character for."""

    default_priority = 901
    builders = ("latex",)
    signs = {"≤": r"\(\leq\)", "≥": r"\(\geq\)", "⚠": r"\textbf{!}"}

    def run(self, **kwargs: Any) -> None:
        """Transform one book."""
        ours = [n for n in self.document.findall(nodes.inline) if _is_ours(n)]
        for text in [child for node in ours for child in node.children]:
            if isinstance(text, nodes.Text) and not self.signs.keys().isdisjoint(text):
                text.parent.replace(text, list(self._parts(str(text))))

    def _parts(self, text: str) -> Iterator[nodes.Node]:
        for part in re.split(f"([{''.join(self.signs)}])", text):
            if part in self.signs:
                yield nodes.raw("", self.signs[part], format="latex")
            elif part:
                yield nodes.Text(part)


def _is_ours(node: nodes.inline) -> bool:
    return any(name.startswith("ptyreg-") for name in node["classes"])


class XmlAttributes(SphinxPostTransform):
    """Takes away what is ours alone, where every attribute of a node is written."""

    default_priority = 902
    builders = ("xml", "pseudoxml")
    ours = (DRAWING, LIVE)

    def run(self, **kwargs: Any) -> None:
        """Transform one page."""
        for node in self.document.findall(nodes.Element):
            for name in self.ours:
                node.attributes.pop(name, None)


class _PictureFiles(SphinxPostTransform):
    """Writes drawings to files for a builder that cannot take SVG inside a page."""

    default_priority = 6
    suffix = ""
    kind = ""

    def run(self, **kwargs: Any) -> None:
        """Transform one page."""
        for raw in list(self.document.findall(nodes.raw)):
            drawing = raw.get(DRAWING)
            if drawing is None:
                continue
            data = self.written(drawing)
            name = f"ptyreg-{hashlib.sha256(data).hexdigest()[:16]}{self.suffix}"
            file = Path(self.env.doctreedir) / "ptyreg" / name
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            path = str(file)
            self.env.images.add_file(self.env.docname, path)
            raw.replace_self(
                nodes.image(uri=path, candidates={self.kind: path}, alt=drawing.told, width="100%")
            )

    def written(self, drawing: Drawing) -> bytes:
        """Return the file's content."""
        raise NotImplementedError


class LatexPictures(_PictureFiles):
    """PDF for LaTeX."""

    builders = ("latex",)
    suffix, kind = ".pdf", "application/pdf"

    def written(self, drawing: Drawing) -> bytes:
        """Return a PDF."""
        from .plots import pdf  # noqa: PLC0415 - setup stays light

        return pdf(drawing)


class BookPictures(_PictureFiles):
    """SVG files for an e-book, whose pages must declare SVG inside them."""

    builders = ("epub",)
    suffix, kind = ".svg", "image/svg+xml"

    def written(self, drawing: Drawing) -> bytes:
        """Return an SVG document."""
        from .plots import svg  # noqa: PLC0415 - setup stays light

        return svg(drawing, inline=False).encode()
