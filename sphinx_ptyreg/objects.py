"""Names that Sphinx must know before anything is loaded: objects, roles, configuration.

This module loads nothing: it is all that a build without a page of ours needs.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ALT", "CITED_BY", "CONFIG_VALUES", "CSS", "DEFINED_BY", "DRAWING", "KINDS", "LIVE",
]  # fmt: skip

CSS = "ptyreg.css"

#: Value of conf.py → default, types, help.
CONFIG_VALUES: dict[str, tuple[Any, tuple[type, ...], str]] = {
    "ptyreg_mode": (None, (str, type(None)), "auto, replay, require or force"),
    "ptyreg_root": (None, (str, type(None)), "the project's root, relative to conf.py"),
    "ptyreg_on_failure": (
        "error", (str,), "what a selector that fails in this build does: error or warn",
    ),
    "ptyreg_timeout": (
        0, (int, float), "seconds for all runs of a build together; 0: each selector's own only",
    ),
    "ptyreg_exports": (
        (), (list, tuple),
        "what an HTML build writes to its folder ptyreg: json, csv, benchmark, shields, svg",
    ),
    "ptyreg_release": (
        None, (str, type(None)), "show the evidence that a frozen release keeps, and nothing else",
    ),
    "ptyreg_lint": (False, (bool,), "warn about typed numbers that no record supports"),
}  # fmt: skip

#: Kind → the label of its index page.
KINDS = {
    "selector": "Selectors",
    "metric": "Metrics",
    "finding": "Findings",
    "guardrail": "Guardrails",
}

#: Role → the kinds it links to, first match first.
CITED_BY = {"ref": tuple(KINDS), **{kind: (kind,) for kind in KINDS}}

#: Kind → the directive that defines it.
DEFINED_BY = {
    "selector": "selector", "metric": "selector", "finding": "finding", "guardrail": "selector",
}  # fmt: skip

#: Attribute of text that changes with the evidence: what it cites.
LIVE = "ptyreg-live"

#: Attribute of an image: its alternative text, kept from translators, who are asked about ``alt``.
ALT = "ptyreg-alt"

#: Attribute of a raw node: the drawing that it is, for builders that need a file.
DRAWING = "ptyreg-drawing"
