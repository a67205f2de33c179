"""``ptyreg show`` and ``ptyreg list`` on real runs."""

from __future__ import annotations

import json

import pytest

from sphinx_ptyreg.record import Outcome


def test_show_tells_a_selector_in_full(measured, ptyreg):
    status, out, err = ptyreg("show", "quick")
    assert (status, err) == (0, "")
    newest = measured.records()[-1]
    for told in (
        "quick  A quick test", "the answer is found in time", "laptop", newest.id,
        "Measured, n = 3", "stages.train", "0.73 s", "metrics.answer", "42.2 dB",
        "pass  at least 40 dB", "tests/test_quick.py::test_quick", "seed", "1234", "notes",
        "openblas", "exit code 0, attempt 1", newest.inputs.python,
    ):  # fmt: skip
        assert told in out, told
    duration = newest.durations.duration
    assert f"{duration:.2f} s" in out


def test_show_takes_an_alias_and_a_record_by_the_start_of_its_id(measured, ptyreg):
    assert ptyreg("show", "swift")[1] == ptyreg("show", "quick")[1]
    first = measured.records()[0]
    status, out, _ = ptyreg("show", first.id[:24])
    assert status == 0
    assert first.id in out


def test_show_of_an_unknown_name_or_record_is_status_2(measured, ptyreg):
    assert ptyreg("show", "quikc")[0] == 2
    status, _, err = ptyreg("show", "20200101T000000")
    assert status == 2
    assert "Expected the record to be a known one" in err
    for start in (measured.records()[0].id[:8], measured.records()[0].id[:4]):
        status, _, err = ptyreg("show", start)
        assert status == 2
        assert all(record.id in err for record in measured.records())


def test_of_many_records_that_begin_alike_a_few_are_named(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    for day in range(1, 8):
        project.seed(started=f"2026-05-{day:02d}T05:06:07.000000Z")
    status, _, err = ptyreg("show", "2026")
    assert status == 2
    assert "and 3 more" in err


def test_show_of_what_never_ran_says_how_to_run_it(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    assert ptyreg("show", "quick")[:2] == (1, "quick: never run. Run: ptyreg run quick\n")


def test_show_prefers_the_failure_to_an_old_measurement(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    project.seed()
    project.seed(started="2026-05-04T05:06:07.000000Z", outcome=Outcome.FAILED, reason="it broke",
                 output="E   assert 1 == 2")  # fmt: skip
    _, out, _ = ptyreg("show", "quick")
    assert "failed: it broke" in out
    assert "E   assert 1 == 2" in out


def test_show_json_is_the_record_of_the_schema(measured, ptyreg):
    status, out, _ = ptyreg("show", "quick", "--json")
    told = json.loads(out)
    assert status == 0
    assert told["record"]["metrics"]["answer"] == {"value": 42.173, "unit": "dB"}
    assert told["samples"] == [record.id for record in measured.records()]


EVIL = "\x1b[31mred\x1b[0m \x00\x07\u202ereversed \x9b2J"


@pytest.mark.parametrize("color", ["always", "never"])
@pytest.mark.parametrize("command", ["show", "list", "status"])
def test_no_escape_of_a_record_reaches_the_terminal(project, ptyreg, monkeypatch, color, command):
    monkeypatch.chdir(project.root)
    project.seed(output=EVIL, reason=EVIL, command=["python", EVIL], environment={"x": EVIL})
    _, out, _ = ptyreg(command, "quick", "--color", color)
    rest = out
    for code in ("32", "33", "31", "2", "1", "0"):
        rest = rest.replace(f"\x1b[{code}m", "")
    assert not {"\x1b", "\x00", "\x07", "\u202e", "\x9b"} & set(rest)
    assert "\x1b[31mred" not in out  # the text's own colour is gone, whatever ours are


def test_list_has_every_citable_path_with_its_value(measured, ptyreg):
    from sphinx_ptyreg.evidence import Evidence
    from sphinx_ptyreg.values import shown

    status, out, _ = ptyreg("list")
    own = Evidence(measured.load(), measured.store).selector("quick")
    rows = dict(line.split(None, 1) for line in out.splitlines() if len(line.split(None, 1)) == 2)
    assert status == 0
    for path, value in own.values.items():
        if shown(value):
            assert rows[f"quick.{path}"].startswith(shown(value)), path
    assert "artifact" in rows["quick.notes"]


def test_list_takes_the_beginning_of_a_path(measured, ptyreg):
    status, out, _ = ptyreg("list", "quick.stages")
    assert status == 0
    assert {line.split()[0].split(".")[1] for line in out.splitlines()} == {"stages"}
    status, _, err = ptyreg("list", "quick.durration")
    assert status == 2
    assert "Did you mean quick.duration" in err


def test_list_of_what_never_ran_has_what_is_declared(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    status, out, _ = ptyreg("list")
    assert status == 0
    assert "never measured" in out
    assert "quick.title" in out


def test_show_and_diff_of_what_was_imported_say_where_it_stands(measured, ptyreg):
    measured.write("one.log", "= test session starts =\nplatform linux -- Python 3.11.13\n"
                   "collected 1 item\n\n======= 1 passed in 35.86s =======\n")  # fmt: skip
    arguments = ("--class", "published-log", "--started", "2025-10-19T12:24:49Z")
    status, _, err = ptyreg("import", "quick", "one.log", *arguments)
    assert status == 0, err
    _, out, _ = ptyreg("show", "20251019T122449")
    assert "one.log, line 5 (SHA-256" in out
    assert "35.86 s" in out
    _, out, _ = ptyreg("diff", "published-log", "laptop")
    assert "  - " not in out  # what an imported run depended on is not known
    duration = next(line for line in out.splitlines() if line.strip().startswith("duration "))
    assert duration.endswith("not comparable")


@pytest.mark.parametrize("repeats", ["0", "-1", "x", "1001"])
def test_a_wrong_number_of_repeats_is_status_2(measured, ptyreg, repeats):
    status, _, err = ptyreg("run", f"--repeats={repeats}")
    assert status == 2
    assert "Expected a number of runs from 1 to 1000" in err
