"""Modules that nobody has: their appearance would matter."""

from __future__ import annotations

import os
import sys

from ptyreg_looks import on_stat
from ptyreg_places import PROJECT

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["AbsentFinder"]


class AbsentFinder:
    """Asked last: a module that no finder found."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Note the files that would have been the module, and the name."""
        self._tracer.guarded(_note_absent, name, path)


def _note_absent(tracer: Tracer, name: str, path: Any) -> None:
    stem = name.rpartition(".")[2]
    for folder in sys.path if path is None else path:
        if isinstance(folder, str):
            for file in (stem + ".py", os.path.join(stem, "__init__.py")):
                on_stat(tracer, os.path.join(folder or os.getcwd(), file), False, imported=True)
    if path is None and tracer.places.asker(through_import=True) == PROJECT:
        tracer.write("unfound", name)
