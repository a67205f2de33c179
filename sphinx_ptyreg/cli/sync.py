"""``ptyreg sync``: exchange records with the project's shared store."""

from __future__ import annotations

import argparse

from ..errors import ConfigError, ExitCode
from ..exchange import bring, hand_over, is_away
from .console import Console, Word
from .project import opened

NAME = "sync"
HELP = "Pull what others ran from the shared store, and push what was run here."
WRITES = "records in .ptyreg/received/ and in the shared store"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments of its own."""


def execute(arguments: argparse.Namespace) -> int:
    """Pull, then push; 3 when the shared store is away or something was refused.

    Raises:
        ConfigError: The project has no shared store.
    """
    console = Console(arguments)
    project, store = opened(arguments)
    if not project.remote:
        raise ConfigError(
            "pyproject.toml, tool.ptyreg.store",
            "Expected the URL of a shared store, such as 's3://bucket/project', but got a folder.",
        )
    notices = bring(project, store, console.print)
    if not is_away(project, notices):
        notices += hand_over(project, store, console.print)
    for notice in notices:
        console.error(Word("store:", "bad"), f" {notice.text}")
    console.answer({"store": project.remote, "problems": [notice.text for notice in notices]})
    return ExitCode.INFRASTRUCTURE if notices else ExitCode.OK
