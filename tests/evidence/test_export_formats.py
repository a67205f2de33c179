"""JSON, CSV, pytest-benchmark, shields and SVG, read by what they are for; and beside the HTML."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from sphinx_ptyreg.exports import FORMATS, badges
from sphinx_ptyreg.record import Durations, Metric, Outcome

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def two_classes(measured, ptyreg, monkeypatch):
    monkeypatch.setenv("PTYREG_CLASS", "gpu-node")
    assert ptyreg("run")[0] == 0
    return measured


def test_json_has_each_number_of_each_machine_class(two_classes, ptyreg):
    status, out, _ = ptyreg("export", "json", "-")
    told = json.loads(out)["selectors"]["quick"]
    assert status == 0
    assert told["machine_class"] == "gpu-node"
    assert told["values"]["metrics.answer"] == {"n": 1, "unit": "dB", "value": 42.173}
    laptop = [r.durations.duration for r in two_classes.records() if r.machine_class == "laptop"]
    values = told["classes"]["laptop"]["values"]
    assert values["duration.mean"]["value"] == pytest.approx(sum(laptop) / 3)
    assert values["duration.mean"]["n"] == 3
    assert "duration.stdev" not in told["values"]  # one run has none
    assert told["guardrails"] == {"answer": "pass", "duration": "pass"}


def test_csv_is_a_row_for_each_of_these_numbers(two_classes, ptyreg):
    rows = list(csv.DictReader(io.StringIO(ptyreg("export", "csv", "-")[1])))
    told = json.loads(ptyreg("export", "json", "-")[1])["selectors"]["quick"]["classes"]
    assert len(rows) == sum(len(samples["values"]) for samples in told.values())
    for row in rows:
        value = told[row["machine_class"]]["values"][row["path"]]
        assert (float(row["value"]), row["unit"], int(row["n"])) == (
            value["value"], value["unit"], value["n"],
        )  # fmt: skip


def test_csv_holds_no_formula(project, ptyreg, monkeypatch):
    monkeypatch.chdir(project.root)
    project.seed(metrics={"answer": Metric(value=1.0, unit="=cmd()")}, source="@x")
    rows = list(csv.DictReader(io.StringIO(ptyreg("export", "csv", "-")[1])))
    assert "'=cmd()" in {row["unit"] for row in rows}
    assert {row["source"] for row in rows} == {"'@x"}


@pytest.mark.parametrize("what", ["csv", "bundle"])
def test_one_answer_can_be_printed_at_a_time(two_classes, ptyreg, what):
    status, out, err = ptyreg("export", what, "-", "--json")
    assert status == 2
    assert json.loads(out)["exit_status"] == 2
    assert "Expected --json or -, but got both" in err


def test_pytest_benchmark_compares_what_is_exported(two_classes, ptyreg):
    pytest.importorskip("pytest_benchmark")
    status, _, err = ptyreg("export", "benchmark", "b")
    assert status == 0, err
    files = {file.name for file in (two_classes.root / "b").iterdir()}
    assert files == {"benchmark.json", "benchmark-laptop.json"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "b/benchmark.json",
         "b/benchmark-laptop.json", "--csv=b/compared.csv", "--columns=mean,stddev,rounds"],
        cwd=two_classes.root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = list(csv.DictReader((two_classes.root / "b/compared.csv").read_text().splitlines()))
    told = json.loads(ptyreg("export", "json", "-")[1])["selectors"]["quick"]["classes"]
    means = {round(float(row["mean"]), 6) for row in rows}
    for name in ("laptop", "gpu-node"):
        assert round(told[name]["values"]["stages.train.mean"]["value"], 6) in means


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_its_statistics_are_pytest_benchmarks_own(project, ptyreg, monkeypatch, n):
    stats_of = pytest.importorskip("pytest_benchmark.stats").Stats
    monkeypatch.chdir(project.root)
    for i in range(n):
        wall = 2.0 + (i * 7 % 9) ** 2
        project.seed(started=f"2026-03-04T05:06:0{i}.000000Z",
                     durations=Durations(duration=1.0, duration_call=1.0, wall=wall))  # fmt: skip
    [told] = [
        entry
        for entry in json.loads(ptyreg("export", "benchmark", "-")[1])["benchmarks"]
        if entry["name"] == "wall"
    ]
    own = stats_of()
    assert len(told["stats"]["data"]) == n
    for value in told["stats"]["data"]:
        own.update(value)
    for key in ("min", "max", "mean", "stddev", "median", "rounds", "total", "ops", "q1", "q3",
                "iqr", "outliers", "ld15iqr", "hd15iqr"):  # fmt: skip
        expected = getattr(own, key)
        if isinstance(expected, float):
            expected = pytest.approx(expected)
        assert told["stats"][key] == expected, key


def test_a_benchmark_names_no_host_and_no_person(measured, ptyreg):
    told = json.loads(ptyreg("export", "benchmark", "-")[1])
    assert told["machine_info"]["node"] == ""
    assert set(told["commit_info"]) == {"id", "dirty"}


def test_shields_endpoint_says_what_a_page_says(measured, ptyreg):
    ptyreg("export", "shields", "s")
    files = {f.name: json.loads(f.read_text()) for f in (measured.root / "s/shields").iterdir()}
    assert set(files) == {"quick.json", "quick.duration.json", "quick.answer.json"}
    mean = sum(r.durations.duration for r in measured.records()) / 3
    assert files["quick.json"] == {
        "schemaVersion": 1, "label": "quick", "message": f"{mean:.2f} s", "color": "brightgreen",
    }  # fmt: skip
    assert files["quick.answer.json"]["message"] == "42.2 dB"


@pytest.mark.parametrize(
    ("change", "message", "tone"),
    [
        ({}, "1.25 s", "good"),
        ({"stale": True}, "1.25 s, stale", "caution"),
        ({"outcome": Outcome.FAILED}, "failed", "bad"),
        (None, "not measured", "caution"),
    ],
)
def test_a_badge_tells_how_a_selector_stands(project, change, message, tone):
    from sphinx_ptyreg.evidence import Evidence

    if change is not None:
        stale = change.pop("stale", False)
        project.seed(**change)
        if stale:
            project.write("src.py", "ANSWER = 43\n")
    own = Evidence(project.load(), project.store).selector("quick")
    [badge] = badges.badges_of(own)
    assert badge == ("quick", "quick", message, tone)


def test_a_failing_guardrail_makes_both_badges_bad(measured):
    from sphinx_ptyreg.evidence import Evidence

    toml = (measured.root / "pyproject.toml").read_text().replace('"40 dB"', '"50 dB"')
    measured.write("pyproject.toml", toml)
    own = Evidence(measured.load(), measured.store).selector("quick")
    found = {badge.name: badge for badge in badges.badges_of(own)}
    assert found["quick"].tone == found["quick.answer"].tone == "bad"
    assert found["quick"].message.endswith(", a guardrail fails")
    assert found["quick.answer"].message == "42.2 dB, fail"
    assert found["quick.duration"].tone == "good"


@pytest.mark.parametrize("label", ["quick", "<script>&\"'", "a ]]> b", "x" * 80, "\x1b[31m\u202e"])
def test_a_badge_is_static_svg_whatever_its_words(label):
    text = badges.svg(badges.Badge("n", label, f"1 {label}", "good"))
    root = ET.fromstring(text)  # noqa: S314 - our own
    allowed = {f"{SVG}{tag}" for tag in ("svg", "title", "clipPath", "rect", "g", "text")}
    assert {element.tag for element in root.iter()} <= allowed
    assert not re.search(r"href|url\((?!#c)|\son\w+=|@import", text.partition("<title>")[2].
                         replace(label, "")) or "script" in label  # fmt: skip
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.find(f"{SVG}title").text


@pytest.mark.parametrize("tone", ["good", "caution", "bad", "neutral"])
def test_white_text_is_readable_on_each_colour(tone):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    fills = re.findall(r'fill="(#\w{6})"', badges.svg(badges.Badge("n", "a", "b", tone)))
    assert len(fills) == 2
    assert all(1.05 / (luminance(fill) + 0.05) >= 4.5 for fill in fills)


def test_several_files_are_not_printed_as_one(measured, ptyreg):
    status, out, err = ptyreg("export", "svg", "-")
    assert (status, out) == (2, "")
    assert "Expected one file to print, but got 3." in err


def test_a_folder_that_cannot_be_written_is_status_3(measured, ptyreg):
    measured.write("taken", "")
    assert ptyreg("export", "json", "taken")[0] == 3


@pytest.fixture
def publishing(measured):
    conf = measured.root / "docs/conf.py"
    conf.write_text(conf.read_text() + f"ptyreg_exports = {list(FORMATS)!r}\n")
    return measured


def test_a_build_writes_the_same_beside_its_pages(publishing, ptyreg):
    built = publishing.build("html")
    assert built.warnings == ""
    beside = publishing.root / "out/html/ptyreg"
    for name in FORMATS:
        assert ptyreg("export", name, "exported")[0] == 0
    exported = publishing.root / "exported"
    files = {f.relative_to(exported): f.read_bytes() for f in exported.rglob("*") if f.is_file()}
    assert len(files) == 9
    assert files == {
        f.relative_to(beside): f.read_bytes() for f in beside.rglob("*") if f.is_file()
    }


def test_a_build_that_reads_no_page_writes_what_is_new_and_nothing_else(publishing, ptyreg):
    publishing.build("html")
    folder = publishing.root / "out/html/ptyreg"
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")}
    assert publishing.build("html").read == []
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")} == before
    publishing.write("src.py", "ANSWER = 43\n")
    publishing.build("html")
    assert "stale" in (folder / "badges/quick.svg").read_text()


@pytest.mark.parametrize("builder", ["text", "dummy", "epub"])
def test_other_builders_write_none(publishing, builder):
    publishing.build(builder)
    assert not (publishing.root / f"out/{builder}/ptyreg").exists()


def test_a_wrong_format_ends_the_build(measured):
    built = measured.build("dummy", overrides={"ptyreg_exports": ["jsno"]})
    assert built.status == 2
    assert "Did you mean json?" in built.warnings


def test_nothing_is_exported_by_default(measured):
    measured.build("html")
    assert not (measured.root / "out/html/ptyreg").exists()
