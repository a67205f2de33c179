"""Evidence as standard docutils nodes: any builder can write them, none is translated."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from docutils import nodes

from .catalogue import _, spoken
from .citable import cited
from .objects import LIVE
from .plain import one_line, plain
from .tones import tone_of
from .values import Reference, Value, render

if TYPE_CHECKING:
    from .evidence import SelectorEvidence
    from .record import RunRecord

__all__ = [
    "badge",
    "cited_value",
    "code",
    "failure_panel",
    "literal",
    "live",
    "origin",
    "problem",
    "provenance",
    "remark",
    "status",
    "text_node",
    "typeset",
    "value_node",
    "when_and_where",
]


#: What a reader is told of a selector's values, by how many runs each rests on (0: on the newest
#: alone), worded once a build: provenance and remark.
_TOLD: WeakKeyDictionary[SelectorEvidence, dict[int, tuple[str, str]]] = WeakKeyDictionary()


def text_node(text: str, *classes: str) -> nodes.inline:
    """Return text that smart quotes leave alone.

    An inline node must not carry ``translatable``: Sphinx takes it apart.
    """
    return nodes.inline(
        "", "", nodes.Text(one_line(text)), classes=list(classes), support_smartquotes=False
    )


def typeset(statement: str) -> str:
    """Return a claim as a page prints it."""
    for typed, sign in (("<=", "≤"), (">=", "≥"), (" * ", " × ")):
        statement = statement.replace(typed, sign)
    return statement


def code(text: str) -> nodes.literal:
    """Return a name or a command in running text."""
    return nodes.literal("", one_line(text))


def cited_value(
    reference: Reference, evidence: SelectorEvidence, value: Value | None
) -> nodes.inline:
    """Return what stands where a value is cited, also when there is none."""
    if value is None:
        word = _("not measured") if evidence.measured is None else _("no data")
        return text_node(word, "ptyreg-value", "ptyreg-problem")
    text = render(value, reference)
    if value.n == 0:  # as it is declared
        return text_node(text, "ptyreg-value")
    return value_node(text, evidence, 0 if value.newest else value.n)


def value_node(text: str, evidence: SelectorEvidence, over: int = 0) -> nodes.inline:
    """Return a cited value; an old one says so in words.

    Args:
        text: How it reads.
        evidence: Whose it is.
        over: How many runs a statistic rests on; 0 for a value of the newest run.
    """
    worded = _TOLD.get(evidence)
    if worded is None:
        worded = _TOLD[evidence] = {}
    if over not in worded:
        worded[over] = provenance(evidence, over), remark(evidence)
    told, mark = worded[over]
    node = text_node(text, "ptyreg-value")
    if told:
        node["ptyreg-provenance"] = told
    if mark:
        node["classes"].append("ptyreg-old")
        node += [nodes.Text(" "), text_node(f"({mark})", "ptyreg-remark")]
    return node


def remark(evidence: SelectorEvidence) -> str:
    """Say in a word or a clause that what was measured is old; nothing when it is not."""
    if evidence.measured is None:
        return ""
    if evidence.failure is not None:
        return _("old: the latest run ended as {outcome}").format(outcome=_ended(evidence))
    return _("stale") if evidence.freshness.reasons else ""


def _ended(evidence: SelectorEvidence) -> str:
    failure = evidence.failure
    return "" if failure is None else _(failure.outcome.words)


def provenance(evidence: SelectorEvidence, over: int = 0) -> str:
    """Say when, at which commit and where current values were measured, and over how many runs.

    Args:
        evidence: Of a selector.
        over: How many runs a statistic rests on; 0 for a value of the newest run.
    """
    record, runs = evidence.measured, len(evidence.samples)
    if record is None:
        return ""
    form = _("newest of {n}") if over == 0 and runs > 1 else _("n = {n}")
    told = f"{when_and_where(record)}, {form.format(n=over or runs)}"
    return one_line(told + _whence(record))


def origin(record: RunRecord) -> str:
    """Say when and where a run was measured, and of an import, from which report it is."""
    return one_line(when_and_where(record) + _whence(record))


def _whence(record: RunRecord) -> str:
    if record.citation is None:
        return ""
    return ", " + _("imported from {source}").format(source=spoken(cited(record.citation)))


def when_and_where(record: RunRecord) -> str:
    """Say when, at which commit and on which machine class a run was measured."""
    if record.commit is None:
        form = _("measured {date} on {machine}")
    elif record.commit.dirty:
        form = _("measured {date} at {commit}, modified on {machine}")
    else:
        form = _("measured {date} at {commit} on {machine}")
    return form.format(
        date=record.started[:10],
        commit=record.commit.id[:7] if record.commit else "",
        machine=record.machine_class,
    )


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
    """Return the badges of a selector's latest run and of its measurement, which may be older."""
    if evidence.latest is None:
        return [badge("not measured")]
    state = evidence.freshness.state.value if evidence.measured else "not measured"
    if evidence.failure is not None and state == "fresh":
        state = "old"  # as its values say: a later run of the same inputs failed
    return [badge(evidence.latest.outcome.words), nodes.Text(" "), badge(state)]


def problem(text: str) -> nodes.inline:
    """Return visible marked text where a value should stand."""
    return text_node(f"⚠ {text}", "ptyreg-problem")


def failure_panel(evidence: SelectorEvidence, *, again: bool = True) -> nodes.Element | None:
    """Return what a reader needs to see of a run that is no measurement; None when all is well.

    Args:
        evidence: Of a selector.
        again: Whether to say how it is run again.
    """
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
    if again:
        how = text_node(_("Run it again:") + " ")
        panel += nodes.paragraph("", "", how, code(f"ptyreg run {name}"), translatable=False)
    return panel


def literal(text: str) -> nodes.literal_block:
    """Return output as it was printed."""
    text = plain(text)
    block = nodes.literal_block(text, text, language="none", translatable=False)
    block["classes"].append("ptyreg-output")
    return block
