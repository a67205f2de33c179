"""``ptyreg gc``: what can go is listed first, and what is cited, kept or being written stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import msgspec
import pytest

from sphinx_ptyreg.record import Commit


@pytest.fixture
def older(remeasured):
    """Five real runs, and two before them whose inputs nothing has any more."""
    first = remeasured.records()[0]
    inputs = msgspec.structs.replace(first.inputs, files={"src.py": "0" * 64})
    for second in range(2):
        remeasured.store.local.add(msgspec.structs.replace(
            first, started=f"2026-01-02T03:04:0{second}.000000Z", inputs=inputs))  # fmt: skip
    return remeasured


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


def test_a_dry_run_lists_and_delete_removes_exactly_that(older, ptyreg):
    before = files(older)
    listed = {f["path"] for f in json.loads(ptyreg("gc", "--keep", "2", "--json")[1])["files"]}
    assert files(older) == before
    old = {entry.path.name for entry in older.store.entries("quick")[:2]}
    assert {path.rpartition("/")[2] for path in listed} == old
    status, out, _ = ptyreg("gc", "--keep", "2", "--delete")
    assert status == 0
    assert all(path in out for path in listed)
    assert before - files(older) == listed
    assert ptyreg("check")[0] == 0
    for record in older.records():  # what is left is whole
        assert all(older.store.artifact(a) for a in record.artifacts.values())


def test_what_a_page_shows_stays_however_little_is_kept(older, ptyreg):
    ptyreg("gc", "--keep", "1", "--delete")
    assert len(older.records()) == 5  # the current sample set, and the one before it


PAGES = {
    "an id": "see {id}",
    "an id in a list": "- `{id}`\n",
    "a commit": "```{{ptyreg:compare}} quick\n:left: {commit}\n```\n",
    "a date": "::: {{ptyreg:compare}} quick\n:right: 2026-01-02\n:::\n",
    "in yaml": '```{{ptyreg:compare}} quick\n---\nleft: "{commit}"\n---\n```\n',
    "rest": ".. ptyreg:compare:: quick\n   :left: {commit}\n",
    "an alias": "```{{ptyreg:compare}} swift\n:left: {commit}\n```\n",
    "two in a row": ":::{{ptyreg:compare}} quick\n:left: {commit}\n:::\n"
    ":::{{ptyreg:compare}} quick\n:left: latest\n:::\n",
    "history": "```{{ptyreg:history}} quick.duration\n```\n",
    "long history": "```{{ptyreg:history}} quick.duration\n:limit: 7\n```\n",
    "ledger": "```{{ptyreg:ledger}} quick\n```\n",
    "a notebook": '{{"cells": [{{"source": ["```{{ptyreg:ledger}} quick\\n", "```"]}}]}}',
}
FILES = {"a notebook": "docs/a.ipynb"}


@pytest.mark.parametrize("place", ["docs/more.md", "docs/_parts/more.md", "README.md",
                                   "src/pkg.py", "docs/.hidden/more.txt"])  # fmt: skip
def test_a_text_anywhere_keeps_the_record_that_it_names(older, ptyreg, place):
    older.write(place, f"see {older.records()[0].id}")
    ptyreg("gc", "--keep", "2", "--delete")
    assert [r.started[:19] for r in older.records()[:1]] == ["2026-01-02T03:04:00"]
    assert len(older.records()) == 6  # the other one of the two is named by nobody


@pytest.mark.parametrize("how", sorted(PAGES))
def test_what_any_page_shows_of_earlier_runs_stays(older, ptyreg, how):
    for entry in older.store.entries("quick")[:2]:
        record = msgspec.structs.replace(entry.read(), commit=Commit(id="c0ffee" * 6, dirty=False))
        entry.path.unlink()
        older.store.local.add(record)
    before = older.records()
    text = PAGES[how].format(id=before[0].id, commit="c0ffee")
    older.write(FILES.get(how, "docs/_parts/more.md"), text)
    ptyreg("gc", "--keep", "2", "--delete")
    left = {record.id for record in older.records()}
    assert before[0].id in left
    assert len(left) == (6 if how.startswith("an id") else 7)


def test_a_short_history_keeps_no_more_than_it_shows(older, ptyreg):
    older.write("docs/more.md", "```{ptyreg:ledger} quick\n:limit: 6\n```\n")
    ptyreg("gc", "--keep", "1", "--delete")
    assert len(older.records()) == 6


def test_pages_elsewhere_are_read_when_they_are_named(older, ptyreg, tmp_path):
    page = tmp_path / "site" / "_parts" / "more.md"
    page.parent.mkdir(parents=True)
    page.write_text("```{ptyreg:ledger} quick\n```\n")
    assert ptyreg("gc", "--pages", "nowhere")[0] == 3
    ptyreg("gc", "--keep", "1", "--delete", "--pages", str(tmp_path / "site"))
    assert len(older.records()) == 7


def test_the_records_of_a_renamed_selector_are_kept_and_removed_alike(older, ptyreg):
    declared = (older.root / "pyproject.toml").read_text()
    older.write("pyproject.toml", declared.replace("selectors.quick", "selectors.nimble").replace(
        'aliases = ["swift"]', 'aliases = ["quick"]'))  # fmt: skip
    ptyreg("gc", "--keep", "2", "--delete")
    assert len(older.records("quick")) == 5


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
