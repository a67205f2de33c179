"""Roles: live text in running text, in headings, in tables and in captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.roles import XRefRole
from sphinx.util.docutils import SphinxRole

from .catalogue import _
from .citing import Citing
from .errors import PtyregError
from .nodes import badge, cited_value, live, provenance, status, text_node, typeset, value_node
from .objects import CITED_BY
from .values import parse_reference

if TYPE_CHECKING:
    from docutils.nodes import Node, system_message
    from sphinx.util.typing import RoleFunction

    from .judging import Judged

__all__ = ["ROLES", "AgeRole", "ClaimRole", "StatusRole", "ValueRole"]


class LiveRole(Citing, SphinxRole):
    """Text that changes with the evidence."""

    def run(self) -> tuple[list[Node], list[system_message]]:
        """Resolve while the page is read."""
        try:
            return [live(self.text, *self.show())], []
        except PtyregError as error:
            return [live(self.text, self.warn(error, self.text))], []

    def show(self) -> list[Node]:
        """Return the text; raise a :class:`~sphinx_ptyreg.errors.PtyregError` to warn."""
        raise NotImplementedError


class ValueRole(LiveRole):
    """``{ptyreg:value}`selector.path.to.value:FORMAT UNIT```: what a run measured."""

    def show(self) -> list[Node]:
        """Return the value."""
        reference = parse_reference(self.text)
        self.note(reference.path)
        evidence, value = self.evidence.value(reference.path)
        return [cited_value(reference, evidence, value)]


class StatusRole(LiveRole):
    """``{ptyreg:status}`selector```: how the latest run ended, and whether it is fresh."""

    def show(self) -> list[Node]:
        """Return two badges."""
        name = self.text.strip()
        self.note(name)
        return [*status(self.evidence.selector(name))]


class AgeRole(LiveRole):
    """``{ptyreg:age}`selector```: when the current values were measured, and at which commit."""

    def show(self) -> list[Node]:
        """Return date and short commit."""
        name = self.text.strip()
        self.note(name)
        evidence = self.evidence.selector(name)
        record = evidence.measured
        if record is None:
            return [badge("not measured")]
        form = _("measured {date} at {commit}") if record.commit else _("measured {date}")
        commit = record.commit.id[:7] if record.commit else ""
        told = form.format(date=record.started[:10], commit=commit)
        if record.commit and record.commit.dirty:
            told += " " + _("(modified)")
        return [value_node(told, evidence)]


class ClaimRole(LiveRole):
    """``{ptyreg:claim}`a.duration.max <= 90 s```: a statement that every build verifies."""

    def run(self) -> tuple[list[Node], list[system_message]]:
        """Judge the claim; what is wrong with it is told once all pages are read."""
        self.text = " ".join(self.text.split())
        self.domain.note_claim(self.text, self.place())
        try:
            return [live(self.text, *self.show())], []
        except PtyregError:
            return [live(self.text, text_node(f"⚠ {self.text}", "ptyreg-problem"))], []

    def show(self) -> list[Node]:
        """Return the statement, what was measured, and any verdict but *holds*."""
        judged = self.evidence.claim(self.text)
        told = {
            name: provenance(self.evidence.selector(name), runs) for name, runs in judged.rests_on
        }
        several = len(told) > 1
        parts = [f"{name}: {text}" if several else text for name, text in told.items() if text]
        return claim_nodes(judged, "; ".join(parts))


def claim_nodes(judged: Judged, told: str) -> list[Node]:
    """Return a judged statement; only one that holds is plain text."""
    statement = text_node(typeset(judged.statement), "ptyreg-claim")
    if told:
        statement["ptyreg-provenance"] = told
    content: list[Node] = [statement]
    if judged.shown:
        content.append(text_node(f" ({judged.shown})", "ptyreg-measured"))
    if not judged.holds:
        content += [nodes.Text(" "), badge(judged.verdict.value)]
    return content


ROLES: dict[str, RoleFunction] = {
    "value": ValueRole(),
    "status": StatusRole(),
    "age": AgeRole(),
    "claim": ClaimRole(),
    **{role: XRefRole(warn_dangling=True) for role in CITED_BY},
}
