"""Numbers that meet: of several runs, classes, units, selectors, layers and releases."""

from __future__ import annotations

import json
import subprocess

import pytest
from msgspec.structs import replace

from sphinx_ptyreg.comparison import compare
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.frozen import freeze, release_store
from sphinx_ptyreg.record import Citation, Commit, Durations, Metric
from sphinx_ptyreg.sides import find_sides
from sphinx_ptyreg.store import Store

CITED = Citation(file="rep.xml", line=1, excerpt="x", sha256="1" * 64, kind="junit")
DECLARED = """
[tool.ptyreg.selectors.quick]
nodeids = ["tests/test_quick.py::test_quick"]
inputs = ["src.py"]
"""


def took(seconds: float) -> Durations:
    return Durations(duration=seconds, duration_call=seconds, wall=seconds)


def score(value: float, unit: str = "px") -> dict[str, Metric]:
    return {"score": Metric(value=value, unit=unit)}


def at(day: int) -> str:
    return f"2026-03-{day:02d}T05:06:07.000000Z"


def own(project):
    return Evidence(project.load(), project.store).selector("quick")


def compared(project, left: str, right: str):
    evidence = Evidence(project.load(), project.store)
    return compare(*find_sides(evidence, evidence.selector("quick"), left, right))


@pytest.mark.parametrize("change", ["publish", "publish another", "damage"])
def test_a_comparison_follows_what_is_published(project, change):
    project.write("docs/index.md", "# Page\n\n```{ptyreg:compare} quick\n:left: published\n```\n")
    first = project.record(durations=took(10.0), started=at(1))
    project.store.local.add(first)
    if change != "publish":
        project.store.publish(first)
    project.build()
    if change == "publish":
        project.store.publish(first)
    elif change == "publish another":
        second = project.record(durations=took(20.0), started=at(2))
        project.store.local.add(second)
        project.store.publish(second)
    else:
        [file] = (project.root / "docs/evidence/records/quick").iterdir()
        file.write_bytes(file.read_bytes().replace(b"10.0", b"11.0"))
    told = project.build().warnings
    again = project.html()
    fresh = project.build(out="fresh").warnings
    assert (project.root / "fresh/html/index.html").read_text() == again
    assert told == fresh
    assert ("ptyreg.record" in told) is (change == "damage")


def test_a_release_is_held_against_what_was_published_then(project, declare):
    bounds = '[tool.ptyreg.selectors.quick.guardrails]\nduration = {baseline = "published"'
    declare(f'{DECLARED}\n{bounds}, tolerance = "10 %"}}\n')
    kept = project.record(durations=took(10.0), started=at(1))
    project.store.publish(kept)
    project.store.local.add(project.record(durations=took(20.0), started=at(2)))

    def judged(store: Store):
        evidence = Evidence(project.load(), store)
        sides = find_sides(evidence, evidence.selector("quick"), "published", "latest")
        [judgement] = evidence.selector("quick").judgements
        return judgement.verdict, judgement.checks, compare(*sides).rows[0]

    live = judged(project.store)
    assert live[0] == "warn"
    records = own(project).samples
    assert len(records) == 2
    freeze(project.load(), project.store, "1.0", {"quick": records}, frozen=at(3), commit=None)
    assert judged(release_store(project.load(), "1.0")) == live


def test_a_release_of_which_nothing_was_published_has_no_baseline(project, declare):
    bounds = '[tool.ptyreg.selectors.quick.guardrails]\nduration = {baseline = "published"'
    declare(f'{DECLARED}\n{bounds}, tolerance = "10 %"}}\n')
    project.seed()
    freeze(
        project.load(), project.store, "1.0", {"quick": own(project).samples}, frozen=at(3),
        commit=None,
    )  # fmt: skip
    evidence = Evidence(project.load(), release_store(project.load(), "1.0"))
    assert evidence.selector("quick").judgements[0].verdict == "not comparable"


def test_a_metric_called_like_what_every_run_has_is_no_part_of_it(project, declare):
    guardrails = "[tool.ptyreg.selectors.quick.guardrails]\n"
    declare(f'{DECLARED}\n{guardrails}duration = {{fail = "90 s"}}\n'
            'duration_call = {fail = "3 s"}\n')  # fmt: skip
    project.seed(durations=took(10.0), metrics={"duration": Metric(value=100.0, unit="s")})
    judged = {each.metric: each for each in own(project).judgements}
    assert judged["duration"].value == (10.0, "s")
    assert [each.verdict.value for each in judged.values()] == ["pass", "fail"]


