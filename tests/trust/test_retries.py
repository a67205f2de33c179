"""Another try is for the machinery's faults, never to turn a failing test green."""

from __future__ import annotations

import time

from sphinx_ptyreg.config import load
from sphinx_ptyreg.declared import Mode
from sphinx_ptyreg.ensure import ensure


def declared(small, more):
    file = small.root / "pyproject.toml"
    file.write_text(file.read_text() + more + "\n")
    return load(small.root)


FIRST_TIME = """
import os, signal, time
from pathlib import Path

def test_quick():
    first = not Path("tried").exists()
    Path("tried").write_text("")
    if first:
        {fault}
"""


def test_a_killed_supervisor_is_tried_again(small):
    declared(small, "retries = 1")
    fault = "os.kill(os.getppid(), signal.SIGKILL); time.sleep(30)"
    small.write("test_quick.py", FIRST_TIME.format(fault=fault))
    assert small.ptyreg("run").returncode == 0
    records = [entry.read() for entry in small.entries()]
    assert [(r.outcome, r.attempt) for r in records] == [("crashed", 1), ("passed", 2)]
    assert records[0].reason.startswith("the supervisor of the run was killed")


def test_a_timeout_is_tried_again(small):
    declared(small, "retries = 1\ntimeout = 2")
    small.write("test_quick.py", FIRST_TIME.format(fault="time.sleep(30)"))
    small.ptyreg("run")
    records = [entry.read() for entry in small.entries()]
    assert [(r.outcome, r.attempt) for r in records] == [("timeout", 1), ("passed", 2)]


def test_a_failing_test_is_not(small):
    declared(small, "retries = 3")
    small.write("test_quick.py", FIRST_TIME.format(fault="assert False"))
    assert small.ptyreg("run").returncode == 1
    assert [entry.outcome for entry in small.entries()] == ["failed"]


def test_neither_is_a_test_that_kills_its_own_process(small):
    declared(small, "retries = 3")
    fault = "os.kill(os.getpid(), signal.SIGKILL)"
    small.write("test_quick.py", FIRST_TIME.format(fault=fault))
    assert small.ptyreg("run").returncode == 1
    assert [entry.read().reason[:16] for entry in small.entries()] == ["ended by SIGKILL"]


def test_a_build_has_a_deadline_of_its_own(small):
    more = '\n[tool.ptyreg.selectors.second]\nnodeids = ["test_quick.py"]'
    project = declared(small, "retries = 3" + more)
    small.write("test_quick.py", "import time\n\ndef test_quick():\n    time.sleep(60)\n")
    start = time.monotonic()
    ensured = ensure(project, small.store, Mode.AUTO, deadline=start + 2)
    assert time.monotonic() - start < 10
    assert [record.outcome for record in ensured.records["quick"]] == ["timeout"]
    assert [(n.selector, n.text) for n in ensured.notices] == [
        ("second", "not run here: the time of this build is used up")
    ]
