"""Finds numbers that were typed by hand where a record could speak: the prose guard.

A number with a unit is looked at when its paragraph names a selector, by name, title or a role.
It is told when no value of that selector reads like it. A comment silences one line:
``ptyreg: allow REASON``, in the line itself or before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .evidence import Evidence
from .markup import Line, lines_of
from .selector_evidence import SelectorEvidence
from .units import convert, known_units, same_dimension

__all__ = ["Prose", "Typed", "read_prose", "typed_numbers"]

#: Units in words.
_WORDS = {
    "nanosecond": "ns", "microsecond": "µs", "millisecond": "ms", "second": "s", "sec": "s",
    "minute": "min", "hour": "h", "day": "d", "percent": "%", "per cent": "%", "decibel": "dB",
    "pixel": "px", "byte": "B", "kilobyte": "kB", "megabyte": "MB", "gigabyte": "GB",
    "hertz": "Hz", "watt": "W", "radian": "rad", "degree": "deg",
}  # fmt: skip
_UNITS = "|".join(re.escape(u) for u in sorted(known_units(), key=len, reverse=True) if u != "1")
_NUMBER = re.compile(
    rf"""(?<![\w.,/-])
    (?P<number>(?P<whole>\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.(?P<decimals>\d+))?(?:[eE](?P<power>[+-]?\d+))?)
    [*_]{{0,3}}(?P<space>[ \u00a0\u202f]|&nbsp;)?[*_]{{0,3}}
    (?:(?P<unit>{_UNITS})|-?(?P<word>{"|".join(_WORDS)})s?)(?![\w/%-])""",
    re.VERBOSE,
)
_ROLES = re.compile(r"\{[\w:.+-]+\}`[^`]*`|:[\w:.+-]+:`[^`]*`|``[^`]+``|`[^`]+`_?")
_ALLOW = re.compile(r"ptyreg:\s*allow\b[:\s]*(?P<reason>[^\n>]*?)\s*$")


class Typed(NamedTuple):
    """A number that no record supports; `text` says what to do."""

    line: int
    number: str
    text: str


class Prose(NamedTuple):
    """The selectors that a page's paragraphs name, and its typed numbers."""

    selectors: tuple[str, ...]
    found: tuple[Typed, ...]


def typed_numbers(source: str, evidence: Evidence, *, rst: bool) -> tuple[Typed, ...]:
    """Return what to tell about `source`, a page in reST or in MyST."""
    return read_prose(source, evidence, rst=rst).found


def read_prose(source: str, evidence: Evidence, *, rst: bool) -> Prose:
    """Read the paragraphs of a page."""
    names = {name: _naming(own) for name, own in evidence.selectors.items()}
    selectors: dict[str, None] = {}
    found: list[Typed] = []
    for block in _paragraphs(source, rst=rst):
        text = "\n".join(line.text for _, line, _ in block)
        named = [name for name, said in names.items() if said.search(text)]
        selectors |= dict.fromkeys(named)
        found += _in_block(block, [evidence.selectors[name] for name in named])
    return Prose(tuple(selectors), tuple(found))


#: Number of the line, the line, and the comment that stands before it.
_Numbered = tuple[int, Line, str]


def _in_block(block: list[_Numbered], named: list[SelectorEvidence]) -> Iterator[Typed]:
    for number, line, before in block if named else ():
        allowed = _ALLOW.search(line.comment) or _ALLOW.search(before)
        if allowed is not None:
            if not allowed["reason"]:
                what = allowed[0].strip()
                yield Typed(number, what, "Expected a reason after 'ptyreg: allow'.")
            continue
        bare = _ROLES.sub(lambda match: " " * len(match[0]), line.text)
        for match in _NUMBER.finditer(bare):
            whole = float(match["number"].replace(",", ""))
            decimals = len(match["decimals"] or "") - int(match["power"] or 0)
            unit = match["unit"] or _WORDS[match["word"]]
            if match["unit"] == "d" and not match["space"]:
                continue  # 3d is no duration
            if advice := _advice(whole, max(decimals, 0), unit, named):
                yield Typed(number, " ".join(re.sub(r"[*_]|&nbsp;", " ", match[0]).split()), advice)


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
        if isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
            yield path, float(value.value), value.unit


def _naming(own: SelectorEvidence) -> re.Pattern[str]:
    selector = own.selector
    said = [re.escape(word) for word in (selector.name, selector.title, *selector.aliases) if word]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(said)})(?![\w-])", re.IGNORECASE)


def _paragraphs(source: str, *, rst: bool) -> Iterator[list[_Numbered]]:
    """Yield blocks of lines with text; a comment waits for the next of them, over blank lines."""
    block: list[_Numbered] = []
    before = ""
    for number, line in enumerate([*lines_of(source, rst=rst), Line("")], 1):
        if line.text.strip() and not line.head:
            block.append((number, line, before))
            before = line.comment
            continue
        if block:
            yield block
            block, before = [], ""
        before = line.comment or before
