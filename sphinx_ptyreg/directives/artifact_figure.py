"""``{ptyreg:artifact-figure}``: an image that a run made, with a live caption and its origin."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.images import get_image_size

from ..artifacts import IMAGES
from ..catalogue import _
from ..citations import ARTIFACT
from ..nodes import problem, provenance, remark, text_node
from ..objects import ALT
from ..plain import one_line
from ..values import FormatError
from .base import EvidenceDirective, capital, small_print
from .options import Option, Options, choice

if TYPE_CHECKING:
    from pathlib import Path

    from docutils.nodes import Node

__all__ = ["ArtifactFigureDirective"]


#: An image of at most so many pixels a row is an array: enlarged, each pixel stays a square.
_ARRAY = 320


class ArtifactFigureDirective(EvidenceDirective):
    """``selector.artifact`` as a figure; the content is the caption, and a legend behind it."""

    has_content = True
    option_spec = Options(
        alt=Option(directives.unchanged_required, "what the image shows, in words"),
        width=Option(directives.length_or_percentage_or_unitless, "as of a figure: 60%, 30em"),
        height=Option(directives.length_or_unitless, "as of a figure: 200px"),
        scale=Option(directives.percentage, "as of a figure, in percent of its size"),
        align=Option(choice("left", "center", "right"), "where the figure stands"),
        figwidth=Option(directives.length_or_percentage_or_unitless, "how wide the figure is"),
        figclass=Option(directives.class_option, "CSS classes of the figure, as of any figure"),
        name=Option(directives.unchanged_required, "a label that links to the figure can name"),
    )

    def build(self) -> list[Node]:
        """Return the figure, or marked text when the run left no such image."""
        path = self.arguments[0]
        self.note(path + ARTIFACT)
        artifact = self.domain.build.cited.artifact(path)
        if artifact is None:
            return self._instead(_("{name} has not been measured").format(name=path) + ".")
        if artifact.suffix not in IMAGES:
            raise FormatError(
                f"Expected artifact {path} to be a PNG or JPEG image, "
                f"but got a {artifact.suffix} file."
            )
        file = self.evidence.store.artifact(artifact)
        if file is None:  # the log tells it for each page, in every build
            return self._instead(_("The image {name} is not in the store.").format(name=path))
        image = self._image(file, artifact.title or path.partition(".")[2])
        size = get_image_size(str(file))
        pixels = ["ptyreg-pixels"] if size is not None and size[0] <= _ARRAY else []
        figure = nodes.figure("", image, classes=["ptyreg-figure", *pixels])
        figure["classes"] += self.options.get("figclass", [])
        for option, attribute in (("align", "align"), ("figwidth", "width")):
            if option in self.options:
                figure[attribute] = self.options[option]
        figure += self._caption()
        if not self.content and artifact.title:
            figure += nodes.caption("", "", text_node(artifact.title), translatable=False)
        evidence = self.evidence.selector(path.partition(".")[0])
        told, mark = capital(provenance(evidence)), remark(evidence)
        legend = figure.children[-1]
        if not isinstance(legend, nodes.legend):
            legend = nodes.legend()
            figure += legend
        legend += small_print([f"{told} ({mark})." if mark else f"{told}."])
        return self.placed(figure)

    def _instead(self, told: str) -> list[Node]:
        return self.placed(nodes.paragraph("", "", problem(told), translatable=False))

    def _image(self, file: Path, title: str) -> nodes.image:
        uri = "/" + os.path.relpath(file, self.env.srcdir).replace(os.sep, "/")
        image = nodes.image(uri=uri, translatable=False)
        for option in ("width", "height", "scale"):
            if option in self.options:
                image[option] = self.options[option]
        if "alt" in self.options:
            image["alt"] = self.options["alt"]  # the author's words, which are translated
        else:
            image[ALT] = one_line(title)
            self.domain.note_picture(self.env.docname)
        return image

    def _caption(self) -> list[nodes.Node]:
        """Return the author's words: the first paragraph, and the rest as a legend."""
        content = self.parse_content_to_nodes()
        parts: list[nodes.Node] = []
        first = content[0] if content else None
        if isinstance(first, nodes.paragraph):
            del content[0]
            caption = nodes.caption(first.rawsource, "", *first.children)
            caption.source, caption.line = first.source, first.line  # a message to translate
            parts.append(caption)
        return [*parts, nodes.legend("", *content)] if content else parts
