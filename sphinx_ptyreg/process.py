"""One child process: an argument list, a clean environment, a time limit, and no survivors."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .child.supervise import descendants
from .errors import InfrastructureError
from .outcome import Ending
from .record import Resources

__all__ = ["BASE_VARIABLES", "FIXED_VARIABLES", "NONCE", "Finished", "hermetic", "run"]

#: Variables of the caller that a child may see undeclared: where things are, not what they do.
BASE_VARIABLES = (
    "HOME", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "SSL_CERT_FILE", "TERM", "TMPDIR",
    "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip

#: What is the same in every run unless a selector declares it: language and time zone.
FIXED_VARIABLES = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}

#: Marks every process of one run, so that none is overlooked when it must end.
NONCE = "PTYREG_NONCE"

_SUPERVISOR = Path(__file__).parent / "child" / "supervise.py"
_POLL_S = 0.1
_PATIENCE_S = 5.0


class Finished(NamedTuple):
    """How the child ended, how long it took, and what its whole tree used.

    Interrupted: the user wants this process to stop, not only the child.
    """

    ending: Ending
    wall: float
    resources: Resources
    interrupted: bool = False


def hermetic(environ: Mapping[str, str], declared: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a child: the base list, what is fixed, what the selector declares.

    An undeclared variable cannot influence a result, nor a secret of the caller reach a test.

    Examples:
        >>> hermetic({"PATH": "/bin", "MY_TOKEN": "s3cret"}, {"OMP_NUM_THREADS": "2"})
        {'PATH': '/bin', 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'OMP_NUM_THREADS': '2'}
    """
    base = {name: environ[name] for name in BASE_VARIABLES if name in environ}
    return base | FIXED_VARIABLES | dict(declared)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    folder: Path,
    timeout: float,
    heartbeat: Callable[[float], None] = lambda seconds: None,
) -> Finished:
    """Run `argv` under a supervisor to its end, or end it with all its descendants.

    Args:
        argv: The command, as a list; never a shell.
        cwd: Where it runs.
        env: All that it sees of the environment.
        folder: Where its output (``output.log``) and the supervisor's report go.
        timeout: Seconds after which the process tree is ended.
        heartbeat: Called now and then with the seconds so far.

    Raises:
        InfrastructureError: The command cannot start, or not on this platform.
    """
    if os.name != "posix":
        raise InfrastructureError(
            "Expected Linux or macOS to run a selector; here only replay works."
        )
    report = folder / "report.json"
    nonce = uuid.uuid4().hex
    start = time.monotonic()
    with (folder / "output.log").open("wb") as sink:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SUPERVISOR), str(report), str(timeout), *argv],
            cwd=cwd, env={**env, NONCE: nonce}, stdin=subprocess.PIPE, stdout=sink,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    tree = _Tree(supervisor.pid, nonce)
    interrupted = False
    try:
        while supervisor.poll() is None:
            tree.sample()
            heartbeat(time.monotonic() - start)
            with contextlib.suppress(subprocess.TimeoutExpired):
                supervisor.wait(_POLL_S)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if supervisor.stdin is not None:
            supervisor.stdin.close()  # the supervisor ends the tree when this pipe closes
        with contextlib.suppress(subprocess.TimeoutExpired):
            supervisor.wait(_PATIENCE_S)
        tree.end()
        supervisor.wait()
    told = _read(report)
    if told.get("error"):
        raise InfrastructureError(f"{argv[0]} cannot start: {told['error']}.")
    code = told.get("exit_code", -signal.SIGKILL)
    timed_out = timeout if told.get("timed_out") else None
    stopped = interrupted or bool(told.get("abandoned"))
    return Finished(
        Ending(code, timed_out, stopped, lost=not told and not stopped),
        told.get("wall", time.monotonic() - start),
        Resources(cpu_s=told.get("cpu_s"), peak_rss_mib=tree.peak / 2**20 or None),
        interrupted,
    )


def _read(report: Path) -> dict[str, Any]:
    """Return what the supervisor reported; nothing when it was killed."""
    try:
        told = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return told if isinstance(told, dict) else {}


class _Tree:
    """The processes of one run, remembered in case their supervisor is killed."""

    def __init__(self, root: int, nonce: str) -> None:
        import psutil  # noqa: PLC0415 - replay must not need it

        self._psutil = psutil
        self._root, self._nonce = root, nonce
        self._known: dict[int, Any] = {}
        self.peak = 0

    def sample(self) -> None:
        """Note the descendants of this moment and the memory they hold together."""
        total = 0
        for pid in descendants(self._root):
            with contextlib.suppress(self._psutil.Error):
                process = self._known.setdefault(pid, self._psutil.Process(pid))
                total += process.memory_info().rss
        self.peak = max(self.peak, total)

    def end(self) -> None:
        """End what is left: known descendants, theirs, and whoever carries the run's mark."""
        deadline = time.monotonic() + _PATIENCE_S
        while (alive := self._survivors()) and time.monotonic() < deadline:
            for process in alive:
                with contextlib.suppress(self._psutil.Error):
                    process.kill()
            time.sleep(_POLL_S / 5)

    def _survivors(self) -> list[Any]:
        found = {process.pid: process for process in self._known.values() if self._alive(process)}
        for process in list(found.values()):
            with contextlib.suppress(self._psutil.Error):
                found.update({p.pid: p for p in process.children(recursive=True)})
        for process in self._psutil.process_iter():
            with contextlib.suppress(self._psutil.Error, OSError):
                if process.environ().get(NONCE) == self._nonce:
                    found[process.pid] = process
        return [process for process in found.values() if self._alive(process)]

    def _alive(self, process: Any) -> bool:
        try:
            return bool(process.is_running() and process.status() != self._psutil.STATUS_ZOMBIE)
        except self._psutil.Error:
            return False
