"""How a command may be typed, and what becomes of it when it cannot be, or cannot be printed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from sphinx_ptyreg.cli.layout import laid_out, text_of
from sphinx_ptyreg.record import Outcome


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rnu"], "Expected a command first, but got 'rnu'. Did you mean run?"),
        (["--json", "status"], "Expected a command first, but got '--json'. See: ptyreg --help"),
        (["export", "jsn", "x"], "Expected a known format, but got 'jsn'. Did you mean json?"),
        (["export"], "Expected FORMAT, DIR, but got nothing."),
        (["status", "--jsn"], "option of ptyreg status, but got '--jsn'. Did you mean --json?"),
        (["check", "--format", "githup"], "known format, but got 'githup'. Did you mean github?"),
        (["show", "a", "b"], "Expected no further argument of ptyreg show, but got 'b'."),
        (["run", "--repeats"], "Expected a value of --repeats, but got none."),
        (["run", "--repeats", "x"], "--repeats: Expected a number of runs from 1 to 1000"),
        (["show", "quik"], "Did you mean quick?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_was_meant(measured, ptyreg, arguments, told):
    status, out, err = ptyreg(*arguments)
    assert status == 2
    assert out == "" or "--json" in arguments
    assert told in err
    assert "Traceback" not in err
    status, out, err = ptyreg(*arguments, "--json")
    answer = json.loads(out)
    assert answer["exit_status"] == 2
    assert told in answer["error"] or arguments[0] == "--json"
    assert answer["error"] in err


@pytest.mark.parametrize(
    "arguments",
    [["freeze", "--json", "1.0", "quick"], ["freeze", "1.0", "--json", "quick"],
     ["freeze", "1.0", "quick", "--json"], ["freeze", "--root", ".", "1.0", "--json", "quick"]],
)  # fmt: skip
def test_options_may_stand_anywhere(measured, ptyreg, arguments):
    status, out, err = ptyreg(*arguments)
    assert status == 0, err
    assert json.loads(out)["version"] == "1.0"


def test_a_page_and_a_name_are_told_apart(measured, ptyreg):
    page = measured.write("other/page.md", "{ptyreg:claim}`quick.duration.max <= 90 s`\n")
    more = measured.write("other/more.md", "{ptyreg:claim}`quick.duration.min > 0 s`\n")
    status, out, err = ptyreg("check", "--pages", str(page), "--pages", str(more), "quick")
    assert (status, err) == (0, "")
    assert "2 hold" in out


def test_what_follows_two_dashes_is_no_option(measured, ptyreg):
    assert "got '-x'" in ptyreg("show", "--", "-x")[2]


def test_help_and_version_are_still_there(measured, ptyreg):
    assert ptyreg("--help")[0] == 0
    assert "what each command writes" in ptyreg("--help")[1]
    assert "--repeats" in ptyreg("run", "--help")[1]
    assert ptyreg("--version")[1].startswith("ptyreg ")


def command(folder, *arguments, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "sphinx_ptyreg", *arguments], cwd=folder.root,
        env=folder.environ(PTYREG_CLASS="laptop"), stderr=subprocess.PIPE, text=True, **kwargs,
    )  # fmt: skip


@pytest.mark.parametrize("closed", ["pipe", "descriptor"])
def test_a_run_is_recorded_although_nobody_reads_of_it(project, closed):
    if closed == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        done = command(project, "run", "quick", stdout=writing)
        os.close(writing)
    else:
        done = command(project, "run", "quick", preexec_fn=lambda: os.close(1))
    err = done.communicate(timeout=60)[1]
    assert done.returncode == 0, err
    assert "BrokenPipe" not in err
    assert project.runs == 1
    assert [record.outcome for record in project.records()] == ["passed"]


def test_a_closed_pipe_does_not_turn_a_verdict_into_a_pass(measured):
    measured.write("src.py", "ANSWER = 43\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = command(measured, "check", stdout=writing)
    os.close(writing)
    err = done.communicate(timeout=60)[1]
    assert done.returncode == 1
    assert err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["export", "json", "-"]])
def test_an_answer_that_cannot_be_written_is_no_success(measured, arguments):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = command(measured, *arguments, stdout=full)
        err = done.communicate(timeout=60)[1]
    assert done.returncode == 3
    assert err == (
        "ptyreg: standard output: Expected to read and to write, but got: "
        "No space left on device.\n"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_run_is_recorded_on_a_full_disk_of_its_log(project):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = command(project, "run", "quick", stdout=full)
        done.communicate(timeout=60)
    assert done.returncode == 3
    assert len(project.records()) == 1


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (lambda root: (root / ".gitignore").mkdir(), ["init"]),
        (lambda root: (root / "docs/evidence").write_text(""), ["publish"]),
        (lambda root: (root / "docs/evidence").write_text(""), ["freeze", "1.0"]),
        (lambda root: (root / ".ptyreg").rename(root / "x") and (root / ".ptyreg").write_text(""),
         ["import", "quick", "a.log", "--started", "2025-01-01"]),
        (lambda root: (root / ".ptyreg").rename(root / "x") and (root / ".ptyreg").write_text(""),
         ["run", "quick"]),
    ],
    ids=["init", "publish", "freeze", "import", "run"],
)  # fmt: skip
def test_a_file_of_the_wrong_kind_is_no_verdict(measured, ptyreg, make, arguments):
    measured.write("a.log", "1 passed in 1.00s\n")
    make(measured.root)
    status, out, err = ptyreg(*arguments, "--json")
    assert status == 3, err
    assert json.loads(out)["exit_status"] == 3
    assert "Traceback" not in err


def test_a_mistake_of_ours_is_no_verdict(measured, ptyreg, monkeypatch):
    monkeypatch.setattr("sphinx_ptyreg.cli.status.Evidence", lambda *_: 1 / 0)
    status, out, err = ptyreg("status", "--json")
    assert status == 3
    assert json.loads(out)["error"].startswith("ZeroDivisionError in sphinx-ptyreg ")
    assert "Traceback" in err


def test_an_interrupted_run_answers_in_json(project):
    project.write("tests/test_quick.py", "import time\n\ndef test_quick():\n    time.sleep(60)\n")
    done = command(project, "run", "quick", "--json", stdout=subprocess.PIPE)
    line = done.stderr.readline()
    assert "running" in line
    time.sleep(1)
    done.send_signal(signal.SIGINT)
    out, _ = done.communicate(timeout=60)
    assert done.returncode == 130
    answer = json.loads(out)
    assert (answer["error"], answer["exit_status"]) == ("interrupted", 130)


def test_a_bad_class_is_told_before_the_run(project):
    done = project.cli("run", "quick", env={"PTYREG_CLASS": "a b"})
    assert done.returncode == 2
    assert "PTYREG_CLASS: Expected a name of letters" in done.stderr
    assert project.runs == 0


def test_a_record_that_cannot_be_read_is_infrastructure(measured, ptyreg):
    entry = measured.store.entries("quick")[0]
    entry.path.write_bytes(b"{")
    status, out, _ = ptyreg("status")
    assert status == 3
    assert f"! {entry.name}: Expected the content" in out
    measured.seed(outcome=Outcome.FAILED, started="2030-01-01T00:00:00.000000Z")
    assert ptyreg("status")[0] == 1  # a verdict comes first


ROWS = [
    ("pass", "quick.duration", "1.25 s"), ("fail", "quick." + "x" * 40, "no data"),
    ("command", " ".join(["python -m pytest"] * 6)), ("", "- a reason of " + "y" * 50, ""),
]  # fmt: skip


@pytest.mark.parametrize("room", [12, 24, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(room):
    lines = ["".join(map(text_of, line)) for line in laid_out(ROWS, room)]
    assert all(len(line) <= room for line in lines), lines
    told = "".join("".join(lines).split())
    assert told == "".join("".join(map(text_of, row)) for row in ROWS).replace(" ", "")


def test_without_a_terminal_nothing_is_folded(measured, ptyreg, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    out = ptyreg("show", "quick")[1]
    assert any(len(line) > 60 for line in out.splitlines())
