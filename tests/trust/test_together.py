"""Many builds at once on one store: one of them runs, the others take what it recorded."""

from __future__ import annotations

import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.ensure import record_now

COUNTING = """
import os
from pathlib import Path

def test_quick():
    handle = os.open(os.environ["RAN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, b"x")
    os.close(handle)
    assert Path("src.txt").read_text() != "bad"
"""

BUILDS = 20


@pytest.fixture
def counted(small, tmp_path):
    """A selector that counts its runs outside the project, and a page."""
    ran = tmp_path / "ran"
    small.write("test_quick.py", COUNTING)
    small.write("src.txt", "good")
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    small.write("docs/index.rst", "Page\n====\n\n:ptyreg:value:`quick.outcome`\n")
    file = small.root / "pyproject.toml"
    file.write_text(file.read_text() + f'env = {{ RAN = "{ran}" }}\n')
    small.runs = lambda: len(ran.read_text()) if ran.exists() else 0
    return small


def build_all(small):
    builds = [
        small.start("-m", "sphinx", "-q", "docs", f"out/{number}") for number in range(BUILDS)
    ]
    return [(build.communicate(timeout=200)[0], build.returncode) for build in builds]


def test_twenty_builds_at_once_run_once_when_failing_and_when_stale(counted):
    counted.write("src.txt", "bad")
    answers = build_all(counted)
    assert counted.runs() == 1  # the waiters did not try the failing test again
    assert any(code for _, code in answers)
    counted.write("src.txt", "good")
    answers += (healed := build_all(counted))
    assert counted.runs() == 2
    assert [code for _, code in healed] == [0] * BUILDS
    assert not [told for told, _ in answers if b"Traceback" in told]


def test_a_waiter_takes_what_was_recorded_while_it_waited(small, monkeypatch):
    from sphinx_ptyreg import ensure

    project = load(small.root)
    selector = project.selectors["quick"]
    ran = []

    class Lock:
        def __init__(self, path):
            pass

        def acquire(self):
            return self

        def __enter__(self):
            monkeypatch.setattr("filelock.FileLock", original)
            ran.extend(record_now(project, selector, small.store, force=False))

        def __exit__(self, *_):
            pass

    import filelock

    original = filelock.FileLock
    monkeypatch.setattr("filelock.FileLock", Lock)
    taken = ensure.record_now(project, selector, small.store, force=False)
    assert [record.id for record in taken] == [record.id for record in ran]
    assert len(small.entries()) == 1


def test_a_run_by_command_runs_each_time(counted):
    runs = [counted.start("-m", "sphinx_ptyreg.cli", "run") for _ in range(3)]
    for run in runs:
        run.communicate(timeout=60)
        assert run.returncode == 0
    assert counted.runs() == 3
    assert len(counted.entries()) == 3
