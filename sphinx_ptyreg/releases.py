"""Which releases a project's commits are, so that a trend can name versions."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

__all__ = ["releases", "version_of"]


@cache
def releases(root: Path) -> dict[str, str]:
    """Return commit → tag for the project at `root`; nothing when it is not under git."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "for-each-ref", "refs/tags",  # noqa: S607 - the user's own git
             "--format=%(objectname) %(*objectname) %(refname:short)"],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, str] = {}
    for line in answer.stdout.splitlines():
        tag, peeled, name = line.split(" ", 2)
        found[peeled or tag] = name
    return found


def version_of(root: Path, commit: str | None) -> str:
    """Return the release that `commit` is, else its short name."""
    if commit is None:
        return "no commit"
    return releases(root).get(commit, commit[:7])
