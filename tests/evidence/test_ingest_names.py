"""Tests that are called alike keep their numbers apart; suites in suites keep their times."""

from __future__ import annotations

import json

import pytest

from sphinx_ptyreg.ingest.benchmark import read_benchmark
from sphinx_ptyreg.ingest.junit import read_junit
from sphinx_ptyreg.ingest.reported import ReportError
from sphinx_ptyreg.ingest.wanted import Wanted

pytestmark = pytest.mark.usefixtures("in_process")

BENCHMARK = """
import pytest

@pytest.mark.parametrize("size", [10])
def test_sum(benchmark, size):
    benchmark.pedantic(sum, args=[range(size)], rounds=20)
"""
JUNIT = """
import pytest

@pytest.mark.parametrize("size", [10])
def test_sum(record_property, size):
    record_property("loss", {loss})

class TestMore:
    def test_sum(self, record_property):
        record_property("loss", {loss} + 0.5)
"""


def select(project, *nodeids):
    project.write("pyproject.toml", f"[tool.ptyreg.selectors.quick]\nnodeids = {list(nodeids)!r}\n")


def test_benchmarks_of_one_name_in_two_files_keep_their_numbers(project, run_pytest):
    pytest.importorskip("pytest_benchmark")
    folder = run_pytest(BENCHMARK)
    for name in ("b", "c"):
        (folder / f"tests/test_{name}.py").write_text(BENCHMARK)
    run_pytest(BENCHMARK, "--benchmark-json=b.json", plugins=["pytest_benchmark.plugin"])
    told = {b["fullname"]: b["stats"]["median"] for b in json.loads(
        (folder / "b.json").read_text())["benchmarks"]}  # fmt: skip
    assert len(told) == 3
    select(project, "tests/test_b.py", "tests/test_c.py")
    done = project.cli("import", "quick", str(folder / "b.json"))
    assert done.returncode == 0, done.stderr
    [record] = project.records()
    for name in ("test_b", "test_c"):
        metric = record.metrics[f"{name}-test_sum-10_median"]
        assert metric.value == told[f"tests/{name}.py::test_sum[10]"]
    assert "test_sum-10_median" not in record.metrics
    assert record.citation.excerpt.startswith("tests/test_b.py::test_sum[10]")


def test_junit_cases_of_one_name_keep_their_numbers(project, run_pytest):
    folder = run_pytest(JUNIT.format(loss=1))
    (folder / "tests/test_b.py").write_text(JUNIT.format(loss=2))
    run_pytest(JUNIT.format(loss=1), "--junitxml=junit.xml", "-ojunit_family=xunit1")
    select(project, "tests")
    assert project.cli("import", "quick", str(folder / "junit.xml")).returncode == 0
    [record] = project.records()
    found = {n: m.value for n, m in record.metrics.items() if n.endswith("_loss")}
    assert found == {
        "test_b-TestMore-test_sum_loss": 2.5, "test_b-test_sum-10_loss": 2.0,
        "test_quick-TestMore-test_sum_loss": 1.5, "test_quick-test_sum-10_loss": 1.0,
    }  # fmt: skip


def _suite(*cases: str, **attributes: str) -> str:
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<testsuite{told}>{''.join(cases)}</testsuite>"


def _case(name: str, *inside: str, classname: str = "tests.test_a") -> str:
    return f'<testcase classname="{classname}" name="{name}" time="1">{"".join(inside)}</testcase>'


def _property(name: str, value: object) -> str:
    return f'<properties><property name="{name}" value="{value}"/></properties>'


ALL = Wanted(("tests/test_a.py",))


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        (_suite(_case("test_x[a b]", _property("n", 1)), _case("test_x[a-b]", _property("n", 2))),
         "tests/test_a.py::test_x[a b] and tests/test_a.py::test_x[a-b] would both have"),
        (_suite(_case("test_a", _property("b_n", 1)), _case("test_a_b", _property("n", 2))),
         "would both have 'test_a_b_n'"),
        (_suite(_case("test_a", _property("junit_time", 3))),
         "the sum of the times and tests/test_a.py::test_a would both have 'junit_time'"),
        (_suite(_case("test_a", '<properties><property name="a b" value="1"/>'
                      '<property name="a-b" value="2"/></properties>')),
         "'a b' and 'a-b' would both be the metric 'a-b'"),
        (f"<testsuites>{_suite(_case('test_a'))}{_suite(_case('test_a'))}</testsuites>",
         "Expected each test once, but tests/test_a.py::test_a stands in two suites"),
    ],
)  # fmt: skip
def test_what_no_name_can_tell_apart_is_refused(xml, told):
    with pytest.raises(ReportError) as caught:
        read_junit(xml.encode(), ALL)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "twice", "told"),
    [
        ({"a b": 1, "a-b": 2}, False, "would both be the metric"),
        ({}, True, "Expected each benchmark once, but got tests/test_a.py::test_a twice"),
    ],
)
def test_a_benchmark_file_overwrites_nothing(extra, twice, told):
    one = {"fullname": "tests/test_a.py::test_a", "name": "test_a", "extra_info": extra,
           "stats": {"median": 1.0}}  # fmt: skip
    file = {"benchmarks": [one] * (1 + twice), "version": "5"}
    with pytest.raises(ReportError, match=told):
        read_benchmark(json.dumps(file).encode(), ALL)


