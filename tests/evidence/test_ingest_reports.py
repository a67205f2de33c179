"""JUnit XML and pytest-benchmark JSON, from suites that real pytest runs here."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.usefixtures("in_process")

JUNIT = """
import pytest

@pytest.mark.parametrize("size", [1, 2])
def test_quick(size, record_property):
    record_property("psnr", 20.0 + size)
    record_property("loss_time", "3.5 s")
    record_property("note", "fine & well")

def test_other():
    assert False

@pytest.fixture
def torn():
    yield
    raise RuntimeError("late")

def test_torn(torn):
    pass

@pytest.mark.xfail(strict=True)
def test_expected():
    assert False

def test_left_out():
    pytest.skip("not here")
"""
BENCHMARK = """
def test_quick(benchmark):
    benchmark.extra_info["size"] = 64
    benchmark.pedantic(sum, args=[range(1000)], rounds=20, iterations=5)

def test_other(benchmark):
    benchmark.pedantic(sum, args=[range(10)], rounds=1)
"""


def imported(project, file, *options):
    done = project.cli("import", "quick", str(file), *options)
    assert done.returncode == 0, done.stderr
    return project.records()[-1]


def select(project, *nodeids):
    project.write("pyproject.toml", f"[tool.ptyreg.selectors.quick]\nnodeids = {list(nodeids)!r}\n")


def test_a_junit_file_of_a_real_suite(project, run_pytest):
    folder = run_pytest(JUNIT, "--junitxml=junit.xml", "-ojunit_family=xunit1")
    record = imported(project, folder / "junit.xml", "--class", "ci")
    assert (record.outcome, record.machine_class, record.source) == ("passed", "ci", "import")
    assert [test.nodeid for test in record.tests] == [
        "tests/test_quick.py::test_quick[1]", "tests/test_quick.py::test_quick[2]",
    ]  # fmt: skip
    first = record.tests[0]
    assert first.properties == {"psnr": 21.0, "loss_time": "3.5 s", "note": "fine & well"}
    assert record.metrics["test_quick-2_psnr"].value == 22.0
    assert record.metrics["test_quick-1_loss_time"].unit == "s"
    times = sum(test.seconds for test in record.tests)
    assert record.metrics["junit_time"].value == pytest.approx(times)
    assert record.durations.duration is None  # the session ran other tests too
    assert record.citation.kind == "junit"
    assert record.citation.excerpt.startswith('<testcase classname="tests.test_quick" name="test_q')


def test_the_session_s_time_is_that_of_a_suite_of_these_tests_alone(project, run_pytest):
    folder = run_pytest(JUNIT, "--junitxml=junit.xml", "-k", "test_quick and 1")
    record = imported(project, folder / "junit.xml")
    assert record.durations.duration > 0
    assert record.citation.excerpt == (
        f'<testsuite name="pytest" tests="1" errors="0" failures="0" skipped="0" '
        f'time="{record.durations.duration:.3f}" timestamp="{_stamp(folder)}">'
    )
    assert record.started[:10] == _stamp(folder)[:10]
    assert set(record.metrics) == {"psnr", "loss_time", "junit_time"}


def _stamp(folder):
    return (folder / "junit.xml").read_text().partition('timestamp="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("test", "outcome"),
    [("test_other", "failed"), ("test_torn", "error"), ("test_expected", "xfailed"),
     ("test_left_out", "skipped")],
)  # fmt: skip
def test_only_a_pass_is_a_measurement(project, run_pytest, test, outcome):
    folder = run_pytest(JUNIT, "--junitxml=junit.xml")
    select(project, f"tests/test_quick.py::{test}")
    record = imported(project, folder / "junit.xml")
    assert record.outcome == outcome
    assert not record.measured
    assert record.reason == f"tests/test_quick.py::{test}"


def test_a_file_and_a_marker_expression_select_too(project, run_pytest):
    folder = run_pytest(JUNIT, "--junitxml=junit.xml")
    select(project, "tests/test_quick.py")
    record = imported(project, folder / "junit.xml")
    assert record.outcome == "error"
    assert "tests/test_quick.py::test_torn" in [test.nodeid for test in record.tests]
    assert len(record.tests) == 6
    assert record.durations.duration > 0


def test_a_benchmark_file_of_a_real_suite(project, run_pytest):
    pytest.importorskip("pytest_benchmark")
    folder = run_pytest(BENCHMARK, "--benchmark-json=b.json", plugins=["pytest_benchmark.plugin"])
    told = json.loads((folder / "b.json").read_text())
    stats = next(b["stats"] for b in told["benchmarks"] if b["name"] == "test_quick")
    record = imported(project, folder / "b.json")
    assert (record.outcome, record.source, record.citation.kind) == (
        "passed", "import", "benchmark",
    )  # fmt: skip
    assert record.metrics["test_quick_median"].value == stats["median"]
    assert record.metrics["test_quick_stddev"].value == stats["stddev"]
    assert record.metrics["test_quick_rounds"].value == 20
    assert record.metrics["test_quick_ops"].unit == "1/s"
    assert record.metrics["test_quick_size"].value == 64
    assert not any("other" in name for name in record.metrics)
    line = (folder / "b.json").read_text().splitlines()[record.citation.line - 1]
    assert '"fullname": "tests/test_quick.py::test_quick"' in line
    assert record.machine.cores == told["machine_info"]["cpu"]["count"]
    assert record.inputs.python == told["machine_info"]["python_version"]
    select(project, "tests/test_quick.py::test_other")
    assert "test_other_stddev" not in imported(project, folder / "b.json").metrics  # one round


HOST, USER, PERSON = "canaryhost-9", "zedkanary", "Ada Kanary"
CANARIES = (HOST, USER, PERSON, "kanary", "zedfolder", "t0k-canary", "/scratch/", "/home/", "\x1b")
SAY = (
    f"{USER}@{HOST}:~/zedfolder$ pytest\nrootdir: /home/{USER}/zedfolder\n"
    f"/home/{USER}/zedfolder/src.py:3: see /scratch/{USER}/deep/er and file:///home/{USER}/x\n"
    f"C:\\Users\\{USER}\\zedfolder\\x.py on {HOST.upper()}.cluster.example API_TOKEN=t0k-canary\n"
    f"mail {USER}@example.org \x1b[31mred\x1b[0m https://{USER}:t0k-canary@example.org/a/b\n"
)


def _log():
    return SAY + "tests/test_quick.py::test_quick PASSED\n1 passed in 1.00s\n"


def _junit():
    text = SAY.replace("\x1b", "").replace("&", "&amp;")
    return (
        f'<testsuites><testsuite name="pytest" hostname="{HOST}" time="1" tests="1" '
        f'timestamp="2025-01-01T00:00:00"><properties><property name="hostname" value="{HOST}"/>'
        f'<property name="where" value="{HOST}: /scratch/{USER}/x"/></properties>'
        f'<testcase classname="tests.test_quick" name="test_quick" file="/home/{USER}/t.py" '
        f'time="1"><properties><property name="user" value="{USER}"/>'
        f'<property name="said" value="{text}"/></properties>'
        f"<system-out>{text}</system-out></testcase></testsuite></testsuites>"
    )


def _benchmark():
    return json.dumps({
        "machine_info": {"node": HOST, "machine": "x86_64", "system": "Linux",
                         "cpu": {"brand_raw": f"A CPU of {HOST}", "count": 4}},
        "commit_info": {"id": "a" * 40, "dirty": True, "author_name": PERSON,
                        "author_email": f"{USER}@example.org", "branch": USER,
                        "author_time": "2025-01-01T00:00:00+00:00", "project": "zedfolder"},
        "benchmarks": [{"group": None, "name": "test_quick", "params": None,
                        "fullname": "tests/test_quick.py::test_quick",
                        "extra_info": {"said": f"{SAY} by {PERSON}", "hostname": HOST},
                        "stats": {"median": 1.0, "rounds": 1, "stddev": 0}}],
        "datetime": "2025-01-01T00:00:00+00:00", "version": "5.1.0",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("name", "write"), [("a.log", _log), ("a.xml", _junit), ("a.json", _benchmark)]
)
def test_no_canary_of_another_machine_is_kept(project, tmp_path, name, write):
    file = tmp_path / USER / name
    file.parent.mkdir()
    file.write_text(write())
    record = imported(project, file, "--started", "2025-01-01")
    texts = [
        project.cli(*command.split()).stdout
        for command in ("show quick", "list quick", "status", "status --json")
    ]
    project.build("html")
    kept = [
        path
        for folder in (".ptyreg/received", "out/html")
        for path in (project.root / folder).rglob("*")
        if path.is_file() and path.suffix in {".json", ".txt", ".html"}
    ]
    assert any(path.suffix == ".json" for path in kept)
    texts += [path.read_text(encoding="utf-8") for path in kept]
    hits = [c for text in texts for c in CANARIES if c.lower() in text.lower()]
    assert hits == []
    assert record.citation.file == name
    assert record.outcome == "passed"


def test_the_canaries_are_in_the_reports():
    for text in (_log(), _junit(), _benchmark()):
        assert {HOST, USER, "zedfolder", "t0k-canary", "/scratch/"} <= {
            canary for canary in CANARIES if canary in text
        }
