"""Completion in a shell, by argcomplete where it is installed (the extra ``completion``)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ..config import find_root, load
from ..errors import PtyregError

__all__ = ["completes_selectors", "offer"]


def offer(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks what could come next, and end; otherwise do nothing."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    try:
        import argcomplete  # noqa: PLC0415 - only a shell asks for it
    except ImportError:
        return
    argcomplete.autocomplete(parser)


def completes_selectors(action: argparse.Action) -> None:
    """Let an argument be completed with the names of selectors."""
    action.completer = _selectors  # type: ignore[attr-defined] # argcomplete looks for it


def _selectors(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    try:
        project = load(find_root(Path(getattr(parsed_args, "root", ".")).resolve()))
    except PtyregError:
        return []
    return list(project.selectors)
