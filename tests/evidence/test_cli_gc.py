"""``ptyreg gc``: what can go is listed first, and what is cited, kept or being written stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest


def files(project):
    return {
        f.relative_to(project.root).as_posix()
        for folder in (".ptyreg", "docs/evidence")
        for f in (project.root / folder).rglob("*")
        if f.is_file() and "locks" not in f.parts and "cache" not in f.parts
    }


def test_nothing_goes_by_default(remeasured, ptyreg):
    before = files(remeasured)
    status, out, _ = ptyreg("gc")
    assert status == 0
    assert out == "0 files, 0 B would be removed with --delete\n"
    assert ptyreg("gc", "--delete")[0] == 0
    assert files(remeasured) == before


def test_a_dry_run_lists_and_delete_removes_exactly_that(remeasured, ptyreg):
    before = files(remeasured)
    listed = {f["path"] for f in json.loads(ptyreg("gc", "--keep", "2", "--json")[1])["files"]}
    assert files(remeasured) == before
    old = {entry.path.name for entry in remeasured.store.entries("quick")[:3]}
    assert {path.rpartition("/")[2] for path in listed} >= old
    status, out, _ = ptyreg("gc", "--keep", "2", "--delete")
    assert status == 0
    assert all(path in out for path in listed)
    assert before - files(remeasured) == listed
    assert ptyreg("check")[0] == 0
    for record in remeasured.records():  # what is left is whole
        assert all(remeasured.store.artifact(a) for a in record.artifacts.values())


def test_what_a_page_shows_stays_however_little_is_kept(remeasured, ptyreg):
    ptyreg("gc", "--keep", "1", "--delete")
    assert len(remeasured.records()) == 2  # the current sample set is cited


def test_published_and_frozen_records_stay(measured, ptyreg):
    ptyreg("publish")
    ptyreg("freeze", "1.0")
    measured.write("src.py", "ANSWER = 43\n")
    ptyreg("run")
    ptyreg("gc", "--keep", "1", "--delete")
    assert len(measured.records()) == 4


def test_a_frozen_record_that_is_not_published_stays(measured, ptyreg):
    ptyreg("freeze", "1.0")
    measured.write("src.py", "ANSWER = 43\n")
    ptyreg("run")
    ptyreg("gc", "--keep", "1", "--delete")
    assert len(measured.records()) == 4


def test_a_record_that_a_page_names_stays(remeasured, ptyreg):
    before = remeasured.records()
    first = before[0]
    remeasured.write("docs/more.md", f"```{{ptyreg:compare}} quick\n:left: {first.id}\n```\n")
    ptyreg("gc", "--keep", "2", "--delete")
    left = remeasured.records()
    assert first.id in {record.id for record in left}
    second = first.started[: len("2026-11-23T15:45:10")]  # a page names a record to its second
    assert [r.id for r in left[:-2]] == [r.id for r in before[:-2] if r.started.startswith(second)]


def test_the_newest_of_each_machine_class_stays(remeasured, ptyreg, monkeypatch):
    monkeypatch.setenv("PTYREG_CLASS", "gpu-node")
    ptyreg("run")
    ptyreg("gc", "--keep", "1", "--delete")
    assert {record.machine_class for record in remeasured.records()} == {"laptop", "gpu-node"}


def test_an_artifact_that_no_record_names_goes(measured, ptyreg):
    orphan = measured.write(".ptyreg/artifacts/" + "a" * 64 + ".txt", "nobody's")
    assert ptyreg("gc")[1].startswith(".ptyreg/artifacts/aaaa")
    ptyreg("gc", "--delete")
    assert not orphan.exists()
    assert ptyreg("gc")[1].startswith("0 files")


def test_no_artifact_goes_while_a_record_cannot_be_read(measured, ptyreg):
    orphan = measured.write(".ptyreg/artifacts/" + "a" * 64 + ".txt", "nobody's")
    path = measured.store.entries("quick")[0].path
    path.write_bytes(b"{")
    _, out, _ = ptyreg("gc", "--delete")
    assert f"cannot be read, so every artifact stays: {path.name}" in out
    assert orphan.exists()


def test_what_a_killed_process_left_goes_after_an_hour(measured, ptyreg):
    old = measured.write(".ptyreg/records/quick/.new-abc", "half")
    young = measured.write(".ptyreg/records/quick/.new-def", "half")
    past = time.time() - 7200
    os.utime(old, (past, past))
    ptyreg("gc", "--delete")
    assert not old.exists()
    assert young.exists()


def test_nothing_is_removed_while_a_selector_runs(measured, ptyreg):
    orphan = measured.write(".ptyreg/artifacts/" + "a" * 64 + ".txt", "nobody's")
    hold = (
        "import sys; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    lock = measured.root / ".ptyreg/locks/quick.lock"
    with subprocess.Popen(
        [sys.executable, "-c", hold, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        status, _, err = ptyreg("gc", "--delete")
        holder.stdin.close()
    assert status == 3
    assert "Expected no run while files are removed" in err
    assert orphan.exists()


@pytest.mark.parametrize("keep", ["0", "-1", "x"])
def test_a_wrong_number_is_status_2(measured, ptyreg, keep):
    assert ptyreg("gc", f"--keep={keep}")[0] == 2
