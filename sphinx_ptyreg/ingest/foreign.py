"""Cleaning of what another machine wrote: its names and paths are not known beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..cleaning import LIMIT, Cleaner
from .secrets import HIDDEN, is_secret_name, without_secrets, without_secrets_in

__all__ = ["ForeignCleaner", "tells_who"]

#: A home folder with what lies in it; the name of a user on Windows may have spaces.
_HOME = re.compile(
    r"(?:/(?:home|Users)/(?P<user>[^\s/\\:\"'<>|]{2,40})"
    r"|(?:[A-Za-z]:[\\/]+|/[A-Za-z]/)Users[\\/]+"
    r"(?P<person>[^\s/\\:\"'<>|]{1,40}(?: [^\s/\\:\"'<>|]{1,40}){0,3}))"
    r"(?=[/\\])[^\s:\"'<>|]*"
)
_PROMPT = re.compile(r"^[\[(]?(?P<user>[A-Za-z_][\w.-]*)@(?P<host>[A-Za-z][\w.-]*)", re.MULTILINE)
_ROOT = re.compile(r"^rootdir: (?P<root>/\S+|[A-Za-z]:\\\S+?)(?:,.*)?$", re.MULTILINE)
#: Variables and fields that tell a person or a machine, with their values.
_USER = re.compile(
    r"\b(?P<field>(?:[A-Z]+_)*(?:USER(?:_?NAME)?|LOGNAME)[\"']?\s{0,3}[=:]\s{0,3}[\"']?)"
    r"(?P<user>[A-Za-z_][\w.@-]*)",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"\b(?P<field>host(?:_?name)?[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"|\w*NODE(?:_?NAME|_?LIST)?[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?P<host>[A-Za-z][\w.-]{2,})(?P<range>\[[\d,-]+\])?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@[A-Za-z][\w-]*(?:\.[\w-]+)*")
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
#: A URL is kept, an absolute path is not: POSIX, Windows, a share, the home of somebody.
_PATH = re.compile(
    r"(?P<url>\b(?!file:)[a-z][a-z0-9+.-]{0,40}://[^\s\"'<>]+)"
    r"|file://\S*"
    r"|(?<![\w.$/<~-])/(?:[^\s/:\"'<>()\[\],;|]+/)+[^\s/:\"'<>()\[\],;|]*"
    r"|(?<![\w.$/<~-])/(?:home|Users|root|tmp|var|opt|mnt|data|scratch)\b[^\s:\"'<>]*"
    r"|\b[A-Za-z]:[\\/][^\s\"'<>|]+|\\\\[^\s\"'<>|]+|(?<!\w)~[\w-]*/[^\s\"'<>]*"
)
_WHO = re.compile(
    r"(?:host(?:_?name)?|node(?:_?name|_?list)?|user(?:_?name)?|logname|login|e?mail|author.*"
    r"|committer.*)"
)
#: Names that tell nothing, and words that stand behind ``user:`` or ``host:`` in any log.
_COMMON = frozenset({
    "root", "localhost", "user", "runner", "docker", "build", "test", "tests", "unknown", "none",
    "null", "true", "false", "passed", "failed", "error", "python", "pytest", "linux", "darwin",
    "windows", "local", "remote", "default", "name", "list",
})  # fmt: skip


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
        known = dict.fromkeys(names, "<host>") | dict(_names_in(report))
        known |= {name.split(".")[0]: told for name, told in known.items()}
        known |= {part: told for name, told in known.items() for part in name.split()}
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
        text = without_secrets(text)
        text = _USER.sub(lambda match: _told(match, "user"), text)
        text = _HOST.sub(lambda match: _told(match, "host"), text)
        text = _LOGIN.sub("", text)
        text = _HOME.sub("<path>", text)
        text = _PATH.sub(lambda match: match["url"] or "<path>", text)
        text = _ADDRESS.sub("<address>", text)
        for pattern, told in self._names:
            text = pattern.sub(told, text)
        return self._local(text, limit)

    def field(self, name: str, value: Any, limit: int = 1000) -> Any:
        """Return what a report tells in a field of its own: its name says what it may be.

        Examples:
            >>> from pathlib import Path
            >>> clean = ForeignCleaner(Cleaner(Path("/nowhere/p"), {}), "", [])
            >>> clean.field("password", "hunter2"), clean.field("loss", 0.5)
            ('***', 0.5)
        """
        if is_secret_name(name, value):
            return HIDDEN
        value = without_secrets_in(value)
        if isinstance(value, (dict, list)):
            value = str(value)
        return self(value, limit) if isinstance(value, str) else value


def _names_in(report: str) -> Iterator[tuple[str, str]]:
    """Yield what a report calls its users and hosts, and what stands in their place."""
    for match in _HOME.finditer(report):
        yield match["user"] or match["person"], "<user>"
    for match in _PROMPT.finditer(report):
        yield match["user"], "<user>"
        yield match["host"], "<host>"
    for match in _USER.finditer(report):
        yield match["user"], "<user>"
    for match in _HOST.finditer(report):
        if _tells_host(match):
            yield match["host"].rstrip(".-"), "<host>"


def _tells_host(match: re.Match[str]) -> bool:
    """Whether a word behind ``node:`` is a machine: prose has nodes too, of other names."""
    is_prose = match["field"].lower().startswith("node") and not match["field"].isupper()
    return not is_prose or any(letter in "0123456789.-" for letter in match["host"])


def _told(match: re.Match[str], kind: str) -> str:
    """Return a field without the name in it."""
    if match[kind].lower() in _COMMON or (kind == "host" and not _tells_host(match)):
        return match[0]
    return f"{match['field']}<{kind}>"
