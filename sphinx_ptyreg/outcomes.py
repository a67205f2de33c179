"""How a run ends: the words that records, file names and pages have for it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Outcome"]


class Outcome(StrEnum):
    """How a run, or one test in it, ended. Only ``passed`` is a measurement."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    CRASHED = "crashed"
    NOT_COLLECTED = "not_collected"
    IMPORT_ERROR = "import_error"
    NOT_MEASURED = "not_measured"

    @property
    def words(self) -> str:
        """The outcome as a reader sees it."""
        return self.value.replace("_", " ")
