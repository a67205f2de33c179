"""Words inside picture files: who made them, with what and where. A record keeps none of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["without_words"]

_PNG = b"\x89PNG\r\n\x1a\n"
#: Chunks of a PNG that hold text, a time or a camera's data.
_PNG_WORDS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})
#: Segments of a JPEG that hold the same: a comment, and applications' own but JFIF's and colours'.
_JPEG_WORDS = frozenset({0xFE, *range(0xE1, 0xF0)} - {0xE2, 0xEE})
_SCAN, _END = 0xDA, 0xD9


def without_words(data: bytes) -> bytes:
    """Return a PNG or a JPEG without text and without what stands behind its end.

    A file that is no whole picture is returned as it is.
    """
    try:
        return b"".join(_png(data) if data.startswith(_PNG) else _jpeg(data))
    except (struct.error, IndexError, ValueError):
        return data


def _png(data: bytes) -> Iterator[bytes]:
    yield _PNG
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise ValueError("cut off")
        if kind not in _PNG_WORDS:
            yield data[at:end]
        at = end


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no segment")
        marker = data[at + 1]
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        if end > len(data):
            raise ValueError("cut off")
        if marker not in _JPEG_WORDS:
            yield data[at:end]
        at = end
        if marker == _SCAN:
            last = data.rfind(bytes((0xFF, _END)))
            if last < at:
                raise ValueError("cut off")
            yield data[at : last + 2]
            return
