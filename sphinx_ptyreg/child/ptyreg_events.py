"""Which audit events tell of a read, a write or a start, and what each says."""

from __future__ import annotations

import os
import sys

from ptyreg_names import on_glob, on_scan
from ptyreg_opens import at, on_change, on_move, on_open

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["HANDLERS"]


def _on_scan(tracer: Tracer, path: Any = None) -> None:
    on_scan(tracer, path)


def _on_truncate(tracer: Tracer, path: Any, _length: Any) -> None:
    if not isinstance(path, int):
        on_change(tracer, os.fsdecode(path))


def _on_rename(tracer: Tracer, source: Any, target: Any, from_: Any = -1, to: Any = -1) -> None:
    old = at(source, from_)
    on_move(tracer, old, at(target, to))
    on_change(tracer, old)


def _on_make(tracer: Tracer, path: Any, _mode: Any = None, folder: Any = -1) -> None:
    on_change(tracer, at(path, folder))


def _on_link(tracer: Tracer, source: Any, target: Any, from_: Any = -1, to: Any = -1) -> None:
    old = at(source, from_)
    on_move(tracer, old, at(target, to))
    relative = tracer.places.below_root(old)
    if relative is not None:  # its inode has changed, its content has not
        tracer.write("linked", relative)


def _on_symlink(tracer: Tracer, source: Any, target: Any, folder: Any = -1) -> None:
    spelled = at(target, folder)
    on_move(tracer, os.path.join(os.path.dirname(spelled), os.fsdecode(source)), spelled)


def _on_remove(tracer: Tracer, path: Any, folder: Any = -1) -> None:
    """Removing is changing, unless there is nothing to remove."""
    spelled = at(path, folder)
    if os.path.lexists(spelled):
        on_change(tracer, spelled)


def _on_database(tracer: Tracer, database: Any, *_: Any) -> None:
    name = os.fsdecode(database)
    if name.startswith("file:"):
        name = _unquoted(name[5:].partition("?")[0].partition("#")[0])
        if name.startswith("//"):
            name = "/" + name[2:].partition("/")[2]
    if name and name != ":memory:":
        on_open(tracer, name, "r", 0)


def _unquoted(name: str) -> str:
    """Return the path of a URI; ``urllib`` itself would cost every process 10 ms."""
    if "%" not in name:
        return name
    from urllib.parse import unquote

    return unquote(name)


def _on_library(tracer: Tracer, name: Any, *_: Any) -> None:
    if name is not None and os.sep in os.fsdecode(name):
        on_open(tracer, name, "r", 0)


def _on_import(tracer: Tracer, module: str, filename: Any, *_: Any) -> None:
    if filename is not None:
        on_open(tracer, filename, "r", 0)


def _on_shell(tracer: Tracer, command: Any) -> None:
    tracer.write("start", "", "sh\0-c\0" + os.fsdecode(command))


def _on_glob(tracer: Tracer, pattern: Any, recursive: Any, base: Any = None, *_: Any) -> None:
    on_glob(tracer, base, pattern, bool(recursive))


def _on_path_glob(tracer: Tracer, base: Any, pattern: Any) -> None:
    on_glob(tracer, base, pattern, True)


def _on_path_rglob(tracer: Tracer, base: Any, pattern: Any) -> None:
    on_glob(tracer, base, os.path.join("**", os.fspath(pattern)), True)


HANDLERS: dict[str, Callable[..., None]] = {
    "open": on_open,
    "os.listdir": _on_scan,
    "os.scandir": _on_scan,
    "glob.glob" if sys.version_info < (3, 10) else "glob.glob/2": _on_glob,
    "pathlib.Path.glob": _on_path_glob,
    "pathlib.Path.rglob": _on_path_rglob,
    "os.rename": _on_rename,
    "os.link": _on_link,
    "os.symlink": _on_symlink,
    "os.mkdir": _on_make,
    "os.remove": _on_remove,
    "os.rmdir": _on_remove,
    "os.truncate": _on_truncate,
    "sqlite3.connect": _on_database,
    "ctypes.dlopen": _on_library,
    "import": _on_import,
    "os.system": _on_shell,
}
