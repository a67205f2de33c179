"""Runs that end well and prove nothing: none of them is a measurement."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from sphinx_ptyreg.record import Outcome

HEAD = "import os, pytest\n"
ENDS_EARLY = {
    "os._exit": "def test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): assert 0\n",
    "pytest.exit": "def test_a(): pass\ndef test_b(): pytest.exit('x', returncode=0)\n",
}


@pytest.mark.parametrize("name", ENDS_EARLY)
@pytest.mark.parametrize("declared", ['nodeids = ["test_q.py"]', 'markers = "not slow"'])
def test_a_session_that_ends_early_is_interrupted(make_project, name, declared):
    project = make_project(declared)
    project.write("test_q.py", HEAD + ENDS_EARLY[name])
    record = project.run()
    assert record.outcome is Outcome.INTERRUPTED
    assert "test_b" in record.reason


TWO = 'nodeids = ["test_q.py::test_a", "test_q.py::test_b"]\n'
FILES = 'nodeids = ["test_q.py", "test_r.py"]\n'
PASSING = "import pytest\ndef test_a(): pass\ndef test_b(): pass\n"
FLAKY = """
import pytest
n = []
@pytest.mark.flaky(reruns=2)
def test_a():
    n.append(1)
    assert len(n) > 1
"""
MISSED = {
    "deselected": (
        TWO + '[tool.pytest.ini_options]\naddopts = "-k test_a"', PASSING, "",
        Outcome.NOT_COLLECTED, "test_q.py::test_b",
    ),
    "removed by a conftest.py": (
        TWO, PASSING, "def pytest_collection_modifyitems(items): del items[1:]\n",
        Outcome.NOT_COLLECTED, "test_q.py::test_b",
    ),
    "skipped as a file": (
        FILES, PASSING, "", Outcome.SKIPPED, "test_r.py",
    ),
    "only set up": (
        '[tool.pytest.ini_options]\naddopts = "--setup-only"', "def test_a(): assert 0\n", "",
        Outcome.NOT_MEASURED, "test_q.py::test_a",
    ),
    "run again until it passed": (
        "", FLAKY, "", Outcome.NOT_MEASURED, "run again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSED)
def test_what_did_not_run_is_no_measurement(make_project, name):
    declared, test, conftest, outcome, reason = MISSED[name]
    project = make_project(declared)
    project.write("test_q.py", test)
    project.write("test_r.py", "import pytest\npytest.importorskip('no_such_module')\n")
    project.write("conftest.py", conftest)
    record = project.run()
    assert (record.outcome, reason in record.reason) == (outcome, True), record.reason


def test_node_ids_are_the_projects_own_wherever_pytest_has_its_root(make_project):
    project = make_project('nodeids = ["tests/test_q.py::test_a", "tests/test_q.py::test_b"]')
    project.write(
        "tests/test_q.py", "import pytest\n" + PASSING.replace("b():", "b(): pytest.skip()#")
    )
    project.write("tests/pytest.ini", "[pytest]\n")
    record = project.run()
    assert [test.nodeid for test in record.tests] == [
        "tests/test_q.py::test_a", "tests/test_q.py::test_b",
    ]  # fmt: skip
    assert (record.outcome, record.reason) == (Outcome.SKIPPED, "tests/test_q.py::test_b")


def test_a_warm_up_that_fails_is_told(make_project):
    project = make_project("warmup = 1")
    project.write("test_q.py", "def test_a(): pass\n")
    assert project.run().outcome is Outcome.PASSED
    project.write("test_q.py", "def test_a(): assert 0\n")
    assert project.run().warmup
    failure = project.evidence.failure
    assert failure is not None
    assert failure.outcome is Outcome.FAILED


def test_options_for_what_failed_last_do_not_decide_what_runs(make_project):
    project = make_project('[tool.pytest.ini_options]\naddopts = "--lf --ff"')
    project.write("test_q.py", PASSING)
    assert project.run().outcome is Outcome.PASSED
    assert len(project.run().tests) == 2
    assert not (project.root / ".pytest_cache").exists()


def test_old_code_is_not_measured_under_a_new_digest(make_project):
    project = make_project()
    project.write("test_q.py", "import mod\ndef test_q(ptyreg): ptyreg.metric('x', mod.X)\n")
    module = project.write("mod.py", "X = 1\n")
    os.utime(module, (1_700_000_000, 1_700_000_000))
    assert project.run().metrics["x"].value == 1
    project.write("mod.py", "X = 2\n")
    os.utime(module, (1_700_000_000, 1_700_000_000))
    assert project.stale()
    time.sleep(0.02)
    assert project.run().metrics["x"].value == 2


MEANWHILE = {
    "a file that was not there appears": (
        "os.path.exists('data/new.txt')", "open('data/new.txt', 'w').close()", "data/new.txt",
    ),
    "a folder that was listed grows": (
        "os.listdir('data')", "open('data/more.txt', 'w').close()", "data/more.txt",
    ),
    "settings of pytest": (
        "pass", "open('pyproject.toml', 'a').write('[tool.pytest.ini_options]\\n')",
        "pyproject.toml",
    ),
    "pins": (
        "pass", "open('constraints.txt', 'w').write('babel==1')", "what is pinned",
    ),
    "another folder in a folder's place": (
        "open('data/s.txt').read()",
        "os.rename('data', 'aside'); os.rename('other', 'data')", "data",
    ),
    "another target of a link": (
        "open('link').read()", "os.unlink('link'); os.symlink('other/s.txt', 'link')", "link",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANWHILE)
def test_what_changes_while_it_runs_spoils_the_measurement(make_project, name):
    read, change, told = MEANWHILE[name]
    project = make_project()
    for folder in ("data", "other"):
        project.write(f"{folder}/s.txt", folder)
    (project.root / "link").symlink_to("data/s.txt")
    # A process that is no descendant of the run: it was started before.
    project.write(
        "meddle.py",
        f"import os, sys, time\nwhile not os.path.exists('../go'): time.sleep(0.01)\n{change}\n"
        "os.unlink('../go')\n",
    )
    project.write(
        "test_q.py",
        f"import os, time\ndef test_q():\n    {read}\n    os.close(os.open('../go', os.O_CREAT))\n"
        "    while os.path.exists('../go'): time.sleep(0.01)\n",
    )
    time.sleep(0.05)
    meddler = subprocess.Popen([sys.executable, "meddle.py"], cwd=project.root)
    try:
        record = project.run()
    finally:
        meddler.wait(10)
    assert record.outcome is Outcome.NOT_MEASURED
    assert record.reason.startswith(f"{told} changed while it ran"), record.reason
