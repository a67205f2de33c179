"""Files that are opened, written or moved: what of it is an input."""

from __future__ import annotations

import os
import stat

from ptyreg_places import FOLDER, INTERPRETER, PROJECT, PYTEST, STDLIB, directions, source_of

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["CONFIG_FILES", "at", "on_change", "on_move", "on_open"]

#: What pytest looks for its settings in, and reads a part of.
CONFIG_FILES = frozenset({"pyproject.toml", "tox.ini", "setup.cfg"})

_LINK = os.readlink  # before it is wrapped
_INSTRUMENT = ["sphinx_ptyreg", "child"]
_CODE = (".py", ".pyc", ".so", ".pyd", ".dylib")
_METADATA = ".dist-info" + os.sep + "METADATA"


def on_open(tracer: Tracer, path: Any, mode: Any, flags: Any) -> None:
    """A file was opened, or was not there to open."""
    if path is None or isinstance(path, int) or _is_known_code(tracer, path):
        return
    relative = tracer.places.below_root(path)
    reads, writes, keeps = directions(mode, flags)
    if relative is None:
        _on_open_outside(tracer, tracer.places.absolute(path), reads)
        return
    if writes and keeps and not reads and _kind(tracer, path) == stat.S_IFREG:
        tracer.write("append", relative)
    if reads:
        _on_read(tracer, path, relative, by_name=mode is not None)
    if writes:
        tracer.write("write", relative)


def _is_known_code(tracer: Tracer, path: Any) -> bool:
    """Whether this is more of a package that was told, or the standard library's: quickly."""
    if not isinstance(path, str) or not path.endswith(_CODE) or "/../" in path:
        return False
    package = tracer.places.package(path)
    if package is None:
        return path.startswith(STDLIB)
    return f"package\t{package[0]}\t{package[1]}" in tracer.seen


def _kind(tracer: Tracer, path: Any) -> int:
    """Return what there is at `path`, a file or something else; 0 for nothing."""
    try:
        return stat.S_IFMT(tracer.plain_stat(path).st_mode)
    except OSError:
        return 0


def _on_read(tracer: Tracer, path: Any, relative: str, *, by_name: bool) -> None:
    named, relative = relative, source_of(relative)
    if relative.rpartition("/")[2] in CONFIG_FILES and tracer.places.asker() in PYTEST:
        tracer.write("config", relative)
        return
    kind = _kind(tracer, path)
    if kind == stat.S_IFREG and not _is_instrument(tracer, relative):
        tracer.write("read", relative)
    elif not kind and by_name and named == relative:
        # os.open relative to a folder's descriptor tells no path
        tracer.write("absent", relative)


def _is_instrument(tracer: Tracer, relative: str) -> bool:
    """Whether this is our own plugin, loaded by pytest from a checkout and not by a test."""
    parts = relative.split("/")[-3:]
    own = parts[-2:] == ["sphinx_ptyreg", "__init__.py"] or parts[:2] == _INSTRUMENT
    return own and tracer.places.asker(through_import=True) != PROJECT


def _on_open_outside(tracer: Tracer, path: str, reads: bool) -> None:
    places = tracer.places
    if path.endswith(_CODE):
        path = source_of(path)
        package = places.package(path)
        if package is not None:
            tracer.write("package", *package)
        elif not places.is_standard(path):
            tracer.write("outside", path)
    elif path.endswith(_METADATA):
        if places.package(path) and places.asker(through_import=True) == PROJECT:
            tracer.write("metadata", os.path.basename(os.path.dirname(path)))
    elif reads and not places.is_machines(path) and not path.startswith(FOLDER):
        if places.inside(path) or places.asker() == INTERPRETER:
            return
        status = tracer.plain_stat(path)
        old = stat.S_ISREG(status.st_mode) and status.st_ctime_ns < tracer.began
        if old and not places.is_own(path, status.st_size):
            tracer.write("elsewhere", path)


def at(path: Any, folder: Any = -1) -> str:
    """Spell a path that may be relative to a folder's descriptor.

    Raises:
        OSError: It cannot be spelled.
    """
    text = os.fsdecode(path)
    if folder in {-1, None} or os.path.isabs(text):
        return text
    return os.path.join(_LINK(f"/proc/self/fd/{folder}"), text)


def on_change(tracer: Tracer, path: str) -> None:
    """Something was made, changed or removed."""
    relative = tracer.places.below_root(path)
    if relative is not None:
        tracer.write("write", relative)


def on_move(tracer: Tracer, source: str, target: str) -> None:
    """What was `source` is now at `target`: its content was taken as it was."""
    if os.path.isfile(source):
        on_open(tracer, source, "r", 0)
    on_change(tracer, target)
