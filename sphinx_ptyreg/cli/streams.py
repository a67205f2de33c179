"""Output that nobody may read any more: a command goes on, and its status stays what it is.

A measurement must not be lost because a line of progress cannot be printed (``ptyreg run | head``).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, Any, cast

__all__ = ["Outlet", "outlets"]


class Outlet:
    """A standard stream that remembers what went wrong instead of raising it.

    Args:
        stream: What is written to; None where the caller closed it.
    """

    def __init__(self, stream: IO[Any] | None) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write `data`, unless an earlier write went wrong."""
        if self._stream is not None and self.error is None:
            try:
                return self._stream.write(data)
            except OSError as error:
                self._lose(error)
            except UnicodeEncodeError:  # a terminal of another age
                encoding = getattr(self._stream, "encoding", None) or "ascii"
                return self.write(data.encode(encoding, "replace").decode(encoding))
        return len(data)

    def flush(self) -> None:
        """Hand on what was written."""
        if self._stream is not None and self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        return self._stream is not None and self._stream.isatty()

    @property
    def buffer(self) -> Outlet:
        """The stream of bytes below; what goes wrong there goes wrong here."""
        below = Outlet(getattr(self._stream, "buffer", None))
        below._lose = self._lose  # type: ignore[method-assign]
        return below

    @property
    def is_lost(self) -> bool:
        """Whether an answer did not arrive though somebody wanted it; a closed pipe did not."""
        return self.error is not None and not isinstance(self.error, BrokenPipeError)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        self.error = error
        with contextlib.suppress(OSError, ValueError, AttributeError):  # else Python tries at exit
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())  # type: ignore[union-attr]
            os.close(null)


@contextlib.contextmanager
def outlets() -> Iterator[tuple[Outlet, Outlet]]:
    """Put outlets in the place of both standard streams, and yield them."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        if stream is None:  # closed: the next file that is opened must not become it
            _occupy(descriptor)
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    with (
        contextlib.redirect_stdout(cast("IO[str]", out)),
        contextlib.redirect_stderr(cast("IO[str]", err)),
    ):
        try:
            yield out, err
        finally:
            out.flush()
            err.flush()


def _occupy(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        return
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)
