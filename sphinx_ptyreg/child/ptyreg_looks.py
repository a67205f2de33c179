"""Wrappers for looks at files that open nothing: existence, size, links."""

from __future__ import annotations

import os

from ptyreg_libraries import like

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["wrap_looks"]


def wrap_looks(tracer: Tracer) -> None:
    """Wrap ``os.stat`` and its like; ``os.lstat`` is left alone, ``realpath`` calls it so often."""
    plain_stat, plain_access, plain_readlink = os.stat, os.access, os.readlink
    stat = _stat(tracer, plain_stat)
    on_stat = type(tracer).on_stat

    def access(path: Any, mode: int, **options: Any) -> bool:
        allowed = plain_access(path, mode, **options)
        if "dir_fd" not in options:
            tracer.guarded(on_stat, path, allowed, "access")
        return allowed

    def readlink(path: Any, *, dir_fd: Any = None) -> Any:
        if dir_fd is None:
            tracer.guarded(type(tracer).on_link, path)
        return plain_readlink(path, dir_fd=dir_fd)

    for wrapper, plain in ((stat, plain_stat), (access, plain_access), (readlink, plain_readlink)):
        setattr(os, plain.__name__, like(wrapper, plain))
        for names in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if plain in names:
                names.add(wrapper)
    os.path.lexists = _question(tracer, os.path.lexists)
    os.path.islink = _question(tracer, os.path.islink)


def _stat(tracer: Tracer, plain_stat: Any) -> Any:
    on_stat = type(tracer).on_stat

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


def _question(tracer: Tracer, plain: Any) -> Any:
    """Wrap a question that ``os.path`` answers by ``os.lstat``."""
    on_stat = type(tracer).on_stat

    def question(path: Any) -> bool:
        answer: bool = plain(path)
        tracer.guarded(on_stat, path, answer or _is_there(tracer, path), plain.__name__)
        return answer

    question.__module__ = plain.__module__
    return like(question, plain)


def _is_there(tracer: Tracer, path: Any) -> bool:
    try:
        tracer.plain_stat(path, follow_symlinks=False)
    except (OSError, TypeError, ValueError):
        return False
    return True
