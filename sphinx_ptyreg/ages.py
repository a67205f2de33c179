"""How old a measurement may be: judged against the project's time, never against the clock.

A page that was built yesterday must come out the same today, so *now* is ``SOURCE_DATE_EPOCH``
or else when the checked-out commit was made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from .revision import committed_at
from .units import parse_quantity

__all__ = ["is_older", "project_time"]


def project_time(root: Path, environ: Mapping[str, str] = os.environ) -> float | None:
    """Return the seconds since the epoch that ages are counted from; None where nothing tells."""
    told = environ.get("SOURCE_DATE_EPOCH", "")
    return float(told) if told.isdecimal() else committed_at(root)


def is_older(started: str, max_age: str, now: float) -> bool:
    """Whether a run that began at `started` is older than `max_age`.

    Examples:
        >>> is_older("2026-03-01T00:00:00.000000Z", "30 d", 1775000000.0)
        True
        >>> is_older("2026-03-01T00:00:00.000000Z", "40 d", 1775000000.0)
        False
    """
    began = datetime.fromisoformat(started).astimezone(UTC).timestamp()
    return now - began > parse_quantity(max_age).to("s")
