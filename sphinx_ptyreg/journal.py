"""What the child process wrote while it ran."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["FILE", "events", "stage_of"]

#: The journal's name in the recording folder.
FILE = "events.jsonl"


def events(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what the child wrote; a line cut off by its end is left out."""
    journal = folder / FILE
    if not journal.exists():
        return
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event


def stage_of(folder: Path) -> str:
    """Return the stage that a run is in, or nothing between stages."""
    stage = ""
    for event in events(folder):
        if event["event"] == "stage_begin":
            stage = event["name"]
        elif event["event"] == "stage" and event["name"] == stage:
            stage = ""
    return stage
