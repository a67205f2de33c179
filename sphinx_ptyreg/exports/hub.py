"""The folder of artifacts that an initiative keeps: written from records, never by hand.

Every number in it stands in a record or in the declaration, rounded as a page would show it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..errors import VerdictError
from ..evidence import Evidence
from ..record import RunRecord
from ..selector_evidence import SelectorEvidence
from . import ci_notes, env_snapshot, runtime_profile, summary
from .junit import junit

__all__ = ["files", "is_log"]

_LOG = re.compile(r"pytest_[A-Za-z][\w-]*_\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.log")


def files(
    evidence: Evidence, selectors: Sequence[SelectorEvidence], clean: Callable[[str], str]
) -> dict[str, bytes]:
    """Return the folder's files by their names.

    Args:
        evidence: What is known about the project.
        selectors: What the folder is about.
        clean: Cleans each text on its way out.

    Raises:
        VerdictError: None of them was ever run.
    """
    ran = [own for own in selectors if own.latest is not None]
    if not ran:
        names = " ".join(own.selector.name for own in selectors)
        raise VerdictError(f"Expected a run to export, but got none. Run: ptyreg run {names}")
    records = [record for own in ran for record in _records(own)]
    logs = {_log_name(record): _log(evidence, record) for record in records}
    texts = {
        "runtime_profile.md": runtime_profile.written(ran),
        "env_snapshot.txt": env_snapshot.written(ran),
        "ci_notes.md": ci_notes.written(evidence, selectors),
        "summary.md": summary.written(evidence, selectors, sorted(logs)),
        **logs,
    }
    written = {name: clean(text).encode() for name, text in texts.items()}
    return written | {"junit.xml": junit(records)}


def is_log(name: str) -> bool:
    """Whether a file of this name is a log that an export wrote."""
    return _LOG.fullmatch(name) is not None


def _records(own: SelectorEvidence) -> list[RunRecord]:
    """Return each class's sample set, and the latest run when that is no measurement."""
    measured = [record for samples in own.classes.values() for record in samples]
    return [*measured, own.failure] if own.failure is not None else measured


def _log_name(record: RunRecord) -> str:
    return f"pytest_{record.selector}_{record.id}.log"


def _log(evidence: Evidence, record: RunRecord) -> str:
    """Return what the run printed: its artifact, else the part that the record has."""
    artifact = record.artifacts.get("log")
    path = evidence.store.artifact(artifact) if artifact is not None else None
    told = record.output if path is None else path.read_text(encoding="utf-8", errors="replace")
    return told if told.endswith("\n") else f"{told}\n"
