"""How a status word should feel, in pages, terminals and badges alike."""

from __future__ import annotations

__all__ = ["tone_of"]

_TONES = {
    "good": ("passed", "pass", "fresh", "holds", "ok", "verified"),
    "caution": ("warn", "stale", "stale evidence", "old", "skipped", "xfailed", "not comparable",
                "no data", "not measured", "interrupted", "not verified"),
    "bad": ("failed", "missing", "fail", "error", "false", "timeout", "crashed", "xpassed",
            "import error", "not collected"),
}  # fmt: skip


def tone_of(word: str) -> str:
    """Return ``good``, ``caution``, ``bad`` or ``neutral``.

    Examples:
        >>> tone_of("fresh"), tone_of("not comparable"), tone_of("linux")
        ('good', 'caution', 'neutral')
    """
    return next((tone for tone, words in _TONES.items() if word in words), "neutral")
