"""What a Python process reads, appended to a file as it happens.

An audit hook sees every ``open``, directory scan and process start of Python code; thin wrappers
see what raises no audit event (``os.stat``) or bypasses Python (h5py, safetensors). Each line is
written at once, so a process that is killed keeps what it told. Started by ``sitecustomize``.

Lines are ``kind TAB pid TAB path TAB detail``. The module must be light: it runs in every Python
process of a measured tree, before anything else, on Python 3.9 and later.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from _thread import get_ident

from ptyreg_places import (
    FOLDER,
    IMPORT,
    INTERPRETER,
    PROJECT,
    STDLIB,
    Places,
    directions,
    source_of,
)

TYPE_CHECKING = False  # ``typing`` itself would cost every process 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

__all__ = ["FOLDER", "LOG", "Tracer", "start"]

#: Names the file that is appended to, the project's root, and when the run began (ns).
LOG = "PTYREG_TRACE"
ROOT = "PTYREG_TRACE_ROOT"
BEGAN = "PTYREG_TRACE_BEGAN"

_CONFIG_FILES = frozenset({"pyproject.toml", "tox.ini", "setup.cfg"})
#: Whose look at a configuration file is for the sections of pytest.
_PYTEST = ("_pytest", "pytest", "iniconfig", "coverage", "xdist", "pluggy")
#: Questions about existence and kind; any other look at a file may use its size or time.
_EXISTENCE = frozenset({"exists", "isfile", "isdir", "is_file", "is_dir", "is_symlink"})
#: Steps of the standard library on the way to something else.
_STEPS = frozenset({"makedirs", "mkdir", "realpath", "_joinrealpath", "resolve", "samefile"})
_INSTRUMENT = ["sphinx_ptyreg", "child"]
_CODE = (".py", ".pyc", ".so", ".pyd", ".dylib")


class Tracer:
    """Writes down what this process reads below the project's root, or imports from elsewhere."""

    def __init__(self, log: str, root: str, began: int) -> None:
        self.log = log
        self.began = began
        self.places = Places(root)
        self.plain_stat: Callable[..., os.stat_result] = os.stat
        self._handlers: dict[str, Callable[..., None]] = {}
        self._seen: set[str] = set()
        self._handle = _open_high(log)
        self._busy: set[int] = set()  # threads that are in here
        os.register_at_fork(after_in_child=self._busy.clear)

    def write(self, kind: str, path: str, detail: str = "") -> None:
        """Append one line, once per process."""
        key = f"{kind}\t{path}\t{detail}"
        if key in self._seen:
            return
        self._seen.add(key)
        fields = (kind, str(os.getpid()), path, detail)
        line = "\t".join(field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
                         for field in fields)  # fmt: skip
        data = (line + "\n").encode("utf-8", "surrogateescape")
        try:
            os.write(self._handle, data)
        except OSError:  # the descriptor was closed under us: a daemon does that
            try:
                self._handle = _open_high(self.log)
                os.write(self._handle, data)
            except OSError:
                return

    def on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Receive an event that a wrapper raises."""
        handler = self._handlers.get(event)
        if handler is not None:
            self.guarded(handler, *arguments)

    def listen(self, handlers: dict[str, Callable[..., None]]) -> None:
        """Receive audit events from now on; most are not ours, so the hook is a plain function."""
        self._handlers = handlers
        guarded, get = self.guarded, handlers.get

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            handler = get(event)
            if handler is not None and (event != "import" or arguments[1] is not None):
                guarded(handler, *arguments)

        sys.addaudithook(hook)

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

    def on_open(self, path: Any, mode: Any, flags: Any) -> None:
        """A file was opened, or was not there to open."""
        if path is None or isinstance(path, int) or self._is_known_code(path):
            return
        relative = self.places.below_root(path)
        if relative is None:
            self._on_open_outside(self.places.absolute(path), mode, flags)
            return
        reads, writes = directions(mode, flags)
        if reads:
            self._on_read(path, relative, by_name=mode is not None)
        if writes:
            self.write("write", relative)

    def _is_known_code(self, path: Any) -> bool:
        """Whether this is more of a package that was told, or the standard library's: quickly."""
        if not isinstance(path, str) or not path.endswith(_CODE) or "/../" in path:
            return False
        package = self.places.package(path)
        if package is None:
            return path.startswith(STDLIB)
        return f"package\t{package[0]}\t{package[1]}" in self._seen

    def _on_read(self, path: Any, relative: str, *, by_name: bool) -> None:
        named, relative = relative, source_of(relative)
        if relative.rpartition("/")[2] in _CONFIG_FILES and self.places.asker() in _PYTEST:
            self.write("config", relative)
            return
        try:
            kind = stat.S_IFMT(self.plain_stat(path).st_mode)
        except OSError:
            if (
                by_name and named == relative
            ):  # os.open relative to a folder's descriptor tells no path
                self.write("absent", relative)
            return
        if kind == stat.S_IFREG and not self._is_instrument(relative):
            self.write("read", relative)

    def _is_instrument(self, relative: str) -> bool:
        """Whether this is our own plugin, loaded by pytest from a checkout and not by a test."""
        parts = relative.split("/")[-3:]
        own = parts[-2:] == ["sphinx_ptyreg", "__init__.py"] or parts[:2] == _INSTRUMENT
        return own and self.places.asker(through_import=True) != PROJECT

    def _on_open_outside(self, path: str, mode: Any, flags: Any) -> None:
        if path.endswith(_CODE):
            path = source_of(path)
            package = self.places.package(path)
            if package is not None:
                self.write("package", *package)
            elif not self.places.is_standard(path):
                self.write("outside", path)
        elif directions(mode, flags)[0] and not self.places.is_machines(path):
            if self.places.inside(path) or self.places.asker() == INTERPRETER:
                return
            status = self.plain_stat(path)
            if stat.S_ISREG(status.st_mode) and status.st_ctime_ns < self.began:
                self.write("elsewhere", os.path.basename(path))

    def on_scan(self, path: Any) -> None:
        """A folder was listed; only project code's own curiosity is an input."""
        if _inside_glob():
            return
        self._on_names(os.path.join("." if path is None else os.fsdecode(path), "*"))

    def on_glob(self, base: Any, pattern: Any, recursive: bool) -> None:
        """Names were asked for by a pattern."""
        text = os.fsdecode(pattern)
        if not recursive:
            text = text.replace("**", "*")
        self._on_names(os.path.join("." if base is None else os.fsdecode(base), text))

    def _on_names(self, pattern: str) -> None:
        relative = self.places.below_root(pattern)
        if relative is not None and self.places.asker() == PROJECT:
            self.write("scan", relative)

    def on_stat(self, path: Any, found: bool, asked: str = "", imported: bool = False) -> None:
        """A path was looked at: `asked` names the question when it is known."""
        if isinstance(path, int):
            return
        relative = self.places.below_root(path)
        if relative is None or "__pycache__" in relative or self._known(relative, found):
            return
        who = self.places.asker(through_import=imported)
        if not found:
            if who == PROJECT:
                self.write("absent", relative)
            elif who in _PYTEST and relative.rpartition("/")[2] in _CONFIG_FILES:
                self.write("config", relative)
            elif not imported and who not in {IMPORT, INTERPRETER}:
                self.write("absent-near", relative)
            return
        asked = asked or _asked()
        if who == PROJECT and asked not in _STEPS:
            whole = not asked and stat.S_ISREG(self.plain_stat(path).st_mode)
            self.write("read" if whole else "found", relative)

    def _known(self, relative: str, found: bool) -> bool:
        return (f"read\t{relative}\t" if found else f"absent\t{relative}\t") in self._seen

    def on_link(self, path: Any) -> None:
        """The target of a symbolic link was asked for."""
        relative = self.places.below_root(path)
        if relative is not None and self.places.asker() == PROJECT:
            self.write("link", relative)


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


def _inside_glob() -> bool:
    """Whether a listing is a step of a glob, which was told as a whole."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name == "glob":
            return True
        if name == "pathlib" and frame.f_code.co_name in {"iterdir", "walk"}:
            return False
        if name == "pathlib" and "glob" in frame.f_code.co_name:
            return True
        if name not in {"pathlib", "os", "ptyreg_trace"}:
            return False
        frame = frame.f_back
    return False


def _open_high(log: str) -> int:
    """Open the log under a high number: one that nobody gets who closed ours."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        high = fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 700)
    except OSError:
        return handle
    os.close(handle)
    return high


def start() -> Tracer | None:
    """Trace this process when its environment asks for it."""
    log, root = os.environ.get(LOG), os.environ.get(ROOT)
    if not log or not root:
        return None
    try:
        tracer = Tracer(log, root, int(os.environ.get(BEGAN) or 0))
    except (OSError, ValueError):
        return None
    tracer.write("hello", sys.prefix, sys.executable or "")
    from ptyreg_events import HANDLERS
    from ptyreg_wrappers import install

    install(tracer)
    tracer.listen(HANDLERS)
    return tracer
