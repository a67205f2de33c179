"""A report on disk: its bytes, its form and its digest."""

from __future__ import annotations

import codecs
import hashlib
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ..errors import RecordError

__all__ = ["Kind", "Source", "kind_of", "text_of"]

#: Bytes of the largest report that is read.
_LIMIT = 64 * 2**20


class Kind(StrEnum):
    """The form of a report."""

    LOG = "log"
    JUNIT = "junit"
    BENCHMARK = "benchmark"


class Source(NamedTuple):
    """A report: its file, its bytes, and what is said about it."""

    path: Path
    data: bytes
    kind: Kind
    started: str | None = None
    root: Path | None = None

    @property
    def name(self) -> str:
        """The file as it is cited: its path in the project, else its bare name."""
        path = self.path.absolute()
        if self.root is not None and path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return path.name

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return hashlib.sha256(self.data).hexdigest()

    @classmethod
    def read(
        cls, path: Path, kind: Kind | None = None, *, started: str | None = None,
        root: Path | None = None,
    ) -> Source:  # fmt: skip
        """Read a report.

        Args:
            path: The file.
            kind: Its form; by default what its first bytes say.
            started: When it was measured; by default what the report tells.
            root: The project that a file is cited by its path in.

        Raises:
            RecordError: The file cannot be read or is too large.
        """
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= _LIMIT else b""
        except OSError as error:
            raise RecordError(f"{path.name}: cannot be read: {error.strerror}.") from error
        if size > _LIMIT:
            raise RecordError(
                f"{path.name}: Expected at most {_LIMIT} bytes of a report, but got {size}."
            )
        return cls(path, data, kind or kind_of(data), started, root)


def kind_of(data: bytes) -> Kind:
    """Return the form of a report, by its first bytes.

    Examples:
        >>> kind_of(b'<?xml version="1.0"?><testsuites/>').value
        'junit'
        >>> kind_of(b'{"machine_info": {}}').value, kind_of(b"1 passed in 0.01s").value
        ('benchmark', 'log')
    """
    first = text_of(data[:4096]).lstrip()[:1]
    return {"<": Kind.JUNIT, "{": Kind.BENCHMARK}.get(first, Kind.LOG)


def text_of(data: bytes) -> str:
    r"""Return a report as text: UTF-8, or UTF-16 with its mark, as PowerShell's ``>`` writes it.

    Examples:
        >>> text_of("1 passed".encode("utf-16")), text_of(b"\xef\xbb\xbf{}")
        ('1 passed', '{}')
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig", errors="replace")
