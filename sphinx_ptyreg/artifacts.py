"""Files that a test handed over: their type is what their first bytes say, never their name."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from .picture_words import without_words
from .record import Artifact

if TYPE_CHECKING:
    from .cleaning import Cleaner

__all__ = ["IMAGES", "admit", "sniffed"]

#: Suffixes that a page may show as an image.
IMAGES = frozenset({".png", ".jpg"})

_MAGIC = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"PK\x03\x04", ".npz"))


def admit(file: Path, *, title: str, clean: Cleaner, limit: int | None = None) -> Artifact:
    """Describe `file` as an artifact; it is cleaned in place first.

    A text is cleaned like any other; a picture keeps what it shows, and no words about who made it.

    Args:
        file: A copy of what the test handed over.
        title: Its caption.
        clean: Cleans the title, and the file when it is text.
        limit: Bytes kept of a text; all by default. What has a limit is text whatever it holds.
    """
    data = file.read_bytes()
    suffix = sniffed(data)
    if not suffix:
        suffix = ".txt" if limit or _is_text(data) else ".bin"
    cleaned = data
    if suffix == ".txt":
        cleaned = clean(data, limit or len(data) + 1024).encode("utf-8")
    elif suffix in IMAGES:
        cleaned = without_words(data)
    if cleaned != data:
        data = cleaned
        file.write_bytes(data)
    return Artifact(
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        suffix=suffix,
        title=clean(title, 300),
    )


def sniffed(data: bytes) -> str:
    r"""Return the suffix that the first bytes of `data` ask for; nothing for all else.

    Examples:
        >>> sniffed(b"\x89PNG\r\n\x1a\n..."), sniffed(b"<svg/>")
        ('.png', '')
    """
    return next((suffix for magic, suffix in _MAGIC if data.startswith(magic)), "")


def _is_text(data: bytes) -> bool:
    """Whether `data` is text, which is cleaned: a NUL in UTF-8 does not hide a secret."""
    if b"\0" not in data[:4096]:
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
