"""What the processes of a run wrote down about their reads, told as one story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

__all__ = ["LOG_NAME", "Trace", "is_text", "read_trace"]

#: The trace's name in the recording folder.
LOG_NAME = "trace.log"

#: Programs that look at the machine, unless their arguments name files of the project.
_HARMLESS = frozenset({
    "arch", "cc", "c++", "cl", "clang", "file", "g++", "gcc", "gcc-config", "getconf", "git",
    "hg", "hostname", "id", "ld", "ldconfig", "locale", "lscpu", "nproc", "nvidia-smi", "objdump",
    "ps", "svn", "sw_vers", "sysctl", "tty", "uname", "which",
})  # fmt: skip


class Trace(NamedTuple):
    """Paths are relative to the project's root; what the run itself wrote is left out.

    Attributes:
        read: Files whose content was read.
        found: What was there when only that was asked.
        absent: What was not there.
        scanned: Patterns that names were asked for by.
        links: Symbolic links whose target was asked for.
        config: Configuration files that pytest looked for its settings in.
        packages: First folders below site-packages that code was loaded from, and where that is.
        outside: Other code from outside the project.
        unfound: Top-level modules that the project asked for and nothing had.
        written: What the run wrote.
        unseen: Why the trace is partial.
    """

    read: frozenset[str] = frozenset()
    found: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    scanned: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    config: frozenset[str] = frozenset()
    packages: frozenset[tuple[str, str]] = frozenset()
    outside: frozenset[str] = frozenset()
    unfound: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    unseen: tuple[str, ...] = ()


def read_trace(log: Path) -> Trace:
    """Read the log of a run.

    Args:
        log: What ``ptyreg_trace`` appended to; lines cut off by a killed process are left out.
    """
    story = _Story()
    for kind, pid, path, detail in _lines(log):
        story.tell(kind, pid, path, detail)
    return story.end()


def is_text(path: str) -> bool:
    """Whether a record can name this path: JSON has no word for one that is not UTF-8."""
    return not any("\ud800" <= mark <= "\udfff" for mark in path)


class _Story:
    """Lines in the order in which they were written: what was written first is no input."""

    def __init__(self) -> None:
        self.paths: dict[str, set[str]] = {}
        self.packages: set[tuple[str, str]] = set()
        self.written: set[str] = set()
        self.started: dict[str, str] = {}
        self.fed: set[str] = set()
        self.traced: set[str] = set()
        self.unseen: dict[str, None] = {}

    def tell(self, kind: str, pid: str, path: str, detail: str) -> None:
        """Take in one line."""
        match kind if is_text(path) else "":
            case "":
                self.unseen["reads of a file whose name is no text are not told"] = None
            case "hello":
                self.traced.add(pid)
            case "start" | "fed" | "exec":
                self._start(kind, path or f"{pid} {detail}", detail)
            case "blind":
                self.unseen[f"reads of {path} are not seen"] = None
            case "elsewhere":
                self.unseen[f"{path} was read from outside the project"] = None
            case "package":
                self.packages.add((path, detail))
            case "write":
                if path in self.paths.get("read", ()) and path not in self.written:
                    self.unseen[f"{path} was read before the run wrote it"] = None
                self.written.add(path)
            case _:
                self.paths.setdefault(kind, set()).add(path)

    def _start(self, kind: str, pid: str, command: str) -> None:
        self.started.setdefault(pid, command)
        if kind == "fed":
            self.fed.add(pid)
        elif kind == "exec":  # the process becomes another program
            self.started[pid] = command
            self.traced.discard(pid)

    def end(self) -> Trace:
        """Return the inputs; a file that the run wrote, before or after, is none."""
        if not self.traced:
            self.unseen["no process of the run was traced"] = None
        for pid, command in self.started.items():
            if pid not in self.traced and not (pid not in self.fed and _harmless(command)):
                self.unseen[f"reads of the process {_short(command)!r} are not seen"] = None
        read = self._of("read")
        folders = {str(folder) for path in read for folder in PurePosixPath(path).parents}
        near = {
            path
            for path in self._of("absent-near")
            if str(PurePosixPath(path).parent) in folders and not path.endswith("pyvenv.cfg")
        }
        return Trace(
            read=read,
            found=self._of("found") - read,
            absent=self._of("absent") | near,
            scanned=frozenset(self.paths.get("scan", ())),
            links=self._of("link"),
            config=self._of("config") - read,
            packages=frozenset(self.packages),
            outside=self._of("outside"),
            unfound=frozenset(self.paths.get("unfound", ())),
            written=frozenset(self.written),
            unseen=tuple(sorted(self.unseen)),
        )

    def _of(self, kind: str) -> frozenset[str]:
        return frozenset(self.paths.get(kind, ())) - self.written


def _lines(log: Path) -> Iterator[tuple[str, str, str, str]]:
    try:
        text = log.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in text.split("\n"):
        fields = line.split("\t")
        if len(fields) == 4:
            kind, pid, path, detail = map(_plain, fields)
            yield kind, pid, path, detail


def _plain(field: str) -> str:
    if "\\" not in field:
        return field
    return field.replace("\\\\", "\0").replace("\\t", "\t").replace("\\n", "\n").replace("\0", "\\")


def _program(command: str) -> str:
    return PurePath(command.split(" ", 1)[0]).name


def _harmless(command: str) -> bool:
    return not command.startswith("sh -c ") and _program(command) in _HARMLESS


def _short(command: str) -> str:
    words = command.split()
    return " ".join([_program(command), *words[1:3]])[:80] if words else command
