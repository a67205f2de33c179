"""Which audit events tell of a read, a write or a start, and what each says."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["HANDLERS"]


def _on_open(tracer: Tracer, path: Any, mode: Any, flags: Any) -> None:
    tracer.on_open(path, mode, flags)


def _on_scan(tracer: Tracer, path: Any = None) -> None:
    tracer.on_scan(path)


def _on_truncate(tracer: Tracer, path: Any, _length: Any) -> None:
    if not isinstance(path, int):
        _on_change(tracer, os.fsdecode(path))


def _at(path: Any, folder: Any = -1) -> str:
    """Spell a path that may be relative to a folder's descriptor.

    Raises:
        OSError: It cannot be spelled.
    """
    text = os.fsdecode(path)
    if folder in {-1, None} or os.path.isabs(text):
        return text
    return os.path.join(os.readlink("/proc/self/fd/%d" % folder), text)


def _on_change(tracer: Tracer, path: str) -> None:
    relative = tracer.places.below_root(path)
    if relative is not None:
        tracer.write("write", relative)


def _on_rename(tracer: Tracer, source: Any, target: Any, from_: Any = -1, to: Any = -1) -> None:
    _on_change(tracer, _at(source, from_))
    _on_change(tracer, _at(target, to))


def _on_make(tracer: Tracer, path: Any, _mode: Any = None, folder: Any = -1) -> None:
    _on_change(tracer, _at(path, folder))


def _on_link(tracer: Tracer, _source: Any, target: Any, *folders: Any) -> None:
    _on_change(tracer, _at(target, folders[-1] if folders else -1))


def _on_remove(tracer: Tracer, path: Any, folder: Any = -1) -> None:
    """Removing is changing, unless there is nothing to remove."""
    spelled = _at(path, folder)
    if os.path.lexists(spelled):
        _on_change(tracer, spelled)


def _on_database(tracer: Tracer, database: Any, *_: Any) -> None:
    name = os.fsdecode(database)
    if name.startswith("file:"):
        name = name[5:].partition("?")[0]
    if name and name != ":memory:":
        tracer.on_open(name, "r", 0)


def _on_library(tracer: Tracer, name: Any, *_: Any) -> None:
    if name is not None and os.sep in os.fsdecode(name):
        tracer.on_open(name, "r", 0)


def _on_import(tracer: Tracer, module: str, filename: Any, *_: Any) -> None:
    if filename is not None:
        tracer.on_open(filename, "r", 0)


def _on_shell(tracer: Tracer, command: Any) -> None:
    tracer.write("start", "", "sh -c " + os.fsdecode(command))


def _on_glob(tracer: Tracer, pattern: Any, recursive: Any, base: Any = None, *_: Any) -> None:
    tracer.on_glob(base, pattern, bool(recursive))


def _on_path_glob(tracer: Tracer, base: Any, pattern: Any) -> None:
    tracer.on_glob(base, pattern, True)


def _on_path_rglob(tracer: Tracer, base: Any, pattern: Any) -> None:
    tracer.on_glob(base, os.path.join("**", os.fspath(pattern)), True)


HANDLERS: dict[str, Callable[..., None]] = {
    "open": _on_open,
    "os.listdir": _on_scan,
    "os.scandir": _on_scan,
    "glob.glob" if sys.version_info < (3, 10) else "glob.glob/2": _on_glob,
    "pathlib.Path.glob": _on_path_glob,
    "pathlib.Path.rglob": _on_path_rglob,
    "os.rename": _on_rename,
    "os.link": _on_link,
    "os.symlink": _on_link,
    "os.mkdir": _on_make,
    "os.remove": _on_remove,
    "os.rmdir": _on_remove,
    "os.truncate": _on_truncate,
    "sqlite3.connect": _on_database,
    "ctypes.dlopen": _on_library,
    "import": _on_import,
    "os.system": _on_shell,
}