def test_a_property_of_a_statistic_s_name_stays_a_property():
    one = {"fullname": "tests/test_a.py::test_a", "name": "test_a", "extra_info": {"median": 9},
           "stats": {"median": 1.0}}  # fmt: skip
    told = read_benchmark(json.dumps({"benchmarks": [one], "version": "5"}).encode(), ALL)
    assert told.metrics["test_a_median"].value == 1.0
    assert told.tests[0].properties == {"median": 9}


MINE, OTHER = _case("test_mine"), _case("test_other", classname="tests.test_b")


@pytest.mark.parametrize(
    ("xml", "duration", "element"),
    [
        (_suite(_suite(MINE, time="2"), time="5"), 5.0, "testsuite"),
        (_suite(_suite(MINE, time="2"), OTHER, time="5"), 2.0, "testsuite"),
        (_suite(_suite(OTHER, time="2"), MINE, time="5"), None, "testcase"),
        (_suite(_suite(MINE, time="2"), _suite(_case("test_more"), time="2"), time="9"), 9.0,
         "testsuite"),
        (_suite(_suite(MINE), time="5"), 5.0, "testsuite"),
        (_suite(_suite(MINE, time="2"), time="?"), 2.0, "testsuite"),
        (_suite(MINE, _case("test_mine", "<error/>"), time="7"), 7.0, "testsuite"),
    ],
)  # fmt: skip
def test_the_time_is_that_of_the_outermost_suite_of_these_tests(xml, duration, element):
    told = read_junit(f"<testsuites>{xml}</testsuites>".encode(), ALL)
    assert told.duration == duration
    assert told.excerpt.startswith(f"<{element} ")


def test_facts_of_two_suites_that_differ_are_neither_s():
    xml = "".join(
        _suite(f'<properties><property name="seed" value="{n}"/><property name="os" value="x"/>'
               "</properties>", _case(f"test_{n}"))
        for n in (1, 2)
    )  # fmt: skip
    assert read_junit(f"<testsuites>{xml}</testsuites>".encode(), ALL).facts == {"os": "x"}


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "shift_jis", "utf-16", "cp1252"])
def test_a_file_in_any_known_encoding(encoding):
    note = "smooth" if encoding == "cp1252" else "光"
    suite = _suite(_case("test_a", _property("n", note)))
    xml = f'<?xml version="1.0" encoding="{encoding}"?>{suite}'
    told = read_junit(xml.encode(encoding), ALL)
    assert told.tests[0].properties == {"n": note}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'<?xml version="1.0" encoding="klingon"?><testsuite/>', "is known, but got 'klingon'"),
        (b'<?xml version="1.0" encoding="hex"?><testsuite/>', "is known, but got 'hex'"),
        (b'<?xml version="1.0" encoding="gbk"?><testsuite name="\xff"/>', "Expected XML in gbk"),
        (b'<?xml version="1.0" encoding="utf-16"?><testsuite/>', "Expected XML, but got"),
    ],
)
def test_another_encoding_is_refused_in_words(data, told):
    with pytest.raises(ReportError, match=told):
        read_junit(data, ALL)


@pytest.mark.parametrize(
    "part", ["<testsuite/>", _case("test_{}"), _property("p{}", 1)], ids=["suites", "cases", "p"]
)
def test_a_huge_file_is_refused_before_it_fills_the_memory(part):
    xml = _suite(_suite(*(part.replace("{}", str(n)) for n in range(50_001))))
    with pytest.raises(ReportError, match="Expected at most 50000 suites, tests and properties"):
        read_junit(xml.encode(), ALL)


def test_tests_that_nobody_wants_cost_nothing():
    others = (_case(f"test_{n}", _property("p", n), classname="b.c") for n in range(60_000))
    told = read_junit(_suite(MINE, *others).encode(), ALL)
    assert [test.nodeid for test in told.tests] == ["tests/test_a.py::test_mine"]


def test_a_report_whose_record_nobody_could_merge_is_refused(project):
    select(project, "tests/test_a.py")
    text = _suite(*(_case(f"test_{n}_{'x' * 400}") for n in range(9000)), timestamp="2025-01-01")
    project.write("a.xml", text)
    done = project.cli("import", "quick", "a.xml")
    assert done.returncode == 3
    assert "a.xml: Expected a record of at most 4194304 bytes, but the 9000 tests" in done.stderr
    assert not (project.root / ".ptyreg/received/records").exists()
