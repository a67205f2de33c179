"""Where a refinement stands, said on standard error."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from ptycho_torch.commands import say

if TYPE_CHECKING:
    from ptycho_torch.refinement import PassRecord


class PassReport:
    """Say where a refinement stands: one line that changes on a terminal, a line per pass else.

    Args:
        passes: How many passes there will be.
        what: What each is called.
    """

    def __init__(self, passes: int, what: str = "pass") -> None:
        self._passes = passes
        self._what = what
        self._terminal = sys.stderr.isatty()
        self._open = False

    def __call__(self, record: PassRecord) -> None:
        """Say what a pass came to."""
        text = (
            f"{self._what} {record.number}/{self._passes}"
            f"  amplitude misfit {record.amplitude_mse:.4f}"
            f"  {record.batch_size} patterns per update  {record.seconds:.1f} s"
        )
        if not self._terminal:
            say(text)
            return
        width = shutil.get_terminal_size().columns - 1
        say(f"\r\x1b[K{text[:width]}", end="")
        self._open = True

    def close(self) -> None:
        """Leave the line, so that what comes next stands alone."""
        if self._open:
            say("")