def test_a_history_keeps_imports_and_other_units_apart(page, project):
    project.seed(metrics=score(3.0), started=at(1), machine_class="ci")
    project.seed(metrics=score(9.0), started=at(2), machine_class="ci", source="import",
                 citation=CITED)  # fmt: skip
    project.seed(metrics=score(5.0, "s"), started=at(3), machine_class="ci", source="import",
                 citation=CITED)  # fmt: skip
    text = page("```{ptyreg:history} quick.metrics.score\n:no-plot:\n```").text()
    assert "ci (imported)" in text
    assert all(each in text for each in ("3 px", "9 px", "5.00 s"))
    drawn = page("```{ptyreg:history} quick.metrics.score\n```", builder="html")
    assert not drawn.warnings
    assert "2 runs on 2 machine classes" in project.html()


@pytest.mark.parametrize(
    ("claim", "measured", "provenance"),
    [
        ("quick.timeout <= 10 min", "300.00 s", ""),
        ("quick.timeout >= quick.duration.max", "10.00 s, n = 1", "2026-03-01"),
        ("other.timeout >= quick.duration.max", "10.00 s, n = 1", "2026-03-01"),
        ("quick.duration.max <= other.duration.max", "10.00 s, n = 1", "quick: .* other: "),
    ],
)
def test_a_claim_tells_the_measured_side_and_each_provenance(
    page, project, declare, claim, measured, provenance
):
    declare(f"{DECLARED}timeout = 300\n{DECLARED.replace('quick', 'other')}timeout = 300\n")
    project.write("tests/test_other.py", "def test_other():\n    pass\n")
    project.seed(durations=took(10.0), started=at(1))
    if "other.duration" in claim:
        project.seed("other", durations=took(20.0), started=at(2))
    page(f"{{ptyreg:claim}}`{claim}`", builder="html")
    html = project.html()
    assert f"({measured})" in html or not provenance
    titles = [part.split('"')[0] for part in html.split('title="')[1:]]
    told = [title for title in titles if "measured" in title]
    assert bool(told) is bool(provenance)
    if "quick:" in provenance:
        assert "quick: measured 2026-03-01" in told[0]
        assert "other: measured 2026-03-02" in told[0]


def test_each_selector_of_a_claim_tells_its_own_runs(page, project, declare):
    declare(f"{DECLARED}{DECLARED.replace('quick', 'other')}")
    project.write("tests/test_other.py", "def test_other():\n    pass\n")
    project.seed(durations=took(10.0), started=at(1))
    for day in (2, 3):
        project.seed("other", durations=took(20.0 + day), started=at(day))
    page("{ptyreg:claim}`quick.duration.max <= other.duration.mean`", builder="html")
    html = project.html()
    assert "quick: measured 2026-03-01 at a1b2c3d on linux-x86_64-testbox-2c, n = 1; " in html
    assert "other: measured 2026-03-03 at a1b2c3d on linux-x86_64-testbox-2c, n = 2" in html


def test_a_claim_about_what_is_declared_is_never_stale(page, project):
    project.seed()
    project.write("src.py", "ANSWER = 43\n")
    assert "ptyreg.claim" not in page("{ptyreg:claim}`quick.timeout <= 1000 s`").warnings
    assert "stale evidence" in page("{ptyreg:claim}`quick.duration <= 1000 s`").warnings


def test_times_of_a_test_are_not_compared_across_machine_classes(project):
    project.seed(metrics=score(3.5, "us"), machine_class="laptop", started=at(1))
    project.seed(metrics=score(7.0, "us"), machine_class="gpu", started=at(2))
    rows = {row.path: row for row in compared(project, "laptop", "gpu").rows}
    assert rows["metrics.score"].change == "not comparable"
    assert not rows["metrics.score"].moved


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((3.5, "us"), (3500.0, "ns"), "same"),
        ((3.5, "us"), (7000.0, "ns"), "+100.0 %"),
        ((3.5, "us"), (7.0, "px"), "other unit"),
    ],
)
def test_another_unit_is_converted_or_told(project, before, after, change):
    project.seed(metrics=score(*before), started=at(1))
    project.write("src.py", "ANSWER = 43\n")
    project.seed(metrics=score(*after), started=at(2))
    rows = {row.path: row for row in compared(project, "previous", "latest").rows}
    assert rows["metrics.score"].change == change
    assert rows["metrics.score"].moved is (change != "same")


