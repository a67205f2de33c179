"""Finds numbers that were typed by hand where a record could speak: the prose guard.

A number with a unit is looked at when its paragraph names a selector, by name, title or a role.
It is told when no value of that selector reads like it. A comment silences one line:
``ptyreg: allow REASON``, in the line itself or in the one before.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from .evidence import Evidence
from .selector_evidence import SelectorEvidence
from .units import convert, known_units, parse_quantity, same_dimension

__all__ = ["Typed", "typed_numbers", "without_code"]

_UNITS = "|".join(re.escape(u) for u in sorted(known_units(), key=len, reverse=True) if u != "1")
_NUMBER = re.compile(rf"(?<![\w.,/-])(\d+(?:\.(\d+))?)[ \u00a0]?({_UNITS})(?![\w/%-])")
_ROLES = re.compile(r"\{[\w:.+-]+\}`[^`]*`|:[\w:.+-]+:`[^`]*`|``[^`]+``|`[^`]+`_?")
_FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,}|:{3,})(?P<info>.*)$")
_LITERAL = re.compile(r"::\s*$|^\s*\.\. (?:code|parsed-literal|math|raw)")
_ALLOW = re.compile(r"ptyreg:\s*allow\b[:\s]*(?P<reason>[^\n>]*?)\s*(?:-->)?\s*$")


class Typed(NamedTuple):
    """A number that no record supports; `text` says what to do."""

    line: int
    number: str
    text: str


def typed_numbers(source: str, evidence: Evidence) -> Iterator[Typed]:
    """Yield what to tell about `source`, a page in MyST or reST."""
    names = {name: _naming(own) for name, own in evidence.selectors.items()}
    for block in _paragraphs(source):
        text = "\n".join(line for _, line in block)
        named = [evidence.selectors[name] for name, said in names.items() if said.search(text)]
        if named:
            yield from _in_block(block, named)


def _in_block(block: list[tuple[int, str]], named: list[SelectorEvidence]) -> Iterator[Typed]:
    before = ""
    for number, line in block:
        allowed = _ALLOW.search(line) or _ALLOW.search(before)
        before = line
        if allowed is not None and not allowed["reason"]:
            yield Typed(number, line.strip(), "Expected a reason after 'ptyreg: allow'.")
        if allowed is not None:
            continue
        bare = _ROLES.sub(lambda match: " " * len(match[0]), line)
        for match in _NUMBER.finditer(bare):
            if advice := _advice(float(match[1]), len(match[2] or ""), match[3], named):
                yield Typed(number, match[0], advice)


def _advice(typed: float, decimals: int, unit: str, named: list[SelectorEvidence]) -> str:
    """Return what to write instead; nothing when a value reads like this."""
    near: list[tuple[float, str]] = []
    for own in named:
        for path, number, of in _quantities(own):
            if not same_dimension(of, unit):
                continue
            measured = convert(number, of, unit)
            if round(measured, decimals) == typed:
                return ""
            off = abs(measured - typed) / max(abs(measured), abs(typed), 1e-300)
            near.append((off, f"{own.selector.name}.{path}"))
    names = " or ".join(own.selector.name for own in named)
    if not near:
        return f"no record of {names} has a value in {unit}"
    # Among values that are about as near, the plainest path is the likeliest to be meant.
    path = min(near, key=lambda found: (int(20 * found[0]), found[1].count(".")))[1]
    return (
        f"no record of {names} supports it; cite what was measured: "
        f"{{ptyreg:value}}`{path}:.{decimals}f {unit}`"
    )


def _quantities(own: SelectorEvidence) -> Iterator[tuple[str, float, str]]:
    """Yield path, number and unit of what was measured and of what is declared."""
    for path, value in own.values.items():
        if isinstance(value.value, str) and path.startswith("guardrails."):
            with contextlib.suppress(ValueError):  # a verdict is no quantity
                yield path, *parse_quantity(value.value)
        elif isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
            yield path, float(value.value), value.unit


def _naming(own: SelectorEvidence) -> re.Pattern[str]:
    selector = own.selector
    said = [re.escape(word) for word in (selector.name, selector.title, *selector.aliases) if word]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(said)})(?![\w-])", re.IGNORECASE)


def _paragraphs(source: str) -> Iterator[list[tuple[int, str]]]:
    """Yield blocks of numbered lines between blank lines, without code."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*without_code(source.splitlines()), ""], 1):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []


def without_code(lines: list[str], *, directives: bool = False) -> Iterator[str]:
    """Yield every line of a page, but blank ones for fenced code and for literal blocks.

    Args:
        lines: The page.
        directives: Keep the first lines of directives; otherwise they are blank too.
    """
    open_: list[tuple[str, bool]] = []  # fences, and whether each holds code
    literal = -1
    for line in lines:
        mark = _FENCE.match(line)
        indent = len(line) - len(line.lstrip())
        inside = bool(open_) and open_[-1][1]
        if mark and open_ and mark["fence"].startswith(open_[-1][0]) and not mark["info"].strip():
            open_.pop()
        elif mark and not inside:
            inside = _is_code(mark["fence"], mark["info"].strip())
            open_.append((mark["fence"], inside))
        if literal >= 0 and line.strip() and indent <= literal:
            literal = -1
        inside = inside or literal >= 0 or (mark is not None and not directives)
        if not inside and _LITERAL.search(line):
            literal = indent
        yield "" if inside else line


def _is_code(fence: str, info: str) -> bool:
    return bool(info or fence[0] != ":") and ("code" in info or not info.startswith("{"))
