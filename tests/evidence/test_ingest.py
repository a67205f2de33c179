"""Reports that others made become records that say so."""

from __future__ import annotations

import hashlib

import pytest

from sphinx_ptyreg.evidence import Evidence

pytestmark = pytest.mark.usefixtures("in_process")

TIMES = {"122449": 35.86, "130900": 35.98, "193425": 35.92}
LOG = """\
platform linux -- Python 3.11.13, pytest-8.4.1, pluggy-1.6.0
PyTorch: 2.8.0+cu128
tests/test_quick.py::test_quick PASSED                                       [100%]

============================== 1 passed in {seconds:.2f}s ==============================
"""
GUARDED = """
[tool.ptyreg.selectors.quick]
nodeids = ["tests/test_quick.py::test_quick"]

[tool.ptyreg.selectors.quick.guardrails.duration]
fail = "90 s"
warn = "60 s"
minimum = "20 s"
baseline = "36 s"
tolerance = "5 s"
machine_class = "gpu-node"
"""


@pytest.fixture
def logs(project):
    """Three logs as the seed kept them, with the guardrails that it wrote down."""
    project.write("pyproject.toml", GUARDED)
    for stamp, seconds in TIMES.items():
        project.write(f"reports/2025-10-19T{stamp}Z/pytest.log", LOG.format(seconds=seconds))
    return sorted(str(path) for path in (project.root / "reports").glob("*/*.log"))


@pytest.fixture
def imported(project, logs):
    done = project.cli("import", "quick", *logs, "--class", "gpu-node")
    assert done.returncode == 0, done.stderr
    return project


def judged(project):
    [judgement] = Evidence(project.load(), project.store).selector("quick").judgements
    return judgement


def test_three_logs_are_one_sample_set(imported, page):
    built = page("""
        {ptyreg:value}`quick.duration.n` {ptyreg:value}`quick.duration.mean`
        {ptyreg:value}`quick.duration.stdev` {ptyreg:value}`quick.duration.cv`
        """)
    shown = [text.replace(" (stale)", "") for text in built.spans("ptyreg-value")]
    assert shown == ["3", "35.92 s", "0.06 s", "0.17 %"]
    assert "quick: stale: imported: what it depended on is not known" in built.warnings


def test_they_pass_the_guardrails_of_their_class(imported):
    judgement = judged(imported)
    assert judgement.verdict == "pass"
    assert [check.verdict for check in judgement.checks] == ["pass"] * 4


def test_the_record_of_this_machine_is_not_compared_with_them(imported, page):
    imported.store.local.add(imported.record())
    checks = {check.bound: check for check in judged(imported).checks}
    assert checks["baseline"].verdict == "not comparable"
    assert "gpu-node" in checks["baseline"].note
    built = page("""
        {ptyreg:value}`quick.duration.n` {ptyreg:value}`quick.duration` {ptyreg:value}`quick.source`

        ```{ptyreg:compare} quick
        :left: gpu-node
        :right: latest
        ```
        ```{ptyreg:environment} quick
        ```
        """)
    assert built.spans("ptyreg-value") == ["1", "1.25 s", "run"]
    assert "not comparable" in built.spans("ptyreg-badge")
    assert "linux-x86_64-testbox-2c" in built.text()
    assert "gpu-node" in built.text()


def test_an_imported_record_cites_where_it_stands(imported):
    for record, (stamp, seconds) in zip(imported.records(), sorted(TIMES.items()), strict=True):
        path = imported.root / f"reports/2025-10-19T{stamp}Z/pytest.log"
        assert (record.source, record.machine_class) == ("import", "gpu-node")
        assert record.citation.file == f"reports/2025-10-19T{stamp}Z/pytest.log"
        assert record.citation.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        line = path.read_text().splitlines()[record.citation.line - 1]
        assert record.citation.excerpt == f"1 passed in {seconds:.2f}s" == line.strip("= ")
        assert record.started.startswith(f"2025-10-19T{stamp[:2]}:{stamp[2:4]}:{stamp[4:]}")
        assert record.inputs.packages == {"pytest": "8.4.1", "torch": "2.8.0+cu128"}
        assert (record.machine.system, record.machine.cpu) == ("Linux", None)


def test_the_same_batch_again_is_nothing_new(imported, logs):
    before = [record.id for record in imported.records()]
    imported.cli("import", "quick", *reversed(logs), "--class", "gpu-node")
    assert [record.id for record in imported.records()] == before


def test_another_batch_is_another_sample_set(imported, page):
    again = imported.write("later/2025-11-01T000000Z.log", LOG.format(seconds=40))
    imported.cli("import", "quick", str(again), "--class", "gpu-node")
    built = page("{ptyreg:value}`quick.duration.n` {ptyreg:value}`quick.duration`")
    assert built.spans("ptyreg-value") == ["1 (stale)", "40.00 s (stale)"]


