"""A directive that shows something of one selector."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from ..catalogue import _, spoken
from ..citations import HISTORY
from ..citing import Citing
from ..errors import PtyregError, UnknownNameError
from ..nodes import code, failure_panel, problem, provenance, text_node
from .options import Options, TableOptions

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..selector_evidence import SelectorEvidence

__all__ = [
    "EvidenceDirective", "SelectorDirective", "capital", "not_measured", "sentences",
    "sentences_of_age", "small_print",
]  # fmt: skip


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
        elements = [
            node for node in content
            if isinstance(node, nodes.Element) and not isinstance(node, nodes.system_message)
        ]  # fmt: skip
        for node in elements:
            node["classes"] += self.options.get("class", [])
        return [*refused, *content, *self._labelled(elements)]

    def _labelled(self, content: list[nodes.Element]) -> list[nodes.system_message]:
        """Give the table its caption and its label; without a table, what stands there."""
        found = [node for node in content if isinstance(node, nodes.table)]
        messages: list[nodes.system_message] = []
        if found and "caption" in self.options:
            text = self.options["caption"]
            children, messages = self.parse_inline(text)
            title = nodes.title(text, "", *children)
            self.set_source_info(title)
            found[0].insert(0, title)
        for node in (found or content)[:1]:
            self.add_name(node)
        return messages

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

    option_spec: ClassVar[Options] = TableOptions()
    #: Whether earlier runs are shown too.
    shows_history = False
    #: Whether the argument is a path that begins with the selector.
    takes_path = False

    def build(self) -> list[Node]:
        """Show a failed run first, then what was measured."""
        name = self.arguments[0].partition(".")[0] if self.takes_path else self.arguments[0]
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
            if told := self.below(evidence):
                content.append(small_print(told))
        return self.placed(*content)

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the nodes for a selector that was measured."""
        raise NotImplementedError

    def below(self, evidence: SelectorEvidence) -> list[str]:
        """Return the sentences below: where the values are from, and why they may be old.

        Where each row or column says its own, only what is not well with the current measurement.
        """
        if not self.shows_history:
            return sentences(evidence)
        record, remarks = evidence.measured, sentences_of_age(evidence)
        if record is None or not remarks:
            return []
        which = _("The current measurement, of {date} on {machine}:")
        return [which.format(date=record.started[:10], machine=record.machine_class), *remarks]


def not_measured(name: str, *, remedy: bool = True) -> nodes.paragraph:
    """Say that there is nothing to show, and with `remedy` what would change that."""
    told = problem(_("{name} has not been measured").format(name=name) + ".")
    paragraph = nodes.paragraph("", "", told, translatable=False)
    if remedy:
        paragraph += [text_node(" " + _("Measure it:") + " "), code(f"ptyreg run {name}")]
    return paragraph


def sentences(evidence: SelectorEvidence, *, newest: bool = False) -> list[str]:
    """Say when and where values were measured, and why they may be old.

    Args:
        evidence: Of a selector.
        newest: Whether they are of the newest run alone, and not over the sample set.
    """
    told = provenance(evidence, 0 if newest else len(evidence.samples))
    return [capital(told) + ".", *sentences_of_age(evidence)]


def sentences_of_age(evidence: SelectorEvidence) -> list[str]:
    """Say why the current values may be old; nothing when they are not."""
    told = []
    if evidence.failure is not None:
        told.append(_("This is old: the latest run is no measurement."))
    elif reasons := evidence.freshness.reasons:
        causes = [spoken(str(reason)) for reason in reasons[:3]]
        if len(reasons) > 3:
            causes.append(spoken(f"{len(reasons) - 3} more"))
        told.append(_("Stale: {reasons}.").format(reasons="; ".join(causes)))
    if evidence.measured is not None and evidence.measured.inputs.unseen:
        told.append(_("Its inputs are partly known."))
    return told


def capital(told: str) -> str:
    """Begin a sentence."""
    return told[:1].upper() + told[1:]


def small_print(told: list[str]) -> nodes.paragraph:
    """Return sentences as they stand below a table."""
    return nodes.paragraph(
        "", "", text_node(" ".join(told)), classes=["ptyreg-provenance"], translatable=False
    )
