"""What the processes of a run wrote down about their reads, told as one story."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .commands import is_harmless, is_same, spoken

__all__ = ["LOG_NAME", "Trace", "is_text", "read_trace"]

#: The trace's name in the recording folder.
LOG_NAME = "trace.log"

_ESCAPED = re.compile(r"\\(.)")
_MARKS = {"t": "\t", "n": "\n"}


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
        metadata: Folders of metadata that the project asked for.
        outside: Other code from outside the project.
        elsewhere: Data from outside the project.
        unfound: Top-level modules that the project asked for and nothing had.
        modules: Top-level modules that were looked for along the path.
        search: Folders of the project on that path.
        named: Files that programs were started with.
        linked: Files that the run gave another name beside their own.
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
    metadata: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    unfound: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    search: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    unseen: tuple[str, ...] = ()


def read_trace(log: Path, is_older: Callable[[str], bool] = lambda _: False) -> Trace:
    """Read the log of a run.

    Args:
        log: What ``ptyreg_trace`` appended to; lines cut off by a killed process are left out.
        is_older: Whether a file is as it was before the run: what was opened for writing and is,
            was read.
    """
    story = _Story()
    for kind, pid, path, detail in _lines(log):
        story.tell(kind, pid, path, detail)
    return story.end(frozenset(filter(is_older, story.paths.get("write", ()))))


def is_text(path: str) -> bool:
    """Whether a record can name this path: JSON has no word for one that is not UTF-8."""
    return not any("\ud800" <= mark <= "\udfff" for mark in path)


class _Story:
    """Lines in the order in which they were written: what was written first is no input."""

    def __init__(self) -> None:
        self.paths: dict[str, set[str]] = {}
        self.packages: set[tuple[str, str]] = set()
        self.read_first: set[str] = set()
        self.started: dict[str, list[str]] = {}
        self.said: dict[str, list[str]] = {}
        self.unseen: dict[str, None] = {}

    def tell(self, kind: str, pid: str, path: str, detail: str) -> None:
        """Take in one line."""
        match kind if is_text(path) else "":
            case "":
                self.unseen["reads of a file whose name is no text are not told"] = None
            case "lost":
                self.unseen["a part of the trace could not be written"] = None
            case "hello":
                self.said[pid] = path.split("\0") if path else []
            case "start":
                self.started.setdefault(path or f"{pid} {detail}", detail.split("\0"))
            case "exec":  # the process becomes another program
                self.started[path] = detail.split("\0")
                self.said.pop(path, None)
            case "blind":
                self.unseen[f"reads of {path} are not seen"] = None
            case "package":
                self.packages.add((path, detail))
            case "write":
                written = self.paths.setdefault("write", set())
                if path not in written and path in self.paths.get("read", ()):
                    self.read_first.add(path)
                written.add(path)
            case _:
                self.paths.setdefault(kind, set()).add(path)

    def end(self, kept: frozenset[str]) -> Trace:
        """Return the inputs; a file that the run wrote, before or after, is none."""
        written = self._of("write") - kept
        self._judge_processes()
        for path in sorted(self.read_first & written):
            self.unseen[f"{path} was read before the run wrote it"] = None
        for path in sorted(self._of("append") & self._of("read") & written - self.read_first):
            self.unseen[f"{path} was read, and the run wrote a part of it"] = None
        read = (self._of("read") | self._of("write") & kept) - written
        folders = {str(folder) for path in read for folder in PurePosixPath(path).parents}
        near = {
            path
            for path in self._of("absent-near") - written
            if str(PurePosixPath(path).parent) in folders and not path.endswith("pyvenv.cfg")
        }
        return Trace(
            read=read,
            found=self._of("found") - read - written,
            absent=self._of("absent") - written | near,
            scanned=self._of("scan"),
            links=self._of("link") - written,
            config=self._of("config") - read - written,
            packages=frozenset(self.packages),
            metadata=self._of("metadata"),
            outside=self._of("outside"),
            elsewhere=self._of("elsewhere"),
            unfound=self._of("unfound"),
            modules=self._of("module"),
            search=self._of("search"),
            named=self._of("named") - read - written,
            linked=self._of("linked"),
            written=written,
            unseen=tuple(sorted(self.unseen)),
        )

    def _judge_processes(self) -> None:
        if not self.said:
            self.unseen["no process of the run was traced"] = None
        fed, own = self._of("fed"), self._of("own")
        for pid, command in self.started.items():
            if pid in self.said:
                said = self.said[pid]
                seen = is_same(command, said)
                seen = seen and (pid not in own or said[-len(command) :] == command)
            else:
                seen = pid not in fed and pid not in own and is_harmless(command)
            if not seen:
                self.unseen[f"reads of the process {spoken(command)!r} are not seen"] = None

    def _of(self, kind: str) -> frozenset[str]:
        return frozenset(self.paths.get(kind, ()))


def _lines(log: Path) -> Iterator[tuple[str, str, str, str]]:
    try:
        text = log.read_bytes().decode("utf-8", errors="surrogateescape")
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
    return _ESCAPED.sub(lambda found: _MARKS.get(found[1], found[1]), field)
