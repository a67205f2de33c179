"""Trends as static drawings: SVG that takes its colours from the page, PDF for LaTeX.

No script, no library, no clock: the same points give the same bytes.
"""

from __future__ import annotations

from .pdf import pdf
from .svg import svg
from .trend import Limit, Point, Trend, drawing

__all__ = ["Limit", "Point", "Trend", "drawing", "pdf", "svg"]
