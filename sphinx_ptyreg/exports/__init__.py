"""Evidence in the forms that others read; each format is a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..selector_evidence import SelectorEvidence
from . import badges, benchmark, csv_table, readings

__all__ = ["FORMATS", "Files", "export"]

#: Path below the folder that is exported to → content.
Files = dict[str, bytes]

#: Format → what writes it. The folder of artifacts for an initiative (hub) is a command's matter.
FORMATS: dict[str, Callable[[Sequence[SelectorEvidence]], Files]] = {
    "json": readings.files,
    "csv": csv_table.files,
    "benchmark": benchmark.files,
    "shields": badges.shields_files,
    "svg": badges.svg_files,
}


def export(formats: Sequence[str], selectors: Sequence[SelectorEvidence]) -> Files:
    """Write `selectors` in each of `formats`.

    Args:
        formats: Keys of :data:`FORMATS`.
        selectors: What to write.
    """
    files: Files = {}
    for name in formats:
        files |= FORMATS[name](selectors)
    return files
