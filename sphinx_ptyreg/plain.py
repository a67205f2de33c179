"""Text that every builder can write: a record may come from anywhere."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["brief", "one_line", "plain", "plain_parts"]

#: Characters of foreign text that an error quotes.
_QUOTED = 300

#: Control characters, escape sequences and marks that turn the direction of text.
_UNFIT = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)


def plain(text: str) -> str:
    r"""Return `text` without what no page can show.

    Examples:
        >>> plain("\x1b[31mred\x1b[0m \x00 and \u202eturned")
        'red  and turned'
    """
    return text if text.isprintable() else _UNFIT.sub("", text)


#: Blank space with the end of a line in it.
_BREAK = "[ \t]*[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+[ \t\n\v\f\r]*"  # rare: compiled on use


def one_line(text: str) -> str:
    r"""Return plain text as it stands in running text, where a line cannot end.

    Examples:
        >>> one_line("one\r\n  and \u202eanother")
        'one and another'
    """
    return text if text.isprintable() else plain(re.sub(_BREAK, " ", text.strip("\t\n\v\f\r")))


def brief(told: object) -> str:
    r"""Return what another library says of foreign text, which it may quote whole, in one line.

    Examples:
        >>> brief("Invalid value '\x1b[31mred\n'")
        "Invalid value 'red '"
        >>> len(brief("x" * 5000))
        300
    """
    text = plain(" ".join(str(told).splitlines()))
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 2]} …"


def plain_parts(value: Any) -> Any:
    """Return JSON-like data with every text in it made plain, keys too."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain_parts(key): plain_parts(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain_parts(part) for part in value]
    return value
