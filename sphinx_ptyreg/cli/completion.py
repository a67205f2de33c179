"""Completion in a shell, by argcomplete where it is installed (the extra ``completion``)."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..config import find_root, load
from ..errors import PtyregError
from ..evidence import Evidence
from ..sides import known_sides
from ..store import Store

__all__ = [
    "completes_classes", "completes_paths", "completes_selectors", "completes_sides", "offer",
]  # fmt: skip


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
    _completes(action, lambda evidence: evidence.selectors)


def completes_paths(action: argparse.Action) -> None:
    """Let an argument be completed with the paths that a page may cite."""
    _completes(action, lambda evidence: (
        path
        for name, own in evidence.selectors.items()
        for path in (name, *(f"{name}.{inside}" for inside in own.values))
    ))  # fmt: skip


def completes_sides(action: argparse.Action) -> None:
    """Let an argument be completed with the sides that a comparison may have."""
    _completes(action, lambda evidence: {
        side for own in evidence.selectors.values() for side in known_sides(evidence, own)
    })  # fmt: skip


def completes_classes(action: argparse.Action) -> None:
    """Let an argument be completed with the machine classes of what was measured."""
    _completes(action, lambda evidence: {
        name for own in evidence.selectors.values() for name in own.classes
    })  # fmt: skip


def _completes(action: argparse.Action, found: Callable[[Evidence], Iterable[str]]) -> None:
    def complete(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
        try:
            project = load(find_root(Path(getattr(parsed_args, "root", ".")).resolve()))
            return sorted(found(Evidence(project, Store(project.store, project.published))))
        except (PtyregError, OSError):  # a shell has no place for it
            return []

    action.completer = complete  # type: ignore[attr-defined] # argcomplete looks for it
