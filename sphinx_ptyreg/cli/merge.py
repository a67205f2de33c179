"""``ptyreg merge``: keep the evidence of bundles from other machines."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..bundles.merging import merge
from ..errors import ExitCode
from .console import Console, heading
from .project import opened

NAME = "merge"
HELP = "Keep the records and artifacts of bundles (ptyreg export bundle) from other machines."
WRITES = "records and artifacts in .ptyreg/received/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the bundles."""
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", type=Path, help="bundles")


def execute(arguments: argparse.Namespace) -> int:
    """Merge each bundle, whole or not at all; their order does not matter.

    Raises:
        RecordError: A bundle is cut off, tampered with, or larger than a bundle may be.
    """
    console = Console(arguments)
    _, store = opened(arguments)
    merged = merge(store, arguments.bundles)
    for one in merged:
        artifacts = f", {one.artifacts} artifacts" if one.artifacts else ""
        console.print(heading(one.bundle), f": {one.records} records, {one.new} new{artifacts}")
    console.answer({"bundles": [one._asdict() for one in merged]})
    return ExitCode.OK
