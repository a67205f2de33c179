"""``kill -9`` at any moment: no broken store, no lost record, nobody left."""

from __future__ import annotations

import collections
import concurrent.futures
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from sphinx_ptyreg.errors import RecordError

COMMAND = Path(__file__).with_name("killed_command.py")
KILLS = 200
IN_STORE = 50  # of these; the others fall where chance has them


class Victim:
    """A project whose commands are killed, one after the other."""

    def __init__(self, small, kind: str, seed: int) -> None:
        self.small, self.kind = small, kind
        self.mark = uuid.uuid4().hex
        self.chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
        self.phases: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        self.whole: dict[Path, bytes] = {}
        small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
        small.write("docs/index.rst", "Page\n====\n\n:ptyreg:value:`quick.outcome`\n")
        small.write(
            "test_quick.py",
            """
            import subprocess, sys, time

            def test_quick(ptyreg, tmp_path):
                (tmp_path / "a.txt").write_text("a")
                ptyreg.artifact(tmp_path / "a.txt", name="a")
                code = "import time; time.sleep(0.1)"
                subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
                time.sleep(0.1)
            """,
        )
        file = small.root / "pyproject.toml"
        file.write_text(file.read_text() + f'env = {{ MARK = "{self.mark}" }}\n')
        for _ in range(2):  # the second has its files compiled, as all later ones
            start = time.monotonic()
            assert self.start(0).wait(60) == 0
            self.took = time.monotonic() - start
        self.check("the first run")
        assert len(self.whole) >= 3  # a record and two artifacts

    def start(self, call: int):
        return self.small.start(
            str(COMMAND), self.kind, str(self.small.root / "phase"), str(call),
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self, number: int) -> None:
        in_store = number % (KILLS // IN_STORE) == 0
        process = self.start(self.chance.randint(1, 10) if in_store else 0)
        if not in_store:
            time.sleep(self.chance.uniform(0, self.took))
            os.kill(process.pid, signal.SIGKILL)
        if process.wait(60) == 0:  # it was done before its moment came
            self.check(f"run {number}")
            self.kill(number)
            return
        lines = (self.small.root / "phase").read_text().splitlines() or ["start"]
        self.phases[lines[-1]] += 1
        deadline = time.monotonic() + 5
        while alive := self.survivors():
            if time.monotonic() > deadline:
                self.problems.append(f"kill {number}: {alive} survive")
                break
            time.sleep(0.02)
        self.check(f"kill {number} ({lines[-1]})")

    def survivors(self) -> list[int]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("MARK") == self.mark and process.status() != "zombie":
                    found.append(process.pid)
            except (psutil.Error, OSError):
                continue
        return found

    def check(self, when: str) -> None:
        folder = self.small.root / ".ptyreg"
        for path, data in self.whole.items():
            if not path.is_file() or path.read_bytes() != data:
                self.problems.append(f"{when}: lost {path.name}")
        for entry in self.small.entries():
            try:
                record = entry.read()
            except RecordError as error:
                self.problems.append(f"{when}: {error}")
                continue
            for artifact in record.artifacts.values():
                if self.small.store.artifact(artifact) is None:
                    self.problems.append(f"{when}: {entry.path.name} lost an artifact")
            self.whole[entry.path] = entry.path.read_bytes()
        for file in (folder / "artifacts").glob("[0-9a-f]*"):
            self.whole[file] = file.read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="runs are for Linux and macOS")
def test_two_hundred_kills_break_nothing(make_small, capsys):
    victims = [Victim(make_small(kind), kind, seed) for seed, kind in enumerate(("run", "build"))]

    def kill_all(victim: Victim) -> None:
        for number in range(KILLS // 2):
            victim.kill(number)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(kill_all, victims))
    phases = sum((victim.phases for victim in victims), collections.Counter())
    problems = [problem for victim in victims for problem in victim.problems]
    with capsys.disabled():
        print(f"\n{sum(phases.values())} kills: {dict(phases.most_common())}; "
              f"{len(problems)} problems")  # fmt: skip
    assert problems == []
    assert sum(phases.values()) == KILLS
    assert phases["store"] >= 30
    for victim in victims:  # and all goes on as before
        assert victim.start(0).wait(60) == 0
