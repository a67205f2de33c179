"""The one function that every text passes on its way into a record, a log or an export.

No host name, user name, home path or secret leaves a machine through a record.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

__all__ = ["LIMIT", "Cleaner"]

#: Bytes kept of a long text, split between its head and its tail.
LIMIT = 64 * 1024

_SECRET_NAME = re.compile(r"TOKEN|SECRET|KEY|PASSW|AUTH|CREDENTIAL", re.IGNORECASE)
#: Values of such variables that are settings: ``MAX_TOKENS=1024``.
_TRIVIAL = re.compile(r"(?:\d{1,7}|true|false|none|null|auto|always|never)\Z", re.IGNORECASE)
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])"
)
#: Control characters but newline and tab, and the marks that reorder or hide text.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufffe\uffff\ud800-\udfff]"
)


#: Names of accounts and machines that tell nothing, and words that every run prints.
_COMMON = frozenset({
    "admin", "app", "appuser", "build", "builder", "circleci", "coder", "dev", "developer",
    "docker", "docs", "error", "failed", "gitpod", "jenkins", "jovyan", "localhost", "node",
    "nobody",
    "passed", "pytest", "python", "root", "runner", "test", "tests", "ubuntu", "user", "vagrant",
    "vscode", "work", "worker", "www-data",
})  # fmt: skip


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a passwd entry
        return ""


class Cleaner:
    """Cleans texts for one project, machine and environment.

    Args:
        root: The project's root; it becomes ``.``.
        environ: The variables whose secrets are hidden; this process's by default. What a selector
            declares is none of them: everybody can read it.
    """

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._environ = dict(os.environ if environ is None else environ)

    def __call__(self, text: str | bytes, limit: int = LIMIT) -> str:
        """Return `text` fit to be stored and shown.

        Args:
            text: Anything a run printed, named or raised.
            limit: Bytes kept; a longer text keeps its head and its tail.
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors="replace")
        text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        text = _CONTROLS.sub("", text)
        for pattern, replacement in self._rules:
            text = pattern.sub(replacement, text)
        return _shorten(text, limit)

    @cached_property
    def _rules(self) -> list[tuple[re.Pattern[str], str]]:
        rules: list[tuple[re.Pattern[str], str]] = []
        secrets = {
            spelling
            for name, value in self._environ.items()
            if _SECRET_NAME.search(name) and not _TRIVIAL.match(value)
            for spelling in _printed(value)
        }
        rules += [(re.compile(re.escape(s)), "***") for s in sorted(secrets, key=len, reverse=True)]
        folders = [(folder, ".") for folder in _spellings(self.root)]
        folders += [(folder, "$TMP") for folder in _spellings(Path(tempfile.gettempdir()))]
        home = self._environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - may be unset
        for folder in filter(None, {home, _account_home()}):
            folders += [(spelling, "~") for spelling in _spellings(Path(folder))]
        folders.sort(key=lambda pair: len(pair[0]), reverse=True)
        rules += [(re.compile(re.escape(f) + r"(?![\w-]|\.\w)"), new) for f, new in folders]
        users = {_user(), self._environ.get("USER", ""), self._environ.get("LOGNAME", "")}
        rules += [(_word(name), "<user>") for name in sorted(users) if _telling(name)]
        hosts = {socket.gethostname(), self._environ.get("HOSTNAME", "")}
        hosts |= {name.split(".")[0] for name in hosts}
        by_length = sorted(hosts, key=len, reverse=True)
        rules += [(_word(name), "<host>") for name in by_length if _telling(name)]
        return rules


def _account_home() -> str:
    try:
        import pwd  # noqa: PLC0415 - not on Windows

        return pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):
        return ""


def _printed(secret: str) -> set[str]:
    """Return the ways in which a secret is printed: bare, quoted, line by line."""
    text = secret.replace("\r\n", "\n").replace("\r", "\n").strip()
    ways = {text, repr(text)[1:-1], json.dumps(text)[1:-1]}
    if "\n" in text:
        ways |= {line.strip() for line in text.split("\n") if len(line.strip()) >= 8}
    return {_CONTROLS.sub("", _ESCAPES.sub("", way)) for way in ways if len(way) >= 4}


def _spellings(folder: Path) -> set[str]:
    """Return the folder as it was given and as the kernel sees it, and in URLs; never ``/``."""
    paths = {str(path) for path in (folder.absolute(), folder.resolve()) if len(path.parts) > 1}
    return paths | {quote(path) for path in paths} | {quote(path, safe="") for path in paths}


def _telling(name: str) -> bool:
    """Whether hiding this name hides a person or a machine, and not a common word."""
    return len(name) >= 3 and name.lower() not in _COMMON


def _word(name: str) -> re.Pattern[str]:
    # In a URL, what stands in front may be a slash that is spelled.
    return re.compile(
        rf"(?:(?<![A-Za-z0-9])|(?<=%2F)){re.escape(name)}(?![A-Za-z0-9])", re.IGNORECASE
    )


def _shorten(text: str, limit: int) -> str:
    data = text.encode("utf-8")
    if len(data) <= limit:
        return text
    half = max((limit - 64) // 2, 0)
    head = data[:half].decode("utf-8", errors="ignore")
    tail = data[len(data) - half :].decode("utf-8", errors="ignore")
    return f"{head}\n[… {len(data) - 2 * half} bytes left out …]\n{tail}"
