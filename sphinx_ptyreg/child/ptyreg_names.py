"""Folders that are listed, and patterns that names are asked for by."""

from __future__ import annotations

import os
import sys

from ptyreg_opens import at
from ptyreg_places import PROJECT

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["on_glob", "on_scan"]


def on_scan(tracer: Tracer, path: Any) -> None:
    """A folder was listed; only the project's curiosity is an input, and a library's for it."""
    if _is_step():
        return
    folder = "." if path is None else at("", path) if isinstance(path, int) else os.fsdecode(path)
    _on_names(tracer, os.path.join(_literal(folder), "*"))


def on_glob(tracer: Tracer, base: Any, pattern: Any, recursive: bool) -> None:
    """Names were asked for by a pattern."""
    text = os.fsdecode(pattern)
    if not recursive:
        text = text.replace("**", "*")
    _on_names(tracer, os.path.join("." if base is None else _literal(os.fsdecode(base)), text))


def _on_names(tracer: Tracer, pattern: str) -> None:
    relative = tracer.places.below_root(pattern)
    if relative is not None and tracer.places.behalf() == PROJECT:
        tracer.write("scan", relative)


def _literal(folder: str) -> str:
    """Return a pattern that matches this folder alone."""
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in folder)


def _is_step() -> bool:
    """Whether a listing is a step of something else: of a glob, which was told, or of a removal."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        function = frame.f_code.co_name
        if name == "glob" or (name == "shutil" and "rmtree" in function):
            return True
        if name == "pathlib" and ("glob" in function or function.startswith("_select")):
            return True
        if name not in {"pathlib", "os", "ptyreg_trace", "ptyreg_events", "ptyreg_names"}:
            return False
        frame = frame.f_back
    return False
