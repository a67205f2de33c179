"""What a Python process reads, appended to a file as it happens.

An audit hook sees every ``open``, directory scan and process start of Python code; thin wrappers
see what raises no audit event (``os.stat``) or bypasses Python (h5py, safetensors). Each line is
written at once, so a process that is killed keeps what it told. Started by ``sitecustomize``.

Lines are ``kind TAB pid TAB path TAB detail``. The module must be light: it runs in every Python
process of a measured tree, before anything else, on Python 3.9 and later.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import sys
from _thread import get_ident

from ptyreg_places import FOLDER, Places

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["FOLDER", "LOG", "Tracer", "command_line", "start"]

#: Names the file that is appended to, the project's root, and when the run began (ns).
LOG = "PTYREG_TRACE"
ROOT = "PTYREG_TRACE_ROOT"
BEGAN = "PTYREG_TRACE_BEGAN"

#: Numbers of descriptors that nobody gets who closed ours, the highest first: a limit may be low.
_HIGH = (700, 200, 100, 60)


class Tracer:
    """Writes down what this process reads below the project's root, or imports from elsewhere."""

    def __init__(self, log: str, root: str, began: int) -> None:
        self.log = log
        self.began = began
        self.places = Places(root)
        self.plain_stat: Callable[..., os.stat_result] = os.stat
        self.seen: set[str] = set()
        self._handlers: dict[str, Callable[..., None]] = {}
        self._imported: set[str] = set()
        self._search: list[Any] = []
        self._lost = False
        self._handle, self._file = _open_high(log)
        self._busy: set[int] = set()  # threads that are in here
        os.register_at_fork(after_in_child=self._busy.clear)

    def write(self, kind: str, path: str, detail: str = "") -> None:
        """Append one line, once per process."""
        key = f"{kind}\t{path}\t{detail}"
        if key in self.seen:
            return
        self.seen.add(key)
        if self._lost and self._append(_line("lost", "", "")):
            self._lost = False
        if not self._append(_line(kind, path, detail)):
            self._lost = True

    def _append(self, data: bytes) -> bool:
        try:
            if self._is_ours():
                return os.write(self._handle, data) == len(data)
        except OSError:
            pass
        try:  # the descriptor was closed under us, and may be somebody's file by now
            self._handle, self._file = _open_high(self.log)
            return os.write(self._handle, data) == len(data)
        except OSError:
            return False

    def _is_ours(self) -> bool:
        status = os.fstat(self._handle)
        return (status.st_dev, status.st_ino) == self._file

    def handle(self, event: str, *arguments: Any) -> None:
        """Take in what our own code found out."""
        try:
            self._handlers[event](self, *arguments)
        except (TypeError, ValueError, OSError, UnicodeError):
            pass

    def on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Receive an event that a wrapper raises."""
        handler = self._handlers.get(event)
        if handler is not None:
            self.guarded(handler, *arguments)

    def listen(self, handlers: dict[str, Callable[..., None]]) -> None:
        """Receive audit events from now on; most are not ours, so the hook is a plain function."""
        self._handlers = handlers
        guarded, get, imported = self.guarded, handlers.get, self._imported

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            handler = get(event)
            if handler is None:
                return
            if event == "import" and arguments[1] is None:
                name = arguments[0]
                if name not in imported and "." not in name:
                    imported.add(name)
                    guarded(Tracer.on_search, name, arguments[2])
                return
            guarded(handler, *arguments)

        sys.addaudithook(hook)

    def on_search(self, name: str, search: Any) -> None:
        """A module of this name is looked for along `search`: whatever lies in front, wins."""
        self.write("module", name)
        if search != self._search and isinstance(search, list):
            self._search = list(search)
            for entry in search:
                if isinstance(entry, str):
                    where = "." if self.places.is_root(entry) else self.places.below_root(entry)
                    if where is not None:
                        self.write("search", where)

    def guarded(self, handler: Callable[..., None], *arguments: Any) -> None:
        """Handle something once: what the handler itself does is not looked at."""
        thread = get_ident()
        if thread in self._busy:
            return
        self._busy.add(thread)
        try:
            handler(self, *arguments)
        except (TypeError, ValueError, OSError, UnicodeError):
            pass  # a path that cannot be spelled; the caller is about to get its own error
        finally:
            self._busy.discard(thread)

    def unseen(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call a function whose events are told already."""
        thread = get_ident()
        if thread in self._busy:
            return function(*arguments, **options)
        self._busy.add(thread)
        try:
            return function(*arguments, **options)
        finally:
            self._busy.discard(thread)


def _line(kind: str, path: str, detail: str) -> bytes:
    fields = (kind, str(os.getpid()), path, detail)
    line = "\t".join(field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
                     for field in fields)  # fmt: skip
    return (line + "\n").encode("utf-8", "surrogateescape")


def _open_high(log: str) -> tuple[int, tuple[int, int]]:
    """Open the log under a high number; return that, and which file it is."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    status = os.fstat(handle)
    for number in _HIGH:
        try:
            high = fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, number)
        except OSError:
            continue
        os.close(handle)
        handle = high
        break
    return handle, (status.st_dev, status.st_ino)


def command_line() -> list[str]:
    """Return what this process was started with; nothing where it cannot be known."""
    told: list[str] | None = getattr(sys, "orig_argv", None)
    if told is not None:
        return list(told)
    try:  # before Python 3.10
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return []


def _on_end(tracer: Tracer) -> None:
    """Tell of what C code has mapped: libraries that libraries load, and data."""
    maps = "/proc/self/maps"
    if not os.path.exists(maps):
        return
    roots = tuple(root.encode() for root in tracer.places.roots)
    with open(maps, "rb") as file:
        named = {line.split(None, 5)[5].strip() for line in file if any(r in line for r in roots)}
    for path in named:
        tracer.handle("open", os.fsdecode(path), "r", 0)


def start() -> Tracer | None:
    """Trace this process when its environment asks for it."""
    log, root = os.environ.get(LOG), os.environ.get(ROOT)
    if not log or not root:
        return None
    try:
        tracer = Tracer(log, root, int(os.environ.get(BEGAN) or 0))
    except (OSError, ValueError):
        return None
    tracer.write("hello", "\0".join(command_line()))
    from ptyreg_events import HANDLERS
    from ptyreg_wrappers import install

    install(tracer)
    tracer.listen(HANDLERS)
    atexit.register(tracer.guarded, _on_end)
    return tracer
