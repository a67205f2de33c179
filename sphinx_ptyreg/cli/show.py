"""``ptyreg show``: a recorded run, told in full."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from ..citable import cited, facts_of, numbers_of
from ..errors import ExitCode, UnknownNameError, UsageError
from ..evidence import Evidence
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from ..statistics import summarise
from ..values import Value, shown
from .completion import completes_selectors
from .console import Console, Part, Word, heading, status_word
from .project import opened

NAME = "show"
HELP = "Tell a selector's current measurement, or any recorded run, in full."
WRITES = "nothing"

#: How many records are named when several begin alike.
_NAMED = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to show."""
    completes_selectors(
        parser.add_argument(
            "name", metavar="NAME", help="a selector, or a record's id (or its start)"
        )
    )
    parser.add_argument("--output", action="store_true", help="print all that the run printed")


def execute(arguments: argparse.Namespace) -> int:
    """Tell the run; 1 when the selector was never run."""
    console = Console(arguments)
    project, store = opened(arguments)
    evidence = Evidence(project, store)
    own, record = _find(evidence, arguments.name)
    if record is None:
        name = own.selector.name
        console.print(heading(name), ": never run. Run: ", f"ptyreg run {name}")
        console.answer(_told(own, None, []))
        return ExitCode.VERDICT
    samples = own.sample_set(record) if record.measured else [record]
    _print(console, evidence, own, record, samples, everything=arguments.output)
    console.answer(_told(own, record, samples))
    return ExitCode.OK


def _find(evidence: Evidence, name: str) -> tuple[SelectorEvidence, RunRecord | None]:
    """Return what is meant: a selector's latest failure or measurement, or one record.

    Raises:
        UnknownNameError: It is neither.
        UsageError: Several records begin like that.
    """
    if name[:1].isdigit():  # the name of a selector begins with a letter
        found = [
            (own, record)
            for own in evidence.selectors.values()
            for record in own.attempts
            if record.id.startswith(name)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(record.id for _, record in found[:_NAMED])
            if len(found) > _NAMED:
                ids += f" and {len(found) - _NAMED} more"
            raise UsageError(f"Expected {name!r} to begin the id of one record, but got {ids}.")
        known = [record.id for own in evidence.selectors.values() for record in own.attempts]
        raise UnknownNameError("record", name, known)
    own = evidence.selector(name)
    return own, own.failure or own.measured


def _print(
    console: Console,
    evidence: Evidence,
    own: SelectorEvidence,
    record: RunRecord,
    samples: Sequence[RunRecord],
    *,
    everything: bool,
) -> None:
    selector, freshness = own.selector, own.judge(record)
    commit = record.commit
    modified = " (modified)" if commit and commit.dirty else ""
    why = f": {record.reason}" if record.reason else ""
    console.print(heading(selector.name), f"  {selector.title}")
    rows: list[tuple[Part, ...]] = [
        ("proves", selector.proves or "(not declared)"),
        ("outcome", status_word(record.outcome.words + why) if why else _outcome(record)),
        ("freshness", status_word(freshness.state.value)),
        *(("", f"- {reason}") for reason in freshness.reasons),
        ("record", record.id),
        ("source", record.source),
        *((("", cited(record.citation)), ("", record.citation.excerpt)) if record.citation else ()),
        ("started", record.started),
        ("commit", f"{commit.id}{modified}" if commit else "none"),
        ("class", record.machine_class),
        ("command", " ".join(record.command) or "not told"),
        ("ended", _ended(record)),
    ]
    console.table(rows, indent="  ")
    _numbers(console, record, samples)
    if record is own.measured:
        _section(console, "Guardrails", (
            (judged.metric, status_word(check.verdict.value), f"{check.bound} {check.limit}",
             Word(check.note, "dim"))
            for judged in own.judgements for check in judged.checks
        ))  # fmt: skip
    _section(console, "Tests", (
        (status_word(test.outcome.words),
         "" if test.seconds is None else f"{test.seconds:.2f} s", test.nodeid)
        for test in record.tests
    ))  # fmt: skip
    _section(console, "Properties", (
        (test.nodeid.rpartition("::")[2], key, str(told))
        for test in record.tests for key, told in test.properties.items()
    ))  # fmt: skip
    _section(console, "Artifacts", (
        (name, f"{a.size} B", a.suffix, a.title, Word(_kept(evidence, a), "dim"))
        for name, a in record.artifacts.items()
    ))  # fmt: skip
    _section(console, "Environment", (
        (kind, name, shown(value)) for kind, name, value in facts_of(record)
    ))  # fmt: skip
    _section(console, "Inputs", [
        (f"{len(record.inputs.files)} files", Word("ptyreg explain --inputs lists them", "dim")),
        *((Word("partly known", "caution"), reason) for reason in record.inputs.unseen),
    ])  # fmt: skip
    lines = record.output.strip().splitlines()
    console.print(heading("Output"))
    if not everything and len(lines) > 10:
        console.print("  ", Word(f"… {len(lines) - 10} lines more with --output", "dim"))
    console.block("\n".join(lines if everything else lines[-10:]))


def _outcome(record: RunRecord) -> Word:
    word = status_word(record.outcome.words)
    return Word(f"{word.text} (warm-up, no measurement)", "caution") if record.warmup else word


def _ended(record: RunRecord) -> str:
    code = "not told" if record.exit_code is None else record.exit_code
    return f"exit code {code}, attempt {record.attempt}"


def _numbers(console: Console, record: RunRecord, samples: Sequence[RunRecord]) -> None:
    several = len(samples) > 1
    rows: list[tuple[Part, ...]] = []
    for path, number, unit in numbers_of(record):
        row: list[Part] = [path, shown(Value(number, unit))]
        if several:
            same = [n for r in samples for p, n, u in numbers_of(r) if (p, u) == (path, unit)]
            told = summarise(same)._asdict()
            picked = (told[key] for key in ("mean", "min", "max", "stdev"))
            row += ["" if n is None else shown(Value(n, unit)) for n in picked]
        rows.append(tuple(row))
    if several:
        head = ("", "newest", "mean", "min", "max", "stdev")
        rows.insert(0, tuple(Word(word, "dim") for word in head))
    _section(console, f"Measured, n = {len(samples)}" if several else "Measured", rows)


def _section(console: Console, title: str, rows: Iterable[Sequence[Part]]) -> None:
    body = list(rows)
    if body:
        console.print(heading(title))
        console.table(body, indent="  ")


def _kept(evidence: Evidence, artifact: Any) -> str:
    path = evidence.store.artifact(artifact)
    if path is None:
        return "not in the store"
    root = evidence.project.root
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _told(
    own: SelectorEvidence, record: RunRecord | None, samples: Sequence[RunRecord]
) -> dict[str, Any]:
    freshness = own.judge(record) if record else own.freshness
    return {
        "selector": own.selector.name,
        "state": freshness.state,
        "reasons": [str(reason) for reason in freshness.reasons],
        "id": record and record.id,
        "samples": [sample.id for sample in samples],
        "record": record,
    }
