"""Runs a command of this project and writes down which phase it is in; it may kill itself.

``python killed_command.py run|build PHASE_FILE CALL``: a CALL above 0 ends the process after so
many system calls of the store.
"""

from __future__ import annotations

import os
import signal
import sys

CALLS = ("open", "write", "chmod", "fsync", "close", "replace", "mkdir")


def main(kind: str, phase_file: str, call: int) -> int:
    handle = os.open(phase_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    write = os.write

    def enter(name: str) -> None:
        write(handle, name.encode() + b"\n")

    enter("start")
    from sphinx_ptyreg import runner, store

    _follow(runner, "measure", enter, "prepare", "end")
    _follow(runner, "run", enter, "test", "compose")
    if call:
        _count(call)
    for name in ("add_artifact", "hide", "add"):
        _follow(store.Layer, name, enter, "store", "store")
    if kind == "run":
        from sphinx_ptyreg import ensure
        from sphinx_ptyreg.cli import main as command

        ensure.measure = runner.measure
        return command(["run"])
    from sphinx.cmd.build import main as build

    from sphinx_ptyreg import ensure

    ensure.measure = runner.measure
    return build(["-q", "-D", "ptyreg_mode=force", "docs", "out"])


def _follow(owner, name: str, enter, before: str, after: str) -> None:
    plain = getattr(owner, name)

    def followed(*arguments, **options):
        enter(before)
        answer = plain(*arguments, **options)
        enter(after)
        return answer

    setattr(owner, name, followed)


def _count(calls: int) -> None:
    """Count the system calls of the store; after so many this process is no more."""
    from sphinx_ptyreg import store

    left = [calls]
    inside = [False]

    def counted(plain):
        def call(*arguments, **options):
            answer = plain(*arguments, **options)
            left[0] -= inside[0]
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    plain_write = store.write_once

    def write_once(path, data):
        inside[0] = True
        plain_write(path, data)
        inside[0] = False

    store.write_once = write_once


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
