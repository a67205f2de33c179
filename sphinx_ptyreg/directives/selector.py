"""``{ptyreg:selector}``: the card of a selector, which links to it lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import make_id

from ..catalogue import _, spoken
from ..citations import SELECTORS, VOUCHED
from ..errors import PtyregError
from ..nodes import badge, code, failure_panel, status, text_node
from ..record import NAME
from ..tables import Cell, table
from ..values import shown
from .base import EvidenceDirective, not_measured, sentences, small_print
from .options import Option, Options, TableOptions, flag, names

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..declared import Selector
    from ..selector_evidence import SelectorEvidence

__all__ = ["SelectorCardDirective", "SelectorsDirective"]


class SelectorCardDirective(EvidenceDirective):
    """What a selector proves, how to run it, how its latest run ended, and what it measured."""

    has_content = True
    option_spec = Options(
        no_index=Option(flag, "define no target: another page has the card that links lead to"),
        verified=Option(flag, "say who vouches for the measurement: a signer, a commit, nobody"),
    )

    def build(self) -> list[Node]:
        """Return the card."""
        self.note(self.arguments[0])
        evidence = self.evidence.selector(self.arguments[0])
        selector = evidence.selector
        card = nodes.container(classes=["ptyreg-panel", "ptyreg-card"])
        head = nodes.paragraph("", "", translatable=False, classes=["ptyreg-card-head"])
        head += [nodes.strong("", "", text_node(selector.title or selector.name)), text_node(" ")]
        head += status(evidence)
        card += head
        if "no-index" not in self.options:
            self._define(card, head, evidence)
        if selector.proves:
            text = text_node(_("Proves that {claim}.").format(claim=selector.proves.rstrip(".")))
            card += nodes.paragraph("", "", text, translatable=False)
        card += self._facts(evidence)
        card += self.parse_content_to_nodes(allow_section_headings=False)
        if panel := failure_panel(evidence, again=False):  # the facts say how it is run
            card += panel
        if evidence.measured is None:
            card += not_measured(selector.name, remedy=False)
        else:
            card += small_print(sentences(evidence))
        return self.placed(card)

    def _define(self, card: nodes.Element, head: nodes.Element, evidence: SelectorEvidence) -> None:
        name = evidence.selector.name
        metrics = evidence.measured.metrics if evidence.measured else {}
        objects = [("selector", name)]
        objects += [("metric", f"{name}.{metric}") for metric in metrics if NAME.fullmatch(metric)]
        objects += [("guardrail", f"{name}.{metric}") for metric in evidence.selector.guardrails]
        for kind, full in objects:
            target = make_id(self.env, self.state.document, f"ptyreg-{kind}", full)
            place = card if kind == "selector" else nodes.inline()
            place["ids"].append(target)
            self.state.document.note_explicit_target(place)
            if place is not card:
                head += place
            self.domain.note_object(kind, full, target, self.place())

    def _facts(self, evidence: SelectorEvidence) -> nodes.field_list:
        selector, values = evidence.selector, evidence.values
        facts: list[tuple[str, list[Node]]] = [
            (_("run it"), [code(f"ptyreg run {selector.name}")]),
            ("pytest", [code(what_runs(selector))]),
        ]
        if (mean := values.get("duration.mean")) is not None:
            n = ", " + _("mean of {n}").format(n=mean.n) if mean.n > 1 else ""
            facts.append((_("takes"), [text_node(f"{shown(mean)}{n}", "ptyreg-value")]))
        if selector.requires:
            facts.append((_("requires"), [text_node(", ".join(selector.requires))]))
        verdicts: list[Node] = []
        for judgement in evidence.judgements:
            verdicts += [
                *([text_node(", ")] if verdicts else []),
                text_node(f"{judgement.metric} "),
                badge(judgement.verdict.value),
            ]
        if verdicts:
            facts.append((_("guardrails"), verdicts))
        if "verified" in self.options:
            facts.append((_("origin"), self._vouched(evidence)))
        fields = nodes.field_list(classes=["ptyreg-facts"])
        for name, content in facts:
            label = nodes.field_name("", "", text_node(name), translatable=False)
            body = nodes.paragraph("", "", *content, translatable=False)
            fields += nodes.field("", label, nodes.field_body("", body))
        return fields

    def _vouched(self, evidence: SelectorEvidence) -> list[Node]:
        """Say whether a signature, or a commit of the project, vouches for the measurement."""
        self.note(evidence.selector.name + VOUCHED)
        try:
            told = self.domain.build.cited.vouched(evidence).told
        except PtyregError as error:
            return [self.warn(error, _("not verified"))]
        word, colon, by = told.partition(": ")
        return [badge(word), *([text_node(f" {spoken(by)}")] if colon else [])]


class SelectorsDirective(EvidenceDirective):
    """All declared selectors in a table: what each proves, what runs, how it stands."""

    required_arguments = 0
    option_spec = TableOptions(only=Option(names, "names of the selectors to show, in this order"))

    def build(self) -> list[Node]:
        """Return the table."""
        self.note(SELECTORS)
        wanted = self.options.get("only", list(self.evidence.project.selectors))
        rows: list[list[Cell]] = []
        for name in wanted:
            self.note(name)
            evidence = self.evidence.selector(name)
            selector = evidence.selector
            link = addnodes.pending_xref(
                "", code(selector.name), refdomain="ptyreg", reftype="selector",
                reftarget=selector.name, refexplicit=False, refwarn=False,
                refdoc=self.env.docname,
            )  # fmt: skip
            link["ptyreg-optional"] = True  # a selector needs no card to be listed
            rows.append(
                [link, selector.proves or selector.title, code(what_runs(selector)),
                 status(evidence), shown(evidence.values.get("duration.mean"))]
            )  # fmt: skip
        header = [_("selector"), _("proves"), "pytest", _("status"), _("takes")]
        return self.placed(table(header, rows, classes="ptyreg-selectors"))


def what_runs(selector: Selector) -> str:
    """Return what pytest is asked to run."""
    return " ".join(selector.nodeids) or f'-m "{selector.markers}"'
