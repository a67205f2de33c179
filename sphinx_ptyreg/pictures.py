"""A drawing in a page: inline SVG in HTML, a PDF file for LaTeX, an SVG file in an e-book."""

from __future__ import annotations

from docutils import nodes

from .objects import DRAWING
from .plots import svg
from .plots.shapes import Drawing

__all__ = ["picture"]


def picture(drawing: Drawing) -> nodes.container:
    """Return a node that every builder can write; those that draw nothing leave it out."""
    raw = nodes.raw("", svg(drawing), format="html")
    raw[DRAWING] = drawing
    return nodes.container("", raw, classes=["ptyreg-trend"])
