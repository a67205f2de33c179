"""The commit that a run is measured at."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection
from pathlib import Path

from .record import Commit

__all__ = ["checkout_of", "commit_of", "committed_at", "committed_in", "prefix_of"]


def checkout_of(root: Path) -> Path | None:
    """Return the root of the version control checkout that `root` lies in."""
    folders = (root, *root.parents)
    return next((f for f in folders if any((f / vcs).exists() for vcs in (".git", ".hg"))), None)


def commit_of(root: Path, inputs: Collection[str]) -> Commit | None:
    """Return the checked-out commit, dirty when one of `inputs` differs from it.

    A project that is not under git has none; neither has a checkout without a commit.
    """
    head = _git(root, "rev-parse", "--verify", "HEAD")
    if head is None:
        return None
    prefix = prefix_of(root)
    changes = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    changed = {entry[3:].removeprefix(prefix) for entry in (changes or "").split("\0") if entry}
    return Commit(id=head.strip(), dirty=not changed.isdisjoint(inputs))


def prefix_of(root: Path) -> str:
    """Return where a project lies in its checkout: ``docs/`` or, at the top, nothing."""
    return (_git(root, "rev-parse", "--show-prefix") or "").rstrip("\n")


def committed_in(root: Path, file: Path) -> str | None:
    """Return the commit that a file was last changed in; None when it differs, or has none.

    A file that no commit has differs from none: git compares only what it knows.
    """
    path = os.path.relpath(file, root).replace(os.sep, "/")
    if _git(root, "cat-file", "-e", f"HEAD:./{path}") is None:
        return None
    if _git(root, "diff", "--quiet", "HEAD", "--", str(file)) is None:
        return None
    return (_git(root, "log", "-1", "--format=%H", "--", str(file)) or "").strip() or None


def committed_at(root: Path) -> float | None:
    """Return when the checked-out commit was made, in seconds since the epoch."""
    told = _git(root, "log", "-1", "--format=%ct")
    return float(told) if told and told.strip().isdecimal() else None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout
