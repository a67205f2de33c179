"""Processes that a run started: which of them told what they read, and which need not."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

__all__ = ["is_harmless", "is_same", "spoken"]

#: Programs that look at the machine, unless their arguments name files of the project.
_HARMLESS = frozenset({
    "arch", "cc", "c++", "cl", "clang", "file", "g++", "gcc", "gcc-config", "getconf", "hg",
    "hostname", "id", "ld", "ldconfig", "locale", "lscpu", "nproc", "nvidia-smi", "objdump", "ps",
    "svn", "sw_vers", "sysctl", "tty", "uname", "which",
})  # fmt: skip

#: What git may be asked: about commits, not about the content of files.
_GIT = frozenset({
    "branch", "config", "describe", "diff-index", "log", "name-rev", "remote", "rev-list",
    "rev-parse", "show-ref", "status", "symbolic-ref", "tag", "var", "version",
})  # fmt: skip
_GIT_WITH_VALUE = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})

_SHELLS = frozenset({"ash", "bash", "csh", "dash", "fish", "ksh", "sh", "tcsh", "zsh"})


def is_same(started: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a process is the Python that says so, and was not another program before.

    A shell that reads a file and then becomes Python has seen what nobody tells.

    Args:
        started: The command that it was started with.
        said: The command line that its Python told; nothing when it could not.

    Examples:
        >>> is_same(["./train.py", "-v"], ["/usr/bin/python3", "./train.py", "-v"])
        True
        >>> is_same(["nice", "python", "t.py"], ["python", "t.py"])
        True
        >>> is_same(["sh", "-c", "python t.py"], ["python", "t.py"])
        True
        >>> is_same(["sh", "-c", "read X < data; exec python t.py $X"], ["python", "t.py", "1"])
        False
        >>> is_same(["./train.sh"], ["python", "train.py"])
        False
    """
    started, said = list(started), list(said)
    program = _program(started)
    if not said:
        return program not in _SHELLS
    if program in _SHELLS:  # whatever else it does or reads shows in a difference of the words
        return len(started) == 3 and started[1] == "-c" and _alike(_words(started[2]), said)
    if _alike(started, said) or said[-len(started) :] == started:
        return True
    return len(started) > len(said) and _alike(started[-len(said) :], said)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    return words[1:] if words[:1] == ["exec"] else words


def _alike(started: Sequence[str], said: Sequence[str]) -> bool:
    """Whether two command lines differ at most in which Python they name."""
    same = list(started[1:]) == list(said[1:])
    return same and (started[:1] == said[:1] or _program(started).startswith("python"))


def is_harmless(command: Sequence[str]) -> bool:
    """Whether a program looks at the machine alone; its arguments name no file of the project."""
    if _program(command) == "git":
        return _asked_of_git(command[1:]) in _GIT
    return _program(command) in _HARMLESS


def _asked_of_git(words: Sequence[str]) -> str:
    rest = iter(words)
    for word in rest:
        if word in _GIT_WITH_VALUE:
            next(rest, None)
        elif word in {"--version", "--exec-path"}:
            return "version"
        elif not word.startswith("-"):
            return word
    return "version"


def spoken(command: Sequence[str]) -> str:
    """Return what tells a command from others: its program and the next words."""
    return " ".join([_program(command), *command[1:3]]) if command else "?"


def _program(command: Sequence[str]) -> str:
    return PurePath(command[0]).name if command else ""
