"""Whatever happens to a writer or to the disk, earlier records are whole and nothing is broken."""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

WRITER = Path(__file__).with_name("interrupted_writer.py")
REPLAY = {"PTYREG_MODE": "replay"}


@pytest.fixture
def measured(small):
    """A project with one run and a page that shows it."""
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    small.write("docs/index.rst", "Page\n====\n\n:ptyreg:value:`quick.outcome`\n")
    assert small.ptyreg("run").returncode == 0
    return small


def killed_after_each_call(small, *more):
    [entry] = small.entries()
    artifact = small.root / "artifact.txt"
    artifact.write_text("artifact")
    answer = subprocess.run(
        [sys.executable, str(WRITER), ".ptyreg", str(entry.path), str(artifact), *more],
        cwd=small.root, env=small.environ, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_a_writer_killed_after_any_system_call_breaks_nothing(measured, capsys):
    calls = killed_after_each_call(measured)
    assert calls[-1][0] == "end"
    assert [problems for _, problems in calls if problems] == []
    told = collections.Counter(name for name, _ in calls[:-1])
    assert {"open", "write", "half a write", "fsync", "chmod", "replace", "lock"} <= told.keys()
    assert told["fsync"] >= 4  # each file, and its folder after it
    with capsys.disabled():
        print(f"\nkilled after each of {len(calls) - 1} calls {dict(told)}: nothing broken or lost")


def test_the_test_above_sees_a_store_that_writes_in_place(measured):
    calls = killed_after_each_call(measured, "plain")
    assert [problems for _, problems in calls if problems]


def namespace(small, script):
    """Run a script of the shell where it may mount file systems of its own."""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("mounting needs root and unshare")
    return subprocess.run(
        ["unshare", "-m", "sh", "-ec", script], cwd=small.root,
        env=small.environ | {"PYTHON": sys.executable},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_full_disk_leaves_the_old_records_whole(measured, tmp_path):
    [entry] = measured.entries()
    kept = tmp_path / "kept"
    script = f"""
        cp -r .ptyreg {kept}
        mount -t tmpfs -o size=256k tmpfs .ptyreg
        cp -r {kept}/. .ptyreg
        head -c 1000000 /dev/zero > .ptyreg/filler || true
        "$PYTHON" -m sphinx_ptyreg.cli run && exit 9 || echo "status $?"
        find .ptyreg -name '.new-*'
        "$PYTHON" -m sphinx_ptyreg.cli status
        rm .ptyreg/filler
        "$PYTHON" -m sphinx_ptyreg.cli run
        ls .ptyreg/records/quick
    """
    answer = namespace(measured, script)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "status 3" in answer.stdout
    assert ".new-" not in answer.stdout
    assert "Expected the record of quick to be kept in ./.ptyreg" in answer.stderr
    assert "No space left on device" in answer.stderr
    assert "Traceback" not in answer.stderr
    records = [line for line in answer.stdout.splitlines() if line.endswith(".json")]
    assert entry.path.name in records
    assert len(records) == 2


def test_a_read_only_store_replays_and_is_required_and_says_why_it_cannot_run(measured):
    script = """
        mount --bind .ptyreg .ptyreg
        mount -o remount,ro,bind .ptyreg
        "$PYTHON" -m sphinx_ptyreg.cli status
        PTYREG_MODE=replay "$PYTHON" -m sphinx -q -W docs out/replay
        PTYREG_MODE=require "$PYTHON" -m sphinx -q -W docs out/require
        PTYREG_MODE=auto "$PYTHON" -m sphinx -q -W docs out/auto
        "$PYTHON" -m sphinx_ptyreg.cli run || echo "run: $?"
    """
    answer = namespace(measured, script)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "run: 3" in answer.stdout
    assert "Read-only file system" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "passed" in (measured.root / "out/require/index.html").read_text()


@pytest.mark.parametrize("name", ["mkstemp", "open"])
def test_a_store_that_refuses_says_so(measured, monkeypatch, name):
    from sphinx_ptyreg.config import load
    from sphinx_ptyreg.ensure import record_now
    from sphinx_ptyreg.errors import InfrastructureError

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    project = load(measured.root)
    if name == "mkstemp":
        monkeypatch.setattr("sphinx_ptyreg.store.tempfile.mkstemp", refuse)
    else:
        monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(InfrastructureError, match="Permission denied"):
        record_now(project, project.selectors["quick"], measured.store)
    assert len(measured.entries()) == 1
    assert measured.record().outcome == "passed"


def test_a_clock_set_back_neither_hides_nor_repeats_a_run(measured):
    [first] = measured.entries()
    text = first.path.read_text()
    year = time.gmtime().tm_year
    ahead = text.replace(f'"{year}-', f'"{year + 1}-')
    # The first run was made by a clock that was a year ahead, and so were all files.
    from sphinx_ptyreg.record import decode

    first.path.unlink()
    future = measured.store.local.add(decode(ahead.encode(), where="future"))
    later = time.time() + 365 * 86400
    for file in measured.root.glob("*.py"):
        os.utime(file, (later, later))
    assert measured.ptyreg("run", "--if-needed").stdout.endswith(b"fresh, not run\n")
    measured.write("test_quick.py", "def test_quick(ptyreg):\n    ptyreg.metric('answer', 2)\n")
    os.utime(measured.root / "test_quick.py", (later, later))
    assert measured.ptyreg("run").returncode == 0  # and not 'changed while it ran'
    assert measured.entries()[-1].path == future  # by the clock alone it would be the newest
    answer = measured.ptyreg("status")
    assert answer.returncode == 0, answer.stdout
    assert b"fresh" in answer.stdout
    build = measured.run("-m", "sphinx", "-q", "-W", "docs", "out", env=REPLAY)
    assert build.returncode == 0, build.stdout