def test_reports_of_other_versions_are_other_sample_sets(project, logs):
    project.write(
        "reports/2025-10-20T100000Z/pytest.log", LOG.replace("3.11", "3.12").format(seconds=1)
    )
    done = project.cli("import", "quick", *logs, "reports/2025-10-20T100000Z/pytest.log")
    assert "4 imported as 2 sample sets (they name other versions)" in done.stdout
    sets = {
        len(s) for s in Evidence(project.load(), project.store).selector("quick").classes.values()
    }
    assert sets == {1}


def test_a_page_says_that_a_number_is_imported(imported, page):
    text = page("```{ptyreg:runtime} quick\n```").text()
    assert "imported from reports/2025-10-19T193425Z/pytest.log, line 5" in text


def test_an_import_never_passes_for_a_local_run(imported):
    imported.store.local.hide()
    ran = imported.cli("run", "quick", "--if-needed", env={"PTYREG_CLASS": "gpu-node"})
    assert ran.returncode == 0, ran.stderr
    assert imported.runs == 1


def test_a_class_of_recorded_runs_is_refused(project, logs):
    project.store.local.add(project.record())
    done = project.cli("import", "quick", *logs, "--class", "linux-x86_64-testbox-2c")
    assert done.returncode == 1
    assert "Expected another machine class than that of recorded runs" in done.stderr


def test_a_class_of_another_selector_s_runs_is_refused_too(project, logs):
    toml = (project.root / "pyproject.toml").read_text()
    other = '\n[tool.ptyreg.selectors.other]\nnodeids = ["tests/test_quick.py"]\n'
    project.write("pyproject.toml", toml + other)
    project.store.local.add(project.record())
    done = project.cli("import", "other", *logs, "--class", "linux-x86_64-testbox-2c")
    assert done.returncode == 1
    assert "other: Expected another machine class than that of recorded runs" in done.stderr
    assert "of quick)" in done.stderr
    assert project.cli("import", "other", *logs, "--class", "free").returncode == 0


@pytest.mark.parametrize(
    ("last", "outcome"),
    [("1 passed, 2 warnings in 0.51s", "passed"),
     ("1 failed, 2 passed in 75.20s (0:01:15)", "failed"),
     ("1 passed, 1 error in 3.00s", "error"), ("1 skipped in 0.10s", "skipped"),
     ("no tests ran in 0.02s", "not_collected"), ("1 xfailed in 0.02s", "xfailed"),
     ("1 passed, 3 deselected in 90000.00s (1 day, 1:00:00)", "passed"),
     ("!!!!! KeyboardInterrupt !!!!!\n1 passed in 2.00s", "interrupted")],
)  # fmt: skip
def test_the_last_line_tells_the_outcome(project, last, outcome):
    log = project.write("a.log", f"\x1b[32m=== {last} ===\x1b[0m\n" if "!" not in last else last)
    done = project.cli("import", "quick", str(log), "--started", "2025-10-19T12:24:49Z")
    assert done.returncode == 0, done.stderr
    [record] = project.records()
    assert record.outcome == outcome
    assert record.measured == (outcome == "passed")


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("collected 1 item\n", (), "a.log: Expected a pytest log with its summary line"),
        ("1 passed in 1.00s\n", (), "a.log: Expected to know when it was measured"),
        ("tests/test_a.py::t PASSED\n1 passed in 1.00s\n", (), "but it ran tests/test_a.py::t."),
        ("tests/test_a.py ..  [100%]\n2 passed in 1.00s\n", (), "but it ran tests/test_a.py."),
        ("<a/>", (), "a.log: Expected JUnit XML, but its first element is 'a'."),
        ("<testsuite><b", (), "a.log: Expected XML, but got: "),
        (
            "<testsuite/>",
            (),
            "Expected a test case of tests/test_quick.py::test_quick, but got none",
        ),
        ("{}", (), "a.log: Expected pytest-benchmark's JSON, but got: "),
        ("1 passed in 1s", ("--started", "now"), "Expected --started to be a time such as"),
        ("1 passed in 1s", ("--class", "a b"), "Expected --class to be a name of letters"),
        ("1 passed in 1s", ("--started", "2025-01-01", "--started", "2025-01-02"), "1 files"),
    ],
)
def test_what_cannot_be_imported_is_refused_by_name(project, text, options, told):
    log = project.write("a.log", text)
    done = project.cli("import", "quick", str(log), *options)
    assert done.returncode in {2, 3}
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert project.records() == []


def test_one_bad_report_keeps_the_whole_batch_out(project, logs):
    bad = project.write("bad.log", "cut o")
    assert project.cli("import", "quick", *logs, str(bad)).returncode == 3
    assert project.records() == []


BOMB = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY b "{stuff}"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>
<testsuite><testcase classname="tests.test_quick" name="test_quick" time="1">&{which};</testcase>
</testsuite>"""


@pytest.mark.parametrize("which", ["c", "d"])
def test_xml_with_entities_is_refused(project, which):
    file = project.write("a.xml", BOMB.format(stuff="x" * 100, which=which))
    done = project.cli("import", "quick", str(file), "--started", "2025-01-01")
    assert "a.xml: Expected XML without a document type, but it declares one." in done.stderr
    assert project.records() == []
