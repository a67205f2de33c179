"""A scheduler and workers on loopback, as processes; workers are killed, stopped and wrong."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.record import RunRecord
from sphinx_ptyreg.store import Store

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

MARK = uuid.uuid4().hex

TESTS = """
import os, time
import pytest

@pytest.mark.parametrize("n", range(6))
def test_one(ptyreg, n):
    time.sleep(1)
    ptyreg.metric("n", n)

def test_endless():
    open(os.environ["STARTED"], "w").close()
    while True:
        time.sleep(0.01)
"""


def declaration(started: Path) -> str:
    tables = [
        f'[tool.ptyreg.selectors.s{n}]\nnodeids = ["tests/test_it.py::test_one[{n}]"]'
        for n in range(6)
    ]
    endless = 'nodeids = ["tests/test_it.py::test_endless"]'
    env = f'env = {{ STARTED = "{started}", MARK = "{MARK}" }}'
    return "\n".join([
        *tables,
        "resources = { gpu = 1 }",  # of the last one, s5
        f"[tool.ptyreg.selectors.endless]\n{endless}\n{env}",
    ])  # fmt: skip


def environ(**more: str) -> dict[str, str]:
    names = ("PTYREG_", "PYTEST_", "DASK_")
    return {k: v for k, v in os.environ.items() if not k.startswith(names)} | more


class Cluster:
    """A project, a scheduler, and the workers that a test starts in it."""

    def __init__(self, folder: Path, *scheduler: str, **env: str) -> None:
        self.folder, self.root, self.env = folder, folder / "project", environ(**env)
        self.started = folder / "started"
        (self.root / "tests").mkdir(parents=True)
        (self.root / "tests/test_it.py").write_text(TESTS)
        (self.root / "pyproject.toml").write_text(declaration(self.started))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.file = folder / "scheduler.json"
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", *scheduler,
                   "--no-dashboard", "--scheduler-file", str(self.file))  # fmt: skip
        wait_until(self.file.exists)

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def start(self, *argv: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        log = (self.folder / f"log-{len(self.processes)}").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *argv], cwd=cwd or self.root, env=self.env,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def worker(self, *options: str, offers: str = "ptyreg=1", cwd: Path | None = None):
        """Start a worker and wait until the scheduler knows it."""
        known = self.folder / f"log-{len(self.processes)}"
        process = self.start(
            "worker", "--scheduler-file", str(self.file), "--no-nanny", "--no-dashboard",
            "--nthreads", "1", "--resources", offers, "--local-directory",
            str(self.folder / f"w{len(self.processes)}"), *options, cwd=cwd,
        )  # fmt: skip
        wait_until(lambda: b"Starting established connection" in known.read_bytes())
        return process

    def run(self, *names: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sphinx_ptyreg", "run", *names, "--executor", "dask",
             "--scheduler", self.address],
            cwd=self.root, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ran(self, *names: str) -> tuple[int, str]:
        process = self.run(*names)
        told, _ = process.communicate(timeout=120)
        return process.returncode, told

    def records(self) -> dict[str, list[RunRecord]]:
        project = load(self.root)
        store = Store(project.store, project.published)
        found = {name: [e.read() for e in store.entries(name)] for name in project.selectors}
        return {name: records for name, records in found.items() if records}

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def marked() -> list[psutil.Process]:
    """Return the living processes of the endless selector."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("MARK") == MARK and process.status() != "zombie":
                found.append(process)
    return found


def measures(worker: subprocess.Popen[bytes]) -> bool:
    """Whether a worker has begun to run a selector."""
    for child in psutil.Process(worker.pid).children():
        with contextlib.suppress(psutil.Error):
            if any("supervise" in part for part in child.cmdline()):
                return True
    return False


SIX = [f"s{n}" for n in range(6)]


def test_a_worker_is_killed_half_way_and_each_selector_is_recorded_once(cluster):
    first = cluster.worker(offers="ptyreg=1 gpu=1")
    cluster.worker(offers="ptyreg=1 gpu=1")
    process = cluster.run(*SIX)
    wait_until(lambda: len(cluster.records()) >= 2)
    wait_until(lambda: measures(first))
    first.kill()
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert "trying again" in told
    assert set(cluster.records()) == set(SIX)
    attempts = [record.attempt for [record] in cluster.records().values()]
    assert sorted(attempts) == [1, 1, 1, 1, 1, 2]


