"""Looks at files that open nothing, or not by a path: existence, size, links, descriptors."""

from __future__ import annotations

import os
import stat as kinds
import sys

from ptyreg_libraries import like
from ptyreg_opens import CONFIG_FILES, at, on_open
from ptyreg_places import FOLDER, IMPORT, INTERPRETER, PROJECT, PYTEST

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["on_stat", "wrap_looks"]

#: Questions about existence and kind; any other look at a file may use its size or time.
_EXISTENCE = frozenset({"exists", "isfile", "isdir", "is_file", "is_dir", "is_symlink"})
#: Steps of the standard library on the way to something else.
_STEPS = frozenset({"makedirs", "mkdir", "realpath", "_joinrealpath", "resolve", "samefile"})


def on_stat(
    tracer: Tracer, path: Any, found: bool, asked: str = "", imported: bool = False
) -> None:
    """A path was looked at: `asked` names the question when it is known."""
    if isinstance(path, int):
        return
    places = tracer.places
    relative = places.below_root(path)
    if relative is None or "__pycache__" in relative or _is_known(tracer, relative, found):
        return
    who = places.asker(through_import=imported)
    if not found:
        if who == PROJECT:
            tracer.write("absent", relative)
        elif who in PYTEST and relative.rpartition("/")[2] in CONFIG_FILES:
            tracer.write("config", relative)
        elif not imported and who not in {IMPORT, INTERPRETER}:
            tracer.write("absent-near", relative)
        return
    asked = asked or _asked()
    if who == PROJECT and asked not in _STEPS:
        whole = not asked and kinds.S_ISREG(tracer.plain_stat(path).st_mode)
        tracer.write("read" if whole else "found", relative)


def _is_known(tracer: Tracer, relative: str, found: bool) -> bool:
    return (f"read\t{relative}\t" if found else f"absent\t{relative}\t") in tracer.seen


def _on_link(tracer: Tracer, path: Any) -> None:
    """The target of a symbolic link was asked for."""
    relative = tracer.places.below_root(path)
    if relative is not None and tracer.places.asker() == PROJECT:
        tracer.write("link", relative)


def _asked() -> str:
    """The question of ``os.path`` or ``pathlib`` that a look answers; nothing for a plain one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(FOLDER):
        frame = frame.f_back
    for _ in range(2):
        if frame is None:
            break
        name = frame.f_code.co_name
        if name in _EXISTENCE or name in _STEPS:
            return name
        frame = frame.f_back
    return ""


def wrap_looks(tracer: Tracer) -> None:
    """Wrap ``os.stat`` and its like; ``os.lstat`` is left alone, ``realpath`` calls it so often."""
    plain_access, plain_readlink = os.access, os.readlink

    def access(path: Any, mode: int, **options: Any) -> bool:
        allowed = plain_access(path, mode, **options)
        if "dir_fd" not in options:
            tracer.guarded(on_stat, path, allowed, "access")
        return allowed

    def readlink(path: Any, *, dir_fd: Any = None) -> Any:
        if dir_fd is None:
            tracer.guarded(_on_link, path)
        return plain_readlink(path, dir_fd=dir_fd)

    wrapped = [
        (_stat(tracer, os.stat), os.stat),
        (_open(tracer, os.open), os.open),
        (access, plain_access),
        (readlink, plain_readlink),
    ]
    for wrapper, plain in wrapped:
        setattr(os, plain.__name__, like(wrapper, plain))
        for names in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if plain in names:
                names.add(wrapper)
    os.path.lexists = _question(tracer, os.path.lexists)
    os.path.islink = _question(tracer, os.path.islink)


def _stat(tracer: Tracer, plain_stat: Any) -> Any:
    def stat(path: Any, *, dir_fd: Any = None, follow_symlinks: bool = True) -> os.stat_result:
        try:
            result: os.stat_result = plain_stat(
                path, dir_fd=dir_fd, follow_symlinks=follow_symlinks
            )
        except OSError:
            if dir_fd is None:  # a path relative to a folder's descriptor cannot be spelled
                tracer.guarded(on_stat, path, False)
            raise
        if dir_fd is None:
            tracer.guarded(on_stat, path, True)
        return result  # type: ignore[no-any-return]

    return stat


def _open(tracer: Tracer, plain: Any) -> Any:
    """Wrap ``os.open``, whose event does not tell relative to which folder a path is."""

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: Any = None) -> int:
        if dir_fd is None:
            return plain(path, flags, mode)  # type: ignore[no-any-return]
        tracer.guarded(_on_open_in, path, flags, dir_fd)
        return tracer.unseen(plain, path, flags, mode, dir_fd=dir_fd)  # type: ignore[no-any-return]

    return open_


def _on_open_in(tracer: Tracer, path: Any, flags: int, folder: Any) -> None:
    on_open(tracer, at(path, folder), None, flags)


def _question(tracer: Tracer, plain: Any) -> Any:
    """Wrap a question that ``os.path`` answers by ``os.lstat``."""

    def question(path: Any) -> bool:
        answer: bool = plain(path)
        tracer.guarded(_on_question, path, plain.__name__)
        return answer

    question.__module__ = plain.__module__
    return like(question, plain)


def _on_question(tracer: Tracer, path: Any, asked: str) -> None:
    """A link was asked for as such, or anything else for its existence."""
    try:
        status = tracer.plain_stat(path, follow_symlinks=False)
    except OSError:
        on_stat(tracer, path, False)
        return
    if kinds.S_ISLNK(status.st_mode):
        _on_link(tracer, path)
    else:
        on_stat(tracer, path, True, asked)
