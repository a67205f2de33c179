"""Evidence as standard docutils nodes: any builder can write them, none is translated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from docutils import nodes

from .catalogue import _, spoken
from .citable import cited
from .objects import LIVE
from .plain import plain
from .tones import tone_of

if TYPE_CHECKING:
    from .evidence import SelectorEvidence

__all__ = [
    "Cell",
    "badge",
    "failure_panel",
    "literal",
    "live",
    "problem",
    "provenance",
    "status",
    "table",
    "text_node",
    "value_node",
]


#: What a reader is told of every value of a selector, worded once a build: provenance and remark.
_TOLD: WeakKeyDictionary[SelectorEvidence, tuple[str, str]] = WeakKeyDictionary()


def text_node(text: str, *classes: str) -> nodes.inline:
    """Return text that smart quotes leave alone.

    An inline node must not carry ``translatable``: Sphinx takes it apart.
    """
    return nodes.inline(
        "", "", nodes.Text(plain(text)), classes=list(classes), support_smartquotes=False
    )


def value_node(text: str, evidence: SelectorEvidence) -> nodes.inline:
    """Return a cited value; an old one says so in words."""
    if evidence not in _TOLD:
        _TOLD[evidence] = provenance(evidence), _remark(evidence)
    told, remark = _TOLD[evidence]
    node = text_node(text, "ptyreg-value")
    if told:
        node["ptyreg-provenance"] = told
    if remark:
        node["classes"].append("ptyreg-old")
        node += [nodes.Text(" "), text_node(f"({remark})", "ptyreg-remark")]
    return node


def _remark(evidence: SelectorEvidence) -> str:
    if evidence.measured is None:
        return ""
    if evidence.failure is not None:
        return _("old: the latest run ended as {outcome}").format(outcome=_ended(evidence))
    return _("stale") if evidence.freshness.reasons else ""


def _ended(evidence: SelectorEvidence) -> str:
    failure = evidence.failure
    return "" if failure is None else _(failure.outcome.words)


def provenance(evidence: SelectorEvidence) -> str:
    """Say when, at which commit and where the current values were measured."""
    record = evidence.measured
    if record is None:
        return ""
    if record.commit is None:
        form = _("measured {date} on {machine}, n = {n}")
    elif record.commit.dirty:
        form = _("measured {date} at {commit}, modified on {machine}, n = {n}")
    else:
        form = _("measured {date} at {commit} on {machine}, n = {n}")
    told = form.format(
        date=record.started[:10],
        commit=record.commit.id[:7] if record.commit else "",
        machine=record.machine_class,
        n=len(evidence.samples),
    )
    if record.citation:
        told += ", " + _("imported from {source}").format(source=spoken(cited(record.citation)))
    return told


def live(key: str, *content: nodes.Node) -> nodes.inline:
    """Mark what a role puts into running text as changing with the evidence."""
    match content:
        case [nodes.inline() as node]:
            pass
        case _:
            node = nodes.inline("", "", *content)
    node[LIVE] = key
    return node


def badge(word: str) -> nodes.inline:
    """Return a status word; its colour only repeats what the word says."""
    return text_node(spoken(word), "ptyreg-badge", f"ptyreg-{tone_of(word)}")


def status(evidence: SelectorEvidence) -> list[nodes.Node]:
    """Return the badges of a selector's latest run and of its freshness."""
    if evidence.latest is None:
        return [badge("not measured")]
    state = evidence.freshness.state.value if evidence.failure is None else "not measured"
    return [badge(evidence.latest.outcome.words), nodes.Text(" "), badge(state)]


def problem(text: str) -> nodes.inline:
    """Return visible marked text where a value should stand."""
    return text_node(f"⚠ {text}", "ptyreg-problem")


#: Characters of the widest column that a plain-text table asks for.
_WIDEST = 48

#: A cell of a table.
Cell = str | nodes.Node | Sequence[nodes.Node]


def table(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "", classes: str = ""
) -> nodes.table:
    """Return a table.

    Args:
        header: A word a column.
        rows: Cells: text, a node or nodes.
        title: Its caption.
        classes: A class beside ``ptyreg-table``.
    """
    body: list[list[Cell]] = [list(row) for row in rows]
    columns: list[list[Cell]] = [[word, *(row[i] for row in body)] for i, word in enumerate(header)]
    widths = [min(_WIDEST, max(map(_width, column))) for column in columns]
    result = nodes.table(classes=["ptyreg-table", "colwidths-auto", *classes.split()])
    if title:
        result += nodes.title("", "", text_node(title))
    group = nodes.tgroup(cols=len(header))
    result += group
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row(header))
    group += nodes.tbody("", *[_row(row) for row in body])
    return result


def _content(cell: Cell) -> list[nodes.Node]:
    if isinstance(cell, str):
        return [text_node(cell)] if cell else []
    return [cell] if isinstance(cell, nodes.Node) else list(cell)


def _width(cell: Cell) -> int:
    return max(1, sum(len(part.astext()) for part in _content(cell)))


def _row(cells: Sequence[Cell]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        paragraph = nodes.paragraph("", "", *_content(cell), translatable=False)
        row += nodes.entry("", paragraph)
    return row


def failure_panel(evidence: SelectorEvidence) -> nodes.Element | None:
    """Return what a reader needs to see of a run that is no measurement; None when all is well."""
    record = evidence.failure
    if record is None:
        return None
    name = evidence.selector.name
    panel = nodes.container(classes=["ptyreg-panel", "ptyreg-bad"])
    ended = _("no exit code")
    if record.exit_code is not None:
        ended = _("exit code {code}").format(code=record.exit_code)
    told = _("The latest run of {name} is no measurement: {reason}")
    head = nodes.paragraph("", "", badge(record.outcome.words), translatable=False)
    head += text_node(f" {told.format(name=name, reason=record.reason or ended)} ({ended}).")
    panel += head
    panel += literal("$ " + " ".join(record.command))
    if record.output.strip():
        panel += literal("\n".join(record.output.strip().splitlines()[-25:]))
    again = nodes.paragraph("", "", translatable=False)
    again += [text_node(_("Run it again:") + " "), nodes.literal("", f"ptyreg run {name}")]
    panel += again
    return panel


def literal(text: str) -> nodes.literal_block:
    """Return output as it was printed."""
    text = plain(text)
    block = nodes.literal_block(text, text, language="none", translatable=False)
    block["classes"].append("ptyreg-output")
    return block