def test_published_prefers_runs_to_imports_and_marks_these(project):
    run = project.record(started=at(1), machine_class="ci", durations=took(10.0))
    imported = project.record(
        started=at(2), machine_class="ci", durations=took(90.0), source="import", citation=CITED,
        inputs=replace(project.inputs(), declaration="of another file"),
    )  # fmt: skip
    for record in (run, imported):
        project.store.publish(record)
    found = compared(project, "published", "ci (imported)")
    assert [side.records[0].imported for side in (found.left, found.right)] == [False, True]
    assert ", ci, n = 1" in found.left.label
    assert "ci (imported), n = 1" in found.right.label


def test_verified_speaks_for_every_run_of_a_mean(page, project):
    for argv in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *argv], cwd=project.root, check=True)
    records = [project.record(started=at(day), metrics=score(day)) for day in (1, 2)]
    for record in records:
        project.store.local.add(record)
    project.store.publish(records[1])
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "add", "-A"], cwd=project.root, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "x"], cwd=project.root, check=True)
    card = "```{ptyreg:selector} quick\n:verified:\n```"
    assert "not verified 1 of 2 runs" in page(card).text()
    project.store.publish(records[0])
    subprocess.run(["git", "add", "-A"], cwd=project.root, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "y"], cwd=project.root, check=True)
    assert "verified commit" in page(card).text().replace(":", "")


def test_a_mean_has_no_run_that_is_too_old(project, declare, monkeypatch):
    declare(f'{DECLARED}max_age = "1 d"\n')
    project.seed(started=at(1), durations=took(10.0))
    project.seed(started=at(4), durations=took(30.0))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772600000")  # 2026-03-04T04:53:20Z
    evidence = own(project)
    assert (evidence.values["duration.mean"].value, evidence.freshness.state) == (30.0, "fresh")
    assert [len(samples) for samples in evidence.classes.values()] == [1]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1792600000")  # all are too old then
    assert own(project).values["duration.mean"].n == 2


def test_check_of_one_selector_includes_findings_that_claim_something_of_it(project, declare):
    claim = 'claim = "quick.metrics.answer >= 50 dB"'
    finding = f'[tool.ptyreg.findings.F-1]\ntitle = "x"\nrule = "y"\n{claim}\n'
    declare(DECLARED + DECLARED.replace("quick", "other") + finding)
    project.write("tests/test_other.py", "def test_other():\n    pass\n")
    project.seed()
    project.seed("other")
    assert project.cli("check", "quick").returncode == 1
    assert "F-1" in project.cli("check", "quick").stdout
    assert project.cli("check", "other").returncode == 0


def test_check_tells_a_warning(project, declare):
    guardrails = "[tool.ptyreg.selectors.quick.guardrails]\n"
    declare(f'{DECLARED}\n{guardrails}duration = {{warn = "1 s"}}\n')
    project.seed()
    answer = project.cli("check")
    assert answer.returncode == 0
    [line] = [line for line in answer.stdout.splitlines() if "quick.duration" in line]
    assert line.split()[0] == "warn"
    assert "1 s" in line


@pytest.mark.parametrize("name", ["range", "cv", "stdev"])
def test_a_metric_may_be_called_like_a_statistic(page, project, name):
    project.seed(metrics={name: Metric(value=5.0, unit="px")})
    assert not page(f"{{ptyreg:claim}}`quick.metrics.{name} >= 4 px`").warnings
    assert "no data" in page(f"{{ptyreg:claim}}`quick.metrics.{name}.range >= 0 px`").warnings


def test_a_spread_that_no_further_run_gives_asks_for_none(page, project):
    for day in (1, 2):
        project.seed(metrics=score(0.0), started=at(day))
    told = page("{ptyreg:value}`quick.metrics.score.cv`").warnings
    assert "Expected quick.metrics.score not to be 0 on average, but it is." in told
    assert "--repeats" not in told


def test_the_range_of_one_run_is_no_data(page, project):
    project.seed()
    built = page("{ptyreg:value}`quick.duration.range`")
    assert "Expected two runs for quick.duration.range, but got 1" in built.warnings
    assert "no data" in built.text()


def test_the_manifest_tells_what_was_published(project):
    record = project.record(commit=Commit(id="a" * 40, dirty=False))
    project.store.local.add(record)
    project.store.publish(record)
    assert project.cli("freeze", "1.0").returncode == 0
    manifest = json.loads((project.root / "docs/evidence/releases/1.0/release.json").read_bytes())
    assert manifest["published"] == [record.id]
