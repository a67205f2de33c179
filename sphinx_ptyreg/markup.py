"""A page as text: the lines that a reader reads, in MyST and in reST, without code and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Line", "lines_of"]


class Line(NamedTuple):
    """A line of a page.

    Attributes:
        text: What is read; nothing of code, literal blocks, mathematics and comments.
        comment: What its comment says.
        head: Whether it opens a directive of MyST.
    """

    text: str
    comment: str = ""
    head: bool = False


#: Directives whose content is no prose.
_VERBATIM = (
    r"code|code-block|code-cell|sourcecode|literalinclude|parsed-literal|math|raw|highlight|mermaid"
    r"|graphviz|doctest|testcode|testoutput|testsetup|productionlist|prompt"
)
_FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,}|:{3,})(?P<info>.*)$")
_CODE = re.compile(rf"(?!\{{)|\{{(?:{_VERBATIM})\}}")
_HTML = re.compile(r"<!--(.*?)(?:-->|$)")
_EXPLICIT = re.compile(r"^\s*\.\.(?:\s+(?P<body>.*))?$")
_DIRECTIVE = re.compile(r"(?:\|[^|]+\|\s+)?(?P<name>[\w:.+-]+)\s?::(?:\s|$)")
_VERBATIM_NAME = re.compile(rf"(?:{_VERBATIM})", re.IGNORECASE)
#: What stands before the text of a list item.
_BULLETS = re.compile(r"\s*(?:(?:[-*+•]|\(?(?:\d+|#|[A-Za-z])[.)])\s+)*")


def lines_of(source: str, *, rst: bool) -> Iterator[Line]:
    r"""Yield each line of a page.

    Args:
        source: The page.
        rst: Whether it is reST; else it is MyST, which may hold reST in ``{eval-rst}``.

    Examples:
        >>> [line.text for line in lines_of("Code::\n\n  x = 1\n\n.. note::\n\n  Read.", rst=True)]
        ['Code::', '', '', '', '.. note::', '', '  Read.']
        >>> [line.comment for line in lines_of("a <!-- b -->\n% c", rst=False)]
        [' b ', ' c']
    """
    lines = source.splitlines()
    return _rst(lines) if rst else _myst(lines)


def _rst(lines: Sequence[str]) -> Iterator[Line]:
    beside = -1  # the column that a block which is not read is indented from
    is_comment = False
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if beside >= 0 and (not line.strip() or indent > beside):
            yield Line("", line.strip() if is_comment else "")
            continue
        beside, is_comment = -1, False
        explicit = _EXPLICIT.match(line)
        body = (explicit["body"] or "").strip() if explicit else ""
        if explicit and (directive := _DIRECTIVE.match(body)):
            if _VERBATIM_NAME.fullmatch(directive["name"]):
                beside = indent
            yield Line("" if beside >= 0 else line)
        elif explicit and not body.startswith(("_", "[", "|")):
            # Nothing behind the dots and a blank line: an empty comment, which ends at once.
            if body or (i + 1 < len(lines) and lines[i + 1].strip()):
                beside, is_comment = indent, True
            yield Line("", body)
        else:
            if line.rstrip().endswith("::"):
                bullets = _BULLETS.match(line)
                beside = bullets.end() if bullets else indent
            yield Line(line)


def _myst(lines: Sequence[str]) -> Iterator[Line]:
    open_: list[tuple[str, bool]] = []  # fences, and whether each holds code
    in_comment = in_math = False
    waiting: list[str] | None = None  # the lines of an {eval-rst}
    for line in lines:
        mark = _FENCE.match(line)
        is_code = bool(open_) and open_[-1][1]
        if mark and open_ and mark["fence"].startswith(open_[-1][0]) and not mark["info"].strip():
            open_.pop()
            yield from _rst(waiting or ())
            waiting = None
            yield Line("")
        elif waiting is not None:
            waiting.append(line)
        elif is_code:
            yield Line("")
        elif mark:
            info = mark["info"].strip()
            code = _CODE.match(info) is not None and bool(info or mark["fence"][0] != ":")
            open_.append((mark["fence"], code))
            waiting = [] if info.startswith("{eval-rst}") else None
            yield Line("" if code else line, head=not code)
        elif line.strip().startswith("$$") or in_math:
            in_math = in_math != bool(line.count("$$") % 2)
            yield Line("")
        elif line.lstrip().startswith("%") and not in_comment:
            yield Line("", line.lstrip()[1:])
        else:
            opened = f"<!--{line}" if in_comment else line
            in_comment = opened.rfind("<!--") > opened.rfind("-->")
            comment = " ".join(_HTML.findall(opened))
            yield Line(_HTML.sub(" ", opened), comment)
    yield from _rst(waiting or ())
