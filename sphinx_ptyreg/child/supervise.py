"""Runs one command and outlives nothing: ``python supervise.py REPORT TIMEOUT ARGV…``.

Standard input is a pipe that the build holds. When it closes, because the build ended in whatever
way, or when the time is up, every descendant is ended, also those in a session of their own. On
Linux the supervisor is a subreaper, so an orphan of the tree becomes its child instead of
init's. Standard library only; Python 3.9 and later.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

__all__ = ["descendants", "main"]

_POLL_S = 0.02
_GRACE_S = 1.5
#: Seconds after which what cannot be ended is left: another user's process, one in the kernel.
_PATIENCE_S = 10.0
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>


def main(arguments: list[str]) -> int:
    """Run the command; write how it ended to the report."""
    report, timeout, argv = arguments[0], float(arguments[1]), arguments[2:]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _raise)
    _become_subreaper()
    start = time.monotonic()
    ended: dict[str, object] = {"exit_code": None, "timed_out": False, "abandoned": False}
    child = None
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
        ended.update(_watch(child, start + timeout))
    except OSError as error:
        ended["error"] = error.strerror or str(error)
    except KeyboardInterrupt:
        ended["abandoned"] = True
    _end_all()
    if child is not None and child.poll() is not None and ended["exit_code"] is None:
        ended["exit_code"] = child.returncode
    used = os.times()
    ended["cpu_s"] = used.children_user + used.children_system
    ended["wall"] = time.monotonic() - start
    temporary = report + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(ended, file)
    os.replace(temporary, report)
    return 0


def _watch(child: subprocess.Popen[bytes], deadline: float) -> dict[str, object]:
    while child.poll() is None:
        if time.monotonic() > deadline:
            return {"timed_out": True}
        readable, _, _ = select.select([0], [], [], _POLL_S)
        if readable and not os.read(0, 1):
            return {"abandoned": True}
    return {"exit_code": child.returncode}


def _raise(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _become_subreaper() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)


def _end_all() -> None:
    """End every descendant: politely, then surely, until there is none that can be ended."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    polite = time.monotonic() + _GRACE_S
    told: set[int] = set()
    while True:
        _reap()
        alive = descendants(os.getpid())
        if not alive or time.monotonic() > polite + _PATIENCE_S:
            return
        surely = time.monotonic() > polite
        for pid in alive:
            if surely or pid not in told:
                told.add(pid)
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL if surely else signal.SIGTERM)
        time.sleep(_POLL_S)


def _reap() -> None:
    with contextlib.suppress(OSError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def descendants(root: int) -> list[int]:
    """Return the living descendants of process `root`, zombies left out."""
    children: dict[int, list[int]] = {}
    for pid, parent, state in _processes():
        if state != "Z":
            children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _processes() -> list[tuple[int, int, str]]:
    if not os.path.isdir("/proc/self"):
        return _processes_by_ps()
    table = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    rest = file.read().rpartition(")")[2].split()
                table.append((int(name), int(rest[1]), rest[0]))
    return table


def _processes_by_ps() -> list[tuple[int, int, str]]:
    answer = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,state="], capture_output=True, text=True, check=False
    )
    rows = [line.split() for line in answer.stdout.splitlines()]
    mine = os.getpid()
    return [(int(row[0]), int(row[1]), row[2][0]) for row in rows
            if len(row) == 3 and not (row[1] == str(mine) and "ps" in row[2])]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