def test_a_selector_goes_where_its_resources_are_and_alone(cluster):
    cluster.worker("--nthreads", "4", offers="ptyreg=4")
    status, told = cluster.ran("s0", "s1", "s2", "s5")
    assert status == 3
    assert "s5: not measured: Expected a worker that offers ptyreg=1 gpu=1" in told
    spans = sorted(
        (start := datetime.fromisoformat(r.started).timestamp(), start + r.durations.wall)
        for [r] in cluster.records().values()
    )
    assert len(spans) == 3
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
    cluster.worker(offers="ptyreg=1 gpu=1", cwd=cluster.root)
    assert cluster.ran("s5")[0] == 0
    assert "s5" in cluster.records()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_cancelling_ends_what_runs_on_the_worker(cluster, number):
    cluster.worker()
    process = cluster.run("endless")
    wait_until(cluster.started.exists)
    assert marked()
    process.send_signal(number)
    process.communicate(timeout=30)
    wait_until(lambda: not marked(), 10)
    assert cluster.records() == {}
    assert cluster.ran("s0")[0] == 0  # the worker is free again


def test_when_the_scheduler_goes_the_command_says_so_and_nothing_is_left(cluster):
    cluster.worker()
    process = cluster.run("endless")
    wait_until(cluster.started.exists)
    cluster.processes[0].kill()
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Is the scheduler gone?" in told
    assert "Traceback" not in told
    wait_until(lambda: not marked(), 30)


def test_what_is_fresh_anywhere_is_not_asked_for_again(cluster):
    cluster.worker()
    assert cluster.ran("s0")[0] == 0
    status, told = cluster.ran("s0", "s1", "--if-needed", "--json")
    assert status == 0
    answer = json.loads(told[told.index("{\n" if "{\n" in told else "{") :])
    assert [len(one["records"]) for one in answer["selectors"]] == [0, 1]


def test_a_worker_with_other_files_refuses_by_name_and_another_one_measures(cluster):
    other = cluster.folder / "other"
    shutil.copytree(cluster.root, other)
    (other / "tests/test_it.py").write_text(TESTS + "\n# edited\n")
    cluster.worker(cwd=other)
    status, told = cluster.ran("s0")
    assert status == 3
    assert "refuses: its files differ (tests/test_it.py differs)" in told
    assert "s0: not measured: tcp://127.0.0.1" in told
    cluster.worker()
    status, told = cluster.ran("s0", "s1", "s2")
    assert status == 0, told
    assert set(cluster.records()) == {"s0", "s1", "s2"}


def test_the_late_result_of_a_worker_that_was_given_up_is_not_stored(tmp_path):
    made = Cluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="3s")
    try:
        zombie = made.worker()
        process = made.run("s0")
        wait_until(lambda: measures(zombie))
        zombie.send_signal(signal.SIGSTOP)
        made.worker()
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 0, told
        zombie.send_signal(signal.SIGCONT)  # its test has long ended: it answers now
        time.sleep(3)
        [record] = made.records()["s0"]
        assert record.attempt == 2
        assert "attempt 1 is lost" in told
    finally:
        made.close()


def test_certificates_come_from_dasks_own_configuration(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl is not installed")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
         "-out", certificate, "-days", "2", "-subj", "/CN=loopback"],
        check=True, capture_output=True,
    )  # fmt: skip
    prefix = "DASK_DISTRIBUTED__COMM__TLS__"
    files = {f"{prefix}CA_FILE": str(certificate)}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        files |= {f"{prefix}{role}__CERT": str(certificate), f"{prefix}{role}__KEY": str(key)}
    made = Cluster(tmp_path, "--protocol", "tls", **files)
    try:
        made.worker("--protocol", "tls")
        assert made.address.startswith("tls://")
        status, told = made.ran("s0")
        assert status == 0, told
        made.env = environ()  # a client without a certificate
        status, told = made.ran("s1")
        assert status == 3
        assert set(made.records()) == {"s0"}
        assert told.startswith("ptyreg: Expected certificates for tls://127.0.0.1:")
    finally:
        made.close()
