"""A directive that shows something of one selector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from ..catalogue import _, spoken
from ..citing import Citing
from ..errors import PtyregError, UnknownNameError
from ..evidence import HISTORY
from ..nodes import failure_panel, problem, provenance, text_node
from .options import Options

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..selector_evidence import SelectorEvidence

__all__ = ["EvidenceDirective", "SelectorDirective"]


class EvidenceDirective(Citing, SphinxDirective):
    """Turns an error of the grammar into a located warning and visible marked text."""

    required_arguments = 1
    option_spec = Options()

    def run(self) -> list[Node]:
        """Build the nodes while the page is read."""
        known = self.option_spec or Options()
        refused = [
            self._marked(UnknownNameError("option", name, known), f":{name}:")
            for name in self.options
            if name not in known
        ]
        try:
            content = self.build()
        except PtyregError as error:
            return [*refused, self._marked(error, " ".join(self.arguments))]
        for node in content:
            if isinstance(node, nodes.Element) and not isinstance(node, nodes.system_message):
                node["classes"] += self.options.get("class", [])
        return [*refused, *content]

    def _marked(self, error: PtyregError, what: str) -> nodes.paragraph:
        marked = self.warn(error, f"{self.name} {what}".rstrip())
        return nodes.paragraph("", "", marked, translatable=False)

    def build(self) -> list[Node]:
        """Return the nodes; raise a :class:`~sphinx_ptyreg.errors.PtyregError` to warn."""
        raise NotImplementedError

    def placed(self, *content: Node) -> list[Node]:
        """Give new nodes this directive's place in the source."""
        for node in content:
            self.set_source_info(node)
        return list(content)


class SelectorDirective(EvidenceDirective):
    """Shows a part of a selector's evidence, or says why there is none."""

    #: Whether earlier runs are shown too.
    shows_history = False

    def build(self) -> list[Node]:
        """Show a failed run first, then what was measured."""
        name = self.arguments[0].partition(".")[0]
        self.note(name + HISTORY if self.shows_history else name)
        evidence = self.evidence.selector(name)
        content: list[Node] = []
        if panel := failure_panel(evidence):
            content.append(panel)
        if evidence.measured is None:
            if not content:
                content.append(not_measured(evidence.selector.name))
        else:
            content += self.show(evidence)
            content.append(footnote(evidence))
        return self.placed(*content)

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the nodes for a selector that was measured."""
        raise NotImplementedError


def not_measured(name: str) -> nodes.paragraph:
    """Say that there is nothing to show, and what would change that."""
    text = problem(_("{name} has not been measured").format(name=name) + ".")
    how = text_node(" " + _("Measure it:") + " ")
    remedy = nodes.literal("", f"ptyreg run {name}")
    return nodes.paragraph("", "", text, how, remedy, translatable=False)


def footnote(evidence: SelectorEvidence) -> nodes.paragraph:
    """Say when and where the values above were measured, and why they may be old."""
    told = provenance(evidence)
    sentence = told[0].upper() + told[1:] + "."
    if evidence.failure is not None:
        sentence += " " + _("This is old: the latest run is no measurement.")
    elif evidence.freshness.reasons:
        reasons = evidence.freshness.reasons
        causes = [spoken(str(reason)) for reason in reasons[:3]]
        if len(reasons) > 3:
            causes.append(spoken(f"{len(reasons) - 3} more"))
        sentence += " " + _("Stale: {reasons}.").format(reasons="; ".join(causes))
    if evidence.measured is not None and evidence.measured.inputs.unseen:
        sentence += " " + _("Its inputs are partly known.")
    return nodes.paragraph(
        "", "", text_node(sentence), classes=["ptyreg-provenance"], translatable=False
    )
