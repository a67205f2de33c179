"""The folder of artifacts that an initiative keeps: written from records, never by hand.

Every number in it stands in a record or in the declaration, rounded as a page would show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import VerdictError
from ..evidence import Evidence
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from . import ci_notes, env_snapshot, runtime_profile, summary
from .junit import junit

__all__ = ["files"]


def files(
    evidence: Evidence, selectors: Sequence[SelectorEvidence], clean: Callable[[str], str]
) -> dict[str, bytes]:
    """Return the folder's files by their names.

    Args:
        evidence: What is known about the project.
        selectors: What the folder is about.
        clean: Cleans each text on its way out.

    Raises:
        VerdictError: None of them was ever measured.
    """
    measured = [own for own in selectors if own.measured is not None]
    if not measured:
        names = " ".join(own.selector.name for own in selectors)
        raise VerdictError(
            f"Expected a measurement to export, but got none. Run: ptyreg run {names}"
        )
    records = [r for own in measured for samples in own.classes.values() for r in samples]
    logs = {_log_name(record): _log(evidence, record) for record in records}
    texts = {
        "runtime_profile.md": runtime_profile.written(measured),
        "env_snapshot.txt": env_snapshot.written(measured),
        "ci_notes.md": ci_notes.written(evidence, selectors),
        "summary.md": summary.written(evidence, selectors, sorted(logs)),
        **logs,
    }
    written = {name: clean(text).encode() for name, text in texts.items()}
    return written | {"junit.xml": junit(records)}


def _log_name(record: RunRecord) -> str:
    return f"pytest_{record.selector}_{record.id}.log"


def _log(evidence: Evidence, record: RunRecord) -> str:
    """Return what the run printed: its artifact, else the part that the record has."""
    artifact = record.artifacts.get("log")
    path = evidence.store.artifact(artifact) if artifact is not None else None
    told = record.output if path is None else path.read_text(encoding="utf-8", errors="replace")
    return told if told.endswith("\n") else f"{told}\n"
