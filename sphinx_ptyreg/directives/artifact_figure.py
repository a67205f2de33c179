"""``{ptyreg:artifact-figure}``: an image that a run made, with a live caption."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.images import get_image_size

from ..artifacts import IMAGES
from ..catalogue import _
from ..errors import UnknownNameError
from ..nodes import problem
from ..objects import ALT
from ..values import FormatError
from .base import EvidenceDirective
from .options import Option, Options

if TYPE_CHECKING:
    from docutils.nodes import Node

__all__ = ["ArtifactFigureDirective"]


#: An image of at most so many pixels a row is an array: enlarged, each pixel stays a square.
_ARRAY = 320


class ArtifactFigureDirective(EvidenceDirective):
    """``selector.artifact`` as a figure; the content is the caption."""

    has_content = True
    option_spec = Options(
        alt=Option(directives.unchanged_required, "what the image shows, in words"),
        width=Option(directives.length_or_percentage_or_unitless, "as of a figure: 60%, 30em"),
    )

    def build(self) -> list[Node]:
        """Return the figure, or marked text when the run left no such image."""
        name, *rest = self.arguments[0].split(".", 1)
        artifact_name = "".join(rest)
        self.note(name)
        evidence = self.evidence.selector(name)
        if evidence.measured is None:
            text = problem(_("{name} has not been measured").format(name=self.arguments[0]) + ".")
            return self.placed(nodes.paragraph("", "", text, translatable=False))
        artifacts = evidence.measured.artifacts
        if artifact_name not in artifacts:
            known = [f"{name}.{key}" for key in artifacts]
            raise UnknownNameError("artifact", self.arguments[0], known)
        artifact = artifacts[artifact_name]
        if artifact.suffix not in IMAGES:
            raise FormatError(
                f"Expected artifact {self.arguments[0]} to be a PNG or JPEG image, "
                f"but got a {artifact.suffix} file."
            )
        path = self.evidence.store.artifact(artifact)
        if path is None:
            text = problem(
                _("The image {name} is not in the store.").format(name=self.arguments[0])
            )
            return self.placed(nodes.paragraph("", "", text, translatable=False))
        image = nodes.image(
            uri="/" + os.path.relpath(path, self.env.srcdir).replace(os.sep, "/"),
            translatable=False,
        )
        image[ALT] = self.options.get("alt") or artifact.title or artifact_name
        self.domain.note_picture(self.env.docname)
        if "width" in self.options:
            image["width"] = self.options["width"]
        size = get_image_size(str(path))
        pixels = ["ptyreg-pixels"] if size is not None and size[0] <= _ARRAY else []
        figure = nodes.figure("", image, classes=["ptyreg-figure", *pixels])
        caption = self.parse_inline(" ".join(self.content)) if self.content else None
        if caption is not None:
            children, messages = caption
            figure += nodes.caption("", "", *children)
            return self.placed(figure, *messages)
        if artifact.title:
            figure += nodes.caption("", artifact.title, translatable=False)
        return self.placed(figure)
