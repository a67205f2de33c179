"""Cleaning of what another machine wrote: its names and paths are not known beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..cleaning import LIMIT, Cleaner

__all__ = ["ForeignCleaner", "tells_who"]

_HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\)(?P<user>[^/\\\n:\"'<>]{2,40})(?=[/\\])")
_PROMPT = re.compile(r"^[\[(]?(?P<user>[A-Za-z_][\w.-]*)@(?P<host>[A-Za-z][\w.-]*)", re.MULTILINE)
_ROOT = re.compile(r"^rootdir: (?P<root>/\S+|[A-Za-z]:\\\S+?)(?:,.*)?$", re.MULTILINE)
_HOST = re.compile(r"\bhost(?:name)?\s*[:=]\s*(?P<host>[A-Za-z][\w.-]{2,})", re.IGNORECASE)
_SECRET = re.compile(
    r"\b(?P<name>[\w-]*(?:TOKEN|SECRET|PASSW(?:OR)?D|API_?KEY|CREDENTIAL)[\w-]*[\"']?\s*[=:]\s*)\S+"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|AKIA|xox[abps]-|sk-)[A-Za-z0-9_-]{12,}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b[\w.+-]+@[A-Za-z][\w-]*(?:\.[\w-]+)*")
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
#: A URL is kept, an absolute path is not: POSIX, Windows, a share, the home of somebody.
_PATH = re.compile(
    r"(?P<url>\b(?!file:)[a-z][a-z0-9+.-]*://[^\s\"'<>]+)"
    r"|file://\S*"
    r"|(?<![\w.$/<~-])/(?:[^\s/:\"'<>()\[\],;|]+/)+[^\s/:\"'<>()\[\],;|]*"
    r"|(?<![\w.$/<~-])/(?:home|Users|root|tmp|var|opt|mnt|data|scratch)\b[^\s:\"'<>]*"
    r"|\b[A-Za-z]:[\\/][^\s\"'<>|]+|\\\\[^\s\"'<>|]+|(?<!\w)~[\w-]*/[^\s\"'<>]*"
)
_WHO = re.compile(
    r"(?:host(?:_?name)?|node(?:_?name)?|user(?:_?name)?|login|e?mail|author.*|committer.*)"
)
_COMMON = frozenset({"root", "localhost", "user", "runner", "docker", "build", "test", "unknown"})


def tells_who(name: str) -> bool:
    """Whether a property of this name tells a person or a machine.

    Examples:
        >>> [tells_who(name) for name in ("hostname", "author_name", "node", "nodes", "loss")]
        [True, True, True, False, False]
    """
    return _WHO.fullmatch(name.lower().replace("-", "_")) is not None


class ForeignCleaner:
    """Cleans the texts of one report.

    Args:
        local: Knows the names of this machine, which reports made here tell.
        report: The whole report as text: what it calls its user, host and root is learned.
        names: Host and user names that the report tells in a field of their own.

    Examples:
        >>> from pathlib import Path
        >>> clean = ForeignCleaner(Cleaner(Path("/nowhere/p"), {}), "", ["gpu-box-7"])
        >>> clean("on GPU-BOX-7, see /data/u/x.py:3, https://a.example/b/c and a/b 1/s")
        'on <host>, see <path>:3, https://a.example/b/c and a/b 1/s'
    """

    def __init__(self, local: Cleaner, report: str, names: Iterable[str]) -> None:
        self._local = local
        known = dict.fromkeys(names, "<host>")
        known |= {match["user"]: "<user>" for match in _HOME.finditer(report)}
        for match in _PROMPT.finditer(report):
            known |= {match["user"]: "<user>", match["host"]: "<host>"}
        known |= {match["host"]: "<host>" for match in _HOST.finditer(report)}
        known |= {name.split(".")[0]: told for name, told in known.items()}
        self._names = [
            (re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE), told)
            for name, told in sorted(known.items(), key=lambda pair: -len(pair[0]))
            if len(name) >= 3 and name.lower() not in _COMMON and not name.isdigit()
        ]
        roots = {match["root"].rstrip("/\\") for match in _ROOT.finditer(report)}
        self._roots = sorted((r for r in roots if len(r) > 1), key=len, reverse=True)

    def __call__(self, text: str | bytes, limit: int = LIMIT) -> str:
        """Return `text` fit to be stored and shown, `limit` bytes of it."""
        text = self._local(text, max(len(text) * 4, limit))  # escapes first: they hide the rest
        for root in self._roots:
            text = re.sub(rf"{re.escape(root)}(?=[/\\\s,:]|$)", ".", text)
        text = _SECRET.sub(lambda match: f"{match['name'] or ''}***", text)
        text = _LOGIN.sub("", text)
        text = _PATH.sub(lambda match: match["url"] or "<path>", text)
        text = _ADDRESS.sub("<address>", text)
        for pattern, told in self._names:
            text = pattern.sub(told, text)
        return self._local(text, limit)
