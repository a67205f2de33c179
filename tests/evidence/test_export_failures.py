"""``ptyreg export hub``: what failed, how numbers and code are told, what an earlier one left."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from sphinx_ptyreg.declared import Guardrail
from sphinx_ptyreg.guardrails import Baseline, judge
from sphinx_ptyreg.markdown import cell, table
from sphinx_ptyreg.record import Outcome, TestResult
from sphinx_ptyreg.units import Quantity


def exported(ptyreg, *arguments):
    status, _, err = ptyreg("export", "hub", "hub", *arguments)
    assert status == 0, err


def test_a_selector_that_only_failed_is_told_with_its_log_and_its_case(measured, ptyreg):
    text = (measured.root / "tests/test_quick.py").read_text()
    measured.write(
        "tests/test_bad.py", "def test_bad():\n    print('it said so')\n    assert 1 == 2\n"
    )
    declared = (measured.root / "pyproject.toml").read_text()
    measured.write(
        "pyproject.toml",
        declared + '\n[tool.ptyreg.selectors.bad]\nnodeids = ["tests/test_bad.py::test_bad"]\n',
    )
    assert ptyreg("run", "bad")[0] == 1
    exported(ptyreg)
    hub = measured.root / "hub"
    summary = (hub / "summary.md").read_text()
    assert "Never" not in summary
    assert re.search(r"Not measured: failed \(20\d\d-\d\d-\d\d on laptop\): .*test_bad", summary)
    profile = (hub / "runtime_profile.md").read_text()
    assert "The latest run ended as failed (" in profile
    assert "[bad on laptop]" in (hub / "env_snapshot.txt").read_text()
    assert "outcome: failed: " in (hub / "env_snapshot.txt").read_text()
    [log] = hub.glob("pytest_bad_*.log")
    assert "it said so" in log.read_text()
    assert f"`{log.name}`" in summary
    suites = ET.parse(hub / "junit.xml").findall("testsuite")  # noqa: S314 - our own
    [suite] = [suite for suite in suites if suite.get("name") == "bad"]
    assert suite.find("testcase/failure") is not None
    assert suite.get("failures") == "1"
    assert text  # the other selector is told beside it
    assert len([suite for suite in suites if suite.get("name") == "quick"]) == 3
    exported(ptyreg, "bad")  # alone, it is exported too


def test_what_was_never_run_is_told_as_such(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    status, _, err = ptyreg("export", "hub", "hub")
    assert status == 1
    assert "Expected a run to export, but got none. Run: ptyreg run quick" in err


def test_a_run_that_never_came_to_a_test_is_a_case_all_the_same(measured, ptyreg):
    measured.seed(
        outcome=Outcome.TIMEOUT, reason="longer than 77 s", tests=[], machine_class="laptop",
        started="2031-01-01T00:00:00.000000Z",
    )  # fmt: skip
    exported(ptyreg)
    root = ET.parse(measured.root / "hub/junit.xml").getroot()  # noqa: S314 - our own
    [case] = root.findall("testsuite/testcase[@name='run']")
    assert case.find("error").get("message") == "timeout: longer than 77 s"


def test_a_test_without_a_time_has_none(measured, ptyreg):
    tests = [TestResult(nodeid="tests/test_quick.py::test_quick", outcome="passed", seconds=None)]
    record = msgspec.structs.replace(measured.records()[-1], tests=tests)
    measured.store.local.add(record)
    exported(ptyreg)
    text = (measured.root / "hub/junit.xml").read_text()
    assert "None" not in text
    assert any(case.get("time") is None for case in ET.fromstring(text).iter("testcase"))  # noqa: S314


def test_the_logs_of_an_earlier_export_go_and_nothing_else(measured, ptyreg):
    exported(ptyreg)
    hub = measured.root / "hub"
    first = set(hub.glob("*.log"))
    others = {hub / "pytest_mine.log", hub / "notes.log"}
    for file in others:
        file.write_text("kept by hand")
    measured.write("src.py", "ANSWER = 43\n")
    ptyreg("run")
    exported(ptyreg)
    left = set(hub.glob("*.log"))
    assert left >= others
    assert not left & first
    assert len(left) == 3


def test_no_record_forges_a_line(measured, ptyreg):
    record = measured.records()[-1]
    forged = msgspec.structs.replace(
        record, command=["python", "x\nrecord: forged\n[quick on nowhere]"],
        environment={"fact": "a\nos: forged"}, started="2031-01-01T00:00:00.000000Z",
    )  # fmt: skip
    measured.store.received.add(forged)
    exported(ptyreg)
    text = "".join(file.read_text() for file in (measured.root / "hub").glob("*.[mt][dx]*"))
    assert "forged" in text
    assert not re.search(r"^(record|os|#|\[quick on nowhere).*forged", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Quantity(0.3, "s"), "m is 0.30 s: pass (fail above 1 s)"),
        (Quantity(1.0001, "s"), "m is 1.00 s: fail (fail above 1 s)"),
        (None, "m is not measured: no data (fail above 1 s)"),
    ],
)
def test_a_verdict_is_told_in_numbers_as_pages_print_them(value, told):
    judged = judge("m", Guardrail(fail="1 s"), value, Baseline(None, ""))
    assert judged.told == told


def test_a_value_that_would_look_like_its_bound_has_all_its_digits():
    judged = judge("m", Guardrail(fail="1.00 s"), Quantity(1.0001, "s"), Baseline(None, ""))
    assert judged.told == "m is 1.0001 s: fail (fail above 1.00 s)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("`a.duration <= 90 s`", "`a.duration <= 90 s`"),
        ("a <b>", "a &lt;b>"),
        ("`x` <b> `y<z`", "`x` &lt;b> `y<z`"),
        ("``a ` <b>``", "``a ` <b>``"),
        (r"\`<b>\`", r"\`&lt;b>\`"),
        ("`<b>", "`&lt;b>"),
        ("`a` ``<b>", "`a` ``&lt;b>"),
        ("`a|b`", r"`a\|b`"),
    ],
)
def test_a_cell_shows_what_was_said_and_begins_no_tag(text, told):
    assert cell(text) == told
    assert list(table(["x"], [[text]]))[-1] == f"| {told} |"
