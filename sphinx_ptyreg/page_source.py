"""What a page claims and defines, read from its source without Sphinx.

What a substitution, an include or another extension puts into a page is not in its source: a build
sees it (``sphinx-build -b ptyreg``), this module does not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .markup import lines_of

__all__ = ["PageSource", "read_page"]

_CLAIM = re.compile(r"(?:\{ptyreg:claim\}|:ptyreg:claim:)`([^`]+)`")
_LITERAL = re.compile(r"(`{2,})(?:(?!\1)[^\n])+?\1(?!`)")
_CARD = re.compile(
    r"^[ \t]*(?:(?:`{3,}|~{3,}|:{3,})\{ptyreg:(selector|finding)\}"
    r"|\.\. ptyreg:(selector|finding)::)"
    r"[ \t]+(\S+)[ \t]*\n(?P<options>(?:[ \t]*:[\w-]+:.*\n)*)",
    re.MULTILINE,
)


class PageSource(NamedTuple):
    """The claims of a page with their lines, and the cards that it has."""

    claims: list[tuple[int, str]]
    cards: list[tuple[str, str]]


def read_page(source: str, *, rst: bool) -> PageSource:
    r"""Read a page in reST or in MyST.

    Examples:
        >>> page = read_page("Fast:\n{ptyreg:claim}`a.duration\n< 9 s`\n", rst=False)
        >>> page.claims
        [(2, 'a.duration < 9 s')]
        >>> read_page("```{ptyreg:selector} a\n```\n", rst=False).cards
        [('selector', 'a')]
    """
    lines = [line.text for line in lines_of(source, rst=rst)]
    text = _LITERAL.sub(lambda match: " " * len(match[0]), "\n".join(lines))
    claims = [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[1].split()))
        for match in _CLAIM.finditer(text)
        if "\n\n" not in match[1]
    ]
    cards = [
        (match[1] or match[2], match[3])
        for match in _CARD.finditer("\n".join([*lines, ""]))
        if ":no-index:" not in match["options"]
    ]
    return PageSource(claims, cards)
