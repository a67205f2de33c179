"""A badge for each selector and each guarded metric: shields.io's endpoint JSON, and static SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import msgspec

from ..plain import plain
from ..selector_evidence import SelectorEvidence
from ..tones import tone_of
from ..values import Value, shown

__all__ = ["Badge", "badges_of", "shields_files", "svg", "svg_files"]

#: Tone → the name that shields.io has for it, and a colour on which white text is readable.
_COLOURS = {
    "good": ("brightgreen", "#1a7f37"),
    "caution": ("yellow", "#8a5a00"),
    "bad": ("red", "#b42318"),
    "neutral": ("lightgrey", "#57606a"),
}

#: Widths of letters in 11 px Verdana; what is not named is as wide as ``n``.
_WIDTHS = {
    **dict.fromkeys("il'|.,:;!I", 4.0), **dict.fromkeys("fjrt()[]/- ", 4.8),
    **dict.fromkeys("ABCDEGHKNOPQRSTUVXYZ", 7.8), **dict.fromkeys("mwMW%@", 10.6),
}  # fmt: skip
_USUAL = 7.0


class Badge(NamedTuple):
    """A badge: what it is about, what it says, how that should feel."""

    name: str
    label: str
    message: str
    tone: str


def badges_of(own: SelectorEvidence) -> Iterator[Badge]:
    """Yield the selector's own badge, then one for each guarded metric."""
    name = own.selector.name
    yield Badge(name, name, *_standing(own))
    for judged in own.judgements:
        metric, verdict = judged.metric, judged.verdict.value
        value = None if judged.value is None else Value(*judged.value)
        state = own.freshness.state.value
        words = [shown(value) or "not measured", "" if verdict == "pass" else verdict]
        words += [state] if state == "stale" else []
        tone = tone_of(state if state == "stale" and verdict == "pass" else verdict)
        label = f"{name} {metric}"
        yield Badge(f"{name}.{metric}", label, ", ".join(filter(None, words)), tone)


def _standing(own: SelectorEvidence) -> tuple[str, str]:
    if own.failure is not None:
        return own.failure.outcome.words, tone_of(own.failure.outcome.words)
    if own.measured is None:
        return "not measured", "caution"
    state = own.freshness.state.value
    told = shown(own.values.get("duration.mean")) or own.measured.outcome.words
    failing = any(judged.verdict.value == "fail" for judged in own.judgements)
    words = [told, "a guardrail fails" if failing else "", "stale" if state == "stale" else ""]
    tone = "bad" if failing else tone_of(state)
    return ", ".join(filter(None, words)), tone


def shields_files(selectors: Sequence[SelectorEvidence]) -> dict[str, bytes]:
    """Return endpoint JSON by file name: https://shields.io/badges/endpoint-badge."""
    return {f"shields/{badge.name}.json": _shields(badge) for badge in _all(selectors)}


def svg_files(selectors: Sequence[SelectorEvidence]) -> dict[str, bytes]:
    """Return SVG documents by file name."""
    return {f"badges/{badge.name}.svg": svg(badge).encode() for badge in _all(selectors)}


def svg(badge: Badge) -> str:
    """Draw a badge: static, no script, no request to elsewhere.

    Examples:
        >>> svg(Badge("a", "a", "1.5 s", "good"))[:76]
        '<svg xmlns="http://www.w3.org/2000/svg" width="57" height="20" role="img" ar'
    """
    label, message = plain(badge.label), plain(badge.message)
    left, right = _width(label), _width(message)
    told = quoteattr(f"{label}: {message}")
    texts = "".join(
        f'<text x="{x:g}" y="14" textLength="{width - 10:g}">{escape(text)}</text>'
        for x, width, text in ((5, left, label), (left + 5, right, message))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:g}" height="20" '
        f'role="img" aria-label={told}><title>{escape(f"{label}: {message}")}</title>'
        f'<clipPath id="c"><rect width="{left + right:g}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#c)"><rect width="{left:g}" height="20" fill="#444d56"/>'
        f'<rect x="{left:g}" width="{right:g}" height="20" fill="{_COLOURS[badge.tone][1]}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g>'
        "</svg>\n"
    )


def _all(selectors: Sequence[SelectorEvidence]) -> Iterator[Badge]:
    for own in selectors:
        yield from badges_of(own)


def _shields(badge: Badge) -> bytes:
    told = {
        "schemaVersion": 1,
        "label": plain(badge.label),
        "message": plain(badge.message),
        "color": _COLOURS[badge.tone][0],
    }
    return msgspec.json.encode(told) + b"\n"


def _width(text: str) -> int:
    return round(sum(_WIDTHS.get(letter, _USUAL) for letter in text)) + 10
