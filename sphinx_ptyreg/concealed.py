"""Names of files that would tell a person, a machine or a secret: a record keeps a digest of each.

Part by part, so that a concealed name can still be found: ``data/private:5e88…/scan.npz``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

__all__ = [
    "conceal", "concealed", "concealed_value", "is_concealed", "is_magic", "is_meant",
    "is_same_value", "shown_value",
]  # fmt: skip

_PREFIX = "private:"


def is_magic(part: str) -> bool:
    """Whether a part of a pattern matches more than one name."""
    return any(mark in part for mark in "*?[")


def conceal(name: str) -> str:
    """Return what a record keeps of a name that tells too much."""
    return _PREFIX + hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def concealed(path: str, clean: Callable[[str], str]) -> str:
    """Return `path` with every part concealed that `clean` would change.

    A part with a wildcard is widened instead: a digest of it would match nothing.

    Examples:
        >>> concealed("data/alice/*.npz", lambda text: text.replace("alice", "<user>"))[:16]
        'data/private:2bd'
        >>> concealed("data/alice*", lambda text: text.replace("alice", "<user>"))
        'data/*'
    """
    if clean(path) == path:
        return path
    parts = [part if clean(part) == part else _hidden(part) for part in path.split("/")]
    told = "/".join(parts)
    return told if clean(told) == told else "/".join(map(_hidden, path.split("/")))


def _hidden(part: str) -> str:
    return "*" if is_magic(part) else conceal(part)


def is_concealed(path: str) -> bool:
    """Whether a part of `path` is concealed."""
    return _PREFIX in path


def is_meant(part: str, name: str) -> bool:
    """Whether a part of a recorded path means this name."""
    return part == name or (part.startswith(_PREFIX) and part == conceal(name))


def concealed_value(value: str, clean: Callable[[str], str]) -> str:
    """Return `value` as `clean` leaves it; when that hides something, with a digest of it all.

    Examples:
        >>> concealed_value("12", str), concealed_value("t0k", lambda text: "***")
        ('12', '*** (private:98e4e2769575)')
    """
    told = clean(value)
    return value if told == value else f"{told} ({_mark(value)})"


def is_same_value(told: str, value: str) -> bool:
    """Whether a recorded value means this one, on whatever machine it was concealed."""
    return told == value or told.endswith(f"({_mark(value)})")


def shown_value(told: str) -> str:
    """Return a recorded value as a page shows it."""
    return told.partition(f" ({_PREFIX}")[0]


def _mark(value: str) -> str:
    return conceal(value)[: len(_PREFIX) + 12]
