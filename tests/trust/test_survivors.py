"""However a build ends, nothing that it started lives on, also what hides in its own session."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs are for Linux and macOS")

#: The test starts a child, which starts a grandchild in a session of its own; all are deaf.
DEAF = """
import os, signal, subprocess, sys, time

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
deeper = int(sys.argv[1])
if deeper:
    subprocess.Popen([sys.executable, __file__, str(deeper - 1)], start_new_session=True)
else:
    open(os.environ["STARTED"], "w").close()
while True:
    time.sleep(0.001)
"""

TEST = """
import signal, subprocess, sys, time

def test_quick():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "deaf.py", "1"])
    while True:
        time.sleep(0.001)
"""


@pytest.fixture
def busy(small, tmp_path):
    """A selector that never ends; every process of it carries a mark of ours."""
    small.mark, small.started = uuid.uuid4().hex, tmp_path / "started"
    small.write("deaf.py", DEAF)
    small.write("test_quick.py", TEST)
    file = small.root / "pyproject.toml"
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    small.write("docs/index.rst", "Page\n====\n")
    env = f'env = {{ MARK = "{small.mark}", STARTED = "{small.started}" }}\n'
    file.write_text(file.read_text() + env)
    yield small
    for process in marked(small.mark):
        process.kill()


def marked(mark: str) -> list[psutil.Process]:
    """Return the living processes that carry the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == mark and process.status() != "zombie":
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_for_grandchild(small, process) -> None:
    deadline = time.monotonic() + 60
    while not small.started.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(marked(small.mark)) >= 3  # the test, its child, its grandchild


def assert_no_survivors(small) -> None:
    deadline = time.monotonic() + 5
    while alive := marked(small.mark):
        assert time.monotonic() < deadline, [process.cmdline() for process in alive]
        time.sleep(0.05)


BUILD = ("-m", "sphinx", "docs", "out")
RUN = ("-m", "sphinx_ptyreg.cli", "run")


@pytest.mark.parametrize("command", [BUILD, RUN], ids=["sphinx-build", "ptyreg run"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_survives_the_end_of(busy, command, number):
    process = busy.start(*command)
    wait_for_grandchild(busy, process)
    os.kill(process.pid, number)
    assert_no_survivors(busy)
    process.communicate(timeout=20)
    assert process.returncode != 0
    if number == signal.SIGINT:
        assert process.returncode in {2, 130}


def test_nothing_survives_the_supervisor_and_it_is_no_fault_of_the_test(busy):
    process = busy.start(*RUN)
    wait_for_grandchild(busy, process)
    for child in psutil.Process(process.pid).children():
        if any("supervise" in part for part in child.cmdline()):
            child.kill()
            break
    else:
        pytest.fail("there is no supervisor")
    assert_no_survivors(busy)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert busy.record().outcome == "crashed"
    assert "supervisor" in busy.record().reason


def test_nothing_survives_a_timeout(busy):
    file = busy.root / "pyproject.toml"
    file.write_text(file.read_text() + "timeout = 3\n")
    process = busy.start(*RUN)
    wait_for_grandchild(busy, process)
    process.communicate(timeout=20)
    assert_no_survivors(busy)
    assert busy.record().outcome == "timeout"


def test_what_a_finished_test_leaves_behind_is_ended(busy):
    busy.write(
        "test_quick.py",
        """
        import os, subprocess, sys, time

        def test_quick():
            subprocess.Popen([sys.executable, "deaf.py", "1"])
            while not os.path.exists(os.environ["STARTED"]):
                time.sleep(0.01)
        """,
    )
    process = busy.start(*RUN)
    process.communicate(timeout=60)
    assert_no_survivors(busy)
    assert process.returncode == 0
    assert busy.record().outcome == "passed"


def test_what_a_killed_run_left_behind_is_removed_by_the_next(small, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {"TMPDIR": str(scratch)}
    small.write("test_quick.py", "import time\n\ndef test_quick():\n    time.sleep(60)\n")
    command = small.start("-m", "sphinx_ptyreg.cli", "run", env=env)
    deadline = time.monotonic() + 30
    while not any(scratch.glob("ptyreg-*-quick.*/output.log")):
        assert time.monotonic() < deadline, "the run did not begin"
        time.sleep(0.05)
    command.kill()
    command.communicate()
    assert len(list(scratch.glob("ptyreg-*"))) == 1
    half = small.write(".ptyreg/records/quick/.new-half", "{")
    os.utime(half, (1, 1))
    young = small.write(".ptyreg/records/quick/.new-young", "{")
    other = scratch / "ptyreg-another-project"
    other.mkdir()
    small.write("test_quick.py", "def test_quick():\n    pass\n")
    assert small.ptyreg("run", env=env).returncode == 0
    assert list(scratch.glob("ptyreg-*")) == [other]
    assert young.exists()
    assert not half.exists()
