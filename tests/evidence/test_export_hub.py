"""``ptyreg export hub``: the artifacts of an initiative, and not a number that no run measured."""

from __future__ import annotations

import json
import re
import tomllib
from xml.etree import ElementTree as ET

import msgspec
import pytest

from sphinx_ptyreg.statistics import summarise

#: A number or a version, and a word with digits in it: an id, a digest, a class.
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)*(?!\w)")
WORD = re.compile(r"\w*(?:[A-Za-z_]\d|\d[A-Za-z_])\w*")


@pytest.fixture
def hub(measured, ptyreg):
    status, _, err = ptyreg("export", "hub", "hub")
    assert status == 0, err
    return measured.root / "hub"


def texts_in(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
    else:
        yield str(value)


def numbers_in(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers_in(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def evidence_of(project):
    """Return every number and every text that the records and the declaration hold."""
    records = [msgspec.to_builtins(record) for record in project.records()]
    declared = tomllib.loads((project.root / "pyproject.toml").read_text())["tool"]["ptyreg"]
    logs = [file.read_text() for file in (project.root / ".ptyreg/artifacts").glob("*.txt")]
    ids = [f"pytest_{record.selector}_{record.id}" for record in project.records()]
    dates = [record.started[:10] for record in project.records()]
    cited = [*texts_in([records, declared]), *ids, *dates, *logs]
    numbers = set(numbers_in([records, declared]))
    for pick in (
        lambda r: r["durations"]["duration"], lambda r: r["durations"]["duration_call"],
        lambda r: r["durations"]["wall"], lambda r: r["resources"]["cpu_s"],
        lambda r: r["resources"]["peak_rss_mib"], lambda r: r["stages"][0]["seconds"],
        lambda r: r["metrics"]["answer"]["value"],
    ):  # fmt: skip
        numbers |= {float(n) for n in summarise([pick(r) for r in records]) if n is not None}
    numbers |= {number * size for number in numbers for size in (1e3, 1e6, 1024)}  # ms, µs, KiB
    numbers |= {records[0]["machine"]["memory_mib"] / 1024, 1.0}  # GiB; one retry or run
    return numbers, cited


def unsupported(text, numbers, cited):
    """Return what stands in `text` and neither in the evidence nor rounded from it."""
    known = {token for said in cited for token in NUMBER.findall(said)}
    said = "\n".join(cited)
    found = [word for word in WORD.findall(text) if word not in said]
    for token in NUMBER.findall(text):
        decimals = len(token.partition(".")[2])
        near = any(f"{abs(number):.{decimals}f}" == token for number in numbers)
        # Four significant digits, as a plain number is shown without a format.
        near = near or any(f"{abs(number):.4g}" == token for number in numbers)
        if token not in known and not near:
            found.append(token)
    return found


FILES = ("runtime_profile.md", "env_snapshot.txt", "ci_notes.md", "summary.md")


@pytest.mark.parametrize("name", FILES)
def test_every_number_is_in_the_evidence(hub, measured, name):
    numbers, cited = evidence_of(measured)
    assert unsupported((hub / name).read_text(), numbers, cited) == []


@pytest.mark.parametrize(
    "typed",
    ["35.87 s", "n = 813", "812.5 MiB", "torch 9.8.7", "977 %", "commit deadbee7", "x86_65"],
)
def test_a_number_that_was_typed_by_hand_is_found(hub, measured, typed):
    numbers, cited = evidence_of(measured)
    text = (hub / "runtime_profile.md").read_text() + f"\nIt takes {typed}.\n"
    assert unsupported(text, numbers, cited)


def test_the_folder_has_the_checklist_and_nothing_else(hub, measured):
    logs = {f"pytest_quick_{record.id}.log" for record in measured.records()}
    assert {file.name for file in hub.iterdir()} == {*FILES, "junit.xml", *logs}


def test_the_logs_are_what_the_runs_printed(hub):
    for log in hub.glob("*.log"):
        text = log.read_text()
        assert "test session starts" in text
        assert re.search(r"1 passed in [\d.]+s", text)


def test_the_junit_file_is_what_was_recorded(hub, measured):
    suites = ET.parse(hub / "junit.xml").findall("testsuite")  # noqa: S314 - our own
    for suite, record in zip(suites, measured.records(), strict=True):
        [case] = suite.findall("testcase")
        assert float(case.get("time")) == record.tests[0].seconds
        assert (case.get("classname"), case.get("name")) == ("tests.test_quick", "test_quick")
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        assert properties == {"seed": "1234"}
        assert suite.get("tests") == "1"
        assert suite.get("failures") == suite.get("errors") == suite.get("skipped") == "0"


GOLDEN = {
    "runtime_profile.md": """\
# Runtime profile

Written by `ptyreg export hub` from recorded runs.

## A quick test (`quick`)

It proves that the answer is found in time.

### On laptop

| run | measured | commit | duration | wall | CPU time | peak memory | source |
|---|---|---|---|---|---|---|---|
| ID | TIME |  | N s | N s | N s | N MiB | run |
| ID | TIME |  | N s | N s | N s | N MiB | run |
| ID | TIME |  | N s | N s | N s | N MiB | run |

Over the n = N runs of the same inputs:

| measured | mean | median | min | max | range | stdev | CV |
|---|---|---|---|---|---|---|---|
| duration | N s | N s | N s | N s | N s | N s | N % |
| duration_call | N s | N s | N s | N s | N s | N s | N % |
| wall | N s | N s | N s | N s | N s | N s | N % |
| cpu_time | N s | N s | N s | N s | N s | N s | N % |
| peak_memory | N MiB | N MiB | N MiB | N MiB | N MiB | N MiB | N % |
| stages.train | N s | N s | N s | N s | N s | N s | N % |
| metrics.answer | N dB | N dB | N dB | N dB | N dB | N dB | N % |

### Guardrails

Judged by the mean on laptop:

| metric | bound | limit | verdict |  |
|---|---|---|---|---|
| duration | fail above | N s | pass |  |
| duration | warn above | N s | pass |  |
| answer | at least | N dB | pass |  |
""",
    "ci_notes.md": """\
# Notes for continuous integration

Written by `ptyreg export hub` from the declaration and the recorded runs.

## `quick`

| what | how |
|---|---|
| test | `tests/test_quick.py::test_quick` |
| timeout | N s |
| retries | none |
| measured runs | N |
| requires | pytest>=N |
| duration, fail | N s |
| duration, warn | N s |
| answer, minimum | N dB |

Measure, judge and keep it:

```sh
ptyreg run quick
ptyreg check quick --format github
ptyreg publish quick
```

Where something is missing of what it requires (pytest>=N), a documentation build replays the \
recorded runs with one warning; `ptyreg run` fails and says what to install.

## Follow-up

Nothing is open.
""",
    "summary.md": """\
# Summary

Written by `ptyreg export hub` from recorded runs.

## A quick test (`quick`)

Measured DATE on laptop, n = N, source: run. It is fresh.

It took N s on average, CV N %.

- duration is N s: pass (fail above N s, warn above N s)
- answer is N dB: pass (at least N dB)

## Findings

| finding | title | verdict | evidence |
|---|---|---|---|
| POLICY-N | pytest is needed | holds | ran with pytest N |

## In this folder

| file | holds |
|---|---|
| `runtime_profile.md` | durations, resources, statistics and guardrails |
| `env_snapshot.txt` | machine, versions and variables |
| `ci_notes.md` | how it runs in continuous integration, and what is left to do |
| `junit.xml` | the recorded tests |
| `pytest_quick_ID.log` | what the run printed |
| `pytest_quick_ID.log` | what the run printed |
| `pytest_quick_ID.log` | what the run printed |
""",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_shape_of_each_file_is_kept(hub, name):
    text = (hub / name).read_text()
    for pattern, word in (
        (r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}", "ID"), (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r"\d{4}-\d\d-\d\d", "DATE"), (r"\d+(?:\.\d+)*(?:e-\d+)?", "N"),
        ("N [mµ]s", "N s"), ("N KiB", "N MiB"),
    ):  # fmt: skip
        text = re.sub(pattern, word, text)
    assert text == GOLDEN[name]


def test_the_snapshot_names_machine_versions_and_variables(hub, measured):
    lines = (hub / "env_snapshot.txt").read_text().splitlines()
    record = measured.records()[-1]
    assert lines[0] == "[quick on laptop]"
    assert f"machine.cpu: {record.machine.cpu}" in lines
    assert f"machine.python: {record.inputs.python}" in lines
    assert f"package.pytest: {record.inputs.packages['pytest']}" in lines
    assert "variable.PYTHONHASHSEED: 0" in lines
    assert "fact.blas: openblas" in lines


def test_what_is_open_is_a_follow_up(measured, ptyreg):
    measured.write("src.py", "ANSWER = 43\n")
    ptyreg("export", "hub", "hub")
    assert "- quick: stale: file changed: src.py" in (measured.root / "hub/ci_notes.md").read_text()
    assert "It is stale.\n- file changed: src.py" in (measured.root / "hub/summary.md").read_text()


def test_other_machine_classes_stand_apart(measured, ptyreg, monkeypatch):
    monkeypatch.setenv("PTYREG_CLASS", "gpu-node")
    assert ptyreg("run")[0] == 0
    ptyreg("export", "hub", "hub")
    text = (measured.root / "hub/runtime_profile.md").read_text()
    assert text.index("### On gpu-node") < text.index("### On laptop")
    assert "Over the n = 3 runs" in text[text.index("### On laptop") :]
    summary = (measured.root / "hub/summary.md").read_text()
    assert "- Not comparable, measured elsewhere: laptop" in summary


def test_imported_logs_are_cited_and_summarised(measured, ptyreg):
    for name, seconds in (("one", 35.86), ("two", 35.98), ("three", 35.92)):
        measured.write(f"{name}.log", "= test session starts =\nplatform linux -- Python 3.11.13\n"
                       f"collected 1 item\n\ntests/test_quick.py::test_quick PASSED\n\n"
                       f"======= 1 passed in {seconds}s =======\n")  # fmt: skip
    status, _, err = ptyreg(
        "import", "quick", "one.log", "two.log", "three.log", "--class", "published",
        *(a for hour in ("12", "13", "19") for a in ("--started", f"2025-10-19T{hour}:00:00Z")),
    )  # fmt: skip
    assert status == 0, err
    ptyreg("export", "hub", "hub")
    text = (measured.root / "hub/runtime_profile.md").read_text()
    part = text[text.index("### On published") : text.index("### Guardrails")]
    row = "| duration | 35.92 s | 35.92 s | 35.86 s | 35.98 s | 0.12 s | 0.06 s | 0.17 % |"
    assert row in part
    assert "one.log, line 7 (SHA-256" in part


def test_nothing_to_export_is_status_1(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    status, _, err = ptyreg("export", "hub", "hub")
    assert status == 1
    assert "Run: ptyreg run quick" in err
    assert not (project.root / "hub").exists()


def test_secrets_and_the_home_folder_do_not_leave(measured, ptyreg, monkeypatch):
    toml = (measured.root / "pyproject.toml").read_text()
    measured.write("pyproject.toml", toml.replace("found in time", "found by canary-secret"))
    monkeypatch.setenv("MY_TOKEN", "canary-secret")
    ptyreg("export", "hub", "hub")
    for file in (measured.root / "hub").iterdir():
        assert "canary-secret" not in file.read_text()


def test_json_names_the_files(measured, ptyreg):
    told = json.loads(ptyreg("export", "hub", "hub", "--json")[1])
    assert set(told["files"]) == {file.name for file in (measured.root / "hub").iterdir()}
