"""``{ptyreg:finding}`` defines a finding; ``finding-status`` and ``findings`` cite with verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import make_id

from ..catalogue import WORDS, _, spoken
from ..citations import FINDING, FINDINGS
from ..declared import Finding
from ..nodes import badge, text_node, typeset
from ..tables import Cell, table
from .base import EvidenceDirective
from .options import Option, Options, TableOptions, flag, names

if TYPE_CHECKING:
    from docutils.nodes import Node

__all__ = ["FindingDirective", "FindingStatusDirective", "FindingsDirective"]


class _FindingBase(EvidenceDirective):
    def finding(self, id_: str) -> Finding:
        self.note(id_ + FINDING)
        return self.evidence.project.finding(id_)

    def verdict(self, finding: Finding) -> list[Node]:
        support = self.evidence.supports[finding.id]
        told = f" {_evidence(support.evidence)}"
        if finding.claim is not None:
            told = typeset(told)
        if support.selector:
            told += " " + _("in {selector}").format(selector=support.selector)
        return [badge(support.verdict.value), text_node(told, "ptyreg-support")]

    def link(self, finding: Finding) -> addnodes.pending_xref:
        link = addnodes.pending_xref(
            "", nodes.inline("", finding.id), refdomain="ptyreg", reftype="ref",
            reftarget=finding.id, refexplicit=False, refwarn=True, refdoc=self.env.docname,
        )  # fmt: skip
        self.set_source_info(link)
        return link


def _evidence(text: str) -> str:
    """Say what a verdict rests on: a sentence, or a test and how it ended."""
    test, space, outcome = text.partition(" ")
    return f"{test} {_(outcome)}" if space and outcome in WORDS else spoken(text)


class FindingDirective(_FindingBase):
    """The definition: title, rule, verdict, and the long text as content."""

    has_content = True
    option_spec = Options(
        no_index=Option(flag, "define no target: the finding is defined in another page"),
    )

    def build(self) -> list[Node]:
        """Return a target and a card."""
        finding = self.finding(self.arguments[0])
        card = nodes.container(classes=["ptyreg-panel", "ptyreg-finding"])
        if "no-index" not in self.options:
            target = make_id(self.env, self.state.document, "ptyreg-finding", finding.id)
            card["ids"].append(target)
            self.state.document.note_explicit_target(card)
            self.domain.note_object("finding", finding.id, target, self.place())
        title = nodes.strong("", "", text_node(f"{finding.id}: {finding.title}"))
        card += nodes.paragraph("", "", title, translatable=False)
        card += nodes.paragraph("", "", text_node(finding.rule), translatable=False)
        card += nodes.paragraph("", "", *self.verdict(finding), translatable=False)
        card += self.parse_content_to_nodes(allow_section_headings=False)
        return self.placed(card)


class FindingStatusDirective(_FindingBase):
    """A line: id, title, verdict and evidence, linked to the definition."""

    def build(self) -> list[Node]:
        """Return the line."""
        finding = self.finding(self.arguments[0])
        line = nodes.paragraph("", "", classes=["ptyreg-finding-status"], translatable=False)
        line += [self.link(finding), text_node(f" {finding.title}: "), *self.verdict(finding)]
        return self.placed(line)


class FindingsDirective(_FindingBase):
    """All declared findings in a table."""

    required_arguments = 0
    option_spec = TableOptions(only=Option(names, "ids of the findings to show, in this order"))

    def build(self) -> list[Node]:
        """Return the table."""
        self.note(FINDINGS)
        rows: list[list[Cell]] = []
        for id_ in self.options.get("only", list(self.evidence.project.findings)):
            finding = self.finding(id_)
            rows.append([self.link(finding), finding.title, self.verdict(finding)])
        header = [_("finding"), _("title"), _("verdict")]
        return self.placed(table(header, rows, classes="ptyreg-findings"))
