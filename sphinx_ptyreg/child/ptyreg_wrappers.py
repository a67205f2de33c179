"""Wrappers for what raises no audit event: looks at files, and starts of processes."""

from __future__ import annotations

import os
import stat
import sys

from ptyreg_absent import AbsentFinder
from ptyreg_libraries import PatchingFinder, like
from ptyreg_looks import wrap_looks

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ptyreg_trace import Tracer

__all__ = ["install"]

_VARIABLES = ("PTYREG_TRACE", "PTYREG_TRACE_ROOT", "PTYREG_TRACE_BEGAN", "PTYREG_NONCE")
#: Characters that are told of a command; a longer one counts as one that nobody knows.
_LONGEST = 32_768
_FOLDER = os.path.dirname(os.path.abspath(__file__))


def install(tracer: Tracer) -> None:
    """Wrap ``os.stat`` and its like, every way to start a process, and blind libraries."""
    carried = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
    wrap_looks(tracer)
    _wrap_starts(tracer, carried)
    sys.meta_path.insert(0, PatchingFinder(tracer))
    sys.meta_path.append(AbsentFinder(tracer))


def _wrap_starts(tracer: Tracer, carried: dict[str, str]) -> None:
    """Let every child be traced, whatever environment it is given, and note each start."""

    def environment(given: Any) -> dict[bytes, bytes]:
        pairs = dict(os.environb if given is None else _as_bytes(given))
        path = pairs.get(b"PYTHONPATH", b"")
        ours = os.fsencode(_FOLDER)
        if ours not in path.split(os.pathsep.encode()):
            pairs[b"PYTHONPATH"] = ours + (os.pathsep.encode() + path if path else b"")
        pairs.update({name.encode(): os.fsencode(value) for name, value in carried.items()})
        return pairs

    def told(pid: int, argv: Sequence[Any], folder: Any = None, kind: str = "start") -> None:
        tracer.guarded(_note_start, pid, argv, folder, kind)

    _wrap_fork_exec(environment, told)
    for name in ("posix_spawn", "posix_spawnp"):
        plain = getattr(os, name, None)
        if plain is not None:
            setattr(os, name, like(_spawn(plain, environment, told), plain))

    plain_execve, plain_execv = os.execve, os.execv

    def execve(path: Any, argv: Sequence[Any], env: Any) -> Any:
        told(os.getpid(), argv, kind="exec")
        return plain_execve(path, argv, environment(env))

    def execv(path: Any, argv: Sequence[Any]) -> Any:
        return execve(path, argv, None)

    os.execve, os.execv = like(execve, plain_execve), like(execv, plain_execv)


def _note_start(tracer: Tracer, pid: int, argv: Sequence[Any], folder: Any, kind: str) -> None:
    """Note a process; one whose words name files of the project reads them, most likely."""
    words = [os.fsdecode(word) for word in argv]
    base = os.getcwd() if folder is None else os.path.abspath(os.fsdecode(folder))
    tracer.write(kind, str(pid), "\0".join(words)[:_LONGEST])
    if os.sep in words[0] and _names_file(tracer, os.path.join(base, words[0])):
        tracer.write("own", str(pid))
    for word in words[1:]:
        named = word.rpartition("=")[2]
        if named and _names_file(tracer, os.path.join(base, named)):
            tracer.write("fed", str(pid))


def _names_file(tracer: Tracer, path: str) -> bool:
    """Whether there is something of the project at `path`; a file is named as an input."""
    relative = None if "\0" in path else tracer.places.below_root(path)
    if relative is None:
        return False
    try:
        status = tracer.plain_stat(path)
    except OSError:
        return False
    if stat.S_ISREG(status.st_mode):
        tracer.write("named", relative)
    return True


def _wrap_fork_exec(
    environment: Callable[[Any], dict[bytes, bytes]], told: Callable[..., None]
) -> None:
    try:
        import _posixsubprocess
    except ImportError:
        return
    plain = _posixsubprocess.fork_exec

    def fork_exec(*arguments: Any) -> int:
        env = arguments[5]
        if env is not None:
            env = dict(item.split(b"=", 1) for item in map(os.fsencode, env))
        pairs = [name + b"=" + value for name, value in environment(env).items()]
        pid: int = plain(*arguments[:5], pairs, *arguments[6:])
        told(pid, arguments[0], arguments[4])
        return pid

    _posixsubprocess.fork_exec = like(fork_exec, plain)
    subprocess = sys.modules.get("subprocess")
    if subprocess is not None and hasattr(subprocess, "_fork_exec"):
        subprocess._fork_exec = _posixsubprocess.fork_exec


def _spawn(plain: Any, environment: Any, told: Any) -> Any:
    def spawn(path: Any, argv: Sequence[Any], env: Any, **options: Any) -> int:
        pid: int = plain(path, argv, environment(env), **options)
        told(pid, argv)
        return pid

    return spawn


def _as_bytes(pairs: Any) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in pairs.items()}
