"""Adds a record to a store, and is killed after one of the system calls that this takes.

``python interrupted_writer.py STORE RECORD ARTIFACT [plain]``: prints a JSON line for each call,
``[name, what is broken]``. A forked child does the writing, so that each kill is a real one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import sys
from pathlib import Path

from filelock import FileLock

from sphinx_ptyreg.errors import RecordError
from sphinx_ptyreg.record import RunRecord, decode
from sphinx_ptyreg.store import Store

CALLS = ("open", "write", "chmod", "fsync", "close", "replace", "mkdir", "unlink")


def main(folder: str, record_file: str, artifact_file: str, broken: bool) -> None:
    """Kill the writer after its first system call, its second, and so on to its end."""
    root = Path(folder)
    record = decode(Path(record_file).read_bytes(), where="given")
    earlier = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    number, done = 0, False
    while not done:
        number += 1
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            plain = os.write
            _Killer(number, tell, broken=broken).install()
            _write(Store(root, root / "published"), record, Path(artifact_file), number)
            plain(tell, b"end")
            os._exit(0)
        os.close(tell)
        name = os.read(told, 100).decode()
        os.close(told)
        _, status = os.waitpid(child, 0)
        done = os.waitstatus_to_exitcode(status) == 0
        print(json.dumps([name, _check(root, earlier, record)]), flush=True)


def _write(store: Store, record: RunRecord, artifact: Path, number: int) -> None:
    """Do what a run does at its end; the record differs each time."""
    import msgspec

    lock = store.local.folder / "locks" / "quick.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):
        data = artifact.read_bytes() + str(number).encode()
        file = artifact.with_suffix(".copy")
        file.write_bytes(data)
        kept = msgspec.structs.replace(
            record.artifacts["log"], sha256=hashlib.sha256(data).hexdigest(), size=len(data)
        )
        new = msgspec.structs.replace(record, artifacts={"log": kept}, exit_code=number)
        store.local.add_artifact(file, kept.sha256, kept.suffix)
        store.local.hide()
        store.local.add(new)


class _Killer:
    """Counts system calls; after the one it was told, this process is no more."""

    def __init__(self, number: int, tell: int, *, broken: bool) -> None:
        self.left, self.tell, self.broken = number, tell, broken
        self.plain = {name: getattr(os, name) for name in CALLS}

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self._counted(name))
        if self.broken:
            os.replace = self._plain_write
        flock = fcntl.flock
        fcntl.flock = lambda *arguments: (flock(*arguments), self.count("lock"))[0]

    def _counted(self, name):
        def call(*arguments, **options):
            if name == "write" and len(arguments[1]) > 1:  # the kernel may take a part only
                self.plain["write"](arguments[0], arguments[1][: len(arguments[1]) // 2])
                self.count("half a write")
                half = len(arguments[1]) // 2
                answer = half + self.plain["write"](arguments[0], arguments[1][half:])
            else:
                answer = self.plain[name](*arguments, **options)
            self.count(name)
            return answer

        return call

    def _plain_write(self, source, target):
        """What a store must not do: write into the file itself."""
        data = Path(source).read_bytes()
        handle = self.plain["open"](target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self.count("open")
        self.plain["write"](handle, data[: len(data) // 2])
        self.count("half a write")
        self.plain["write"](handle, data[len(data) // 2 :])
        self.plain["close"](handle)
        self.plain["unlink"](source)

    def count(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.plain["write"](self.tell, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def _check(root: Path, earlier: dict[Path, bytes], record: RunRecord) -> list[str]:
    """Return what is broken after the kill."""
    problems = [
        f"lost {path.name}"
        for path, data in earlier.items()
        if not path.is_file() or path.read_bytes() != data
    ]
    store = Store(root, root / "published")
    for entry in store.entries(record.selector):
        try:
            found = entry.read()
        except RecordError as error:
            problems.append(str(error))
            entry.path.unlink()
            continue
        problems += [
            f"{entry.path.name}: no artifact"
            for artifact in found.artifacts.values()
            if store.artifact(artifact) is None
        ]
    with FileLock(root / "locks" / "quick.lock", timeout=2):
        return problems


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], broken="plain" in sys.argv[4:])
