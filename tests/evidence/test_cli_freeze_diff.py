"""Releases keep their numbers, and a comparison says what moved; on real runs."""

from __future__ import annotations

import json
import shutil

import pytest

from sphinx_ptyreg.frozen import freeze


@pytest.fixture
def released(remeasured):
    """A project whose release 1.0 was frozen before it was measured again."""
    freeze(
        remeasured.load(), remeasured.store, "1.0", {"quick": remeasured.records()[:3]},
        frozen="2026-01-02T03:04:05.000000Z", commit=None,
    )  # fmt: skip
    return remeasured


def test_freeze_keeps_records_and_artifacts_and_says_what_to_do(measured, ptyreg):
    status, out, _ = ptyreg("freeze", "1.0")
    assert status == 0
    assert out.splitlines() == [
        "quick: 3 records of 1 machine class",
        "frozen in docs/evidence/releases/1.0. Commit it, then tag the release.",
    ]
    folder = measured.root / "docs/evidence/releases/1.0"
    told = json.loads((folder / "release.json").read_text())
    assert told["version"] == "1.0"
    assert told["selectors"] == {"quick": [record.id for record in measured.records()]}
    assert len(list(folder.glob("records/quick/*.json"))) == 3
    digests = {a.file_name for r in measured.records() for a in r.artifacts.values()}
    assert {file.name for file in folder.glob("artifacts/*")} == digests


def test_a_release_is_never_rewritten(measured, ptyreg):
    ptyreg("freeze", "1.0")
    before = {f: f.read_bytes() for f in measured.root.glob("docs/evidence/**/*") if f.is_file()}
    status, _, err = ptyreg("freeze", "1.0")
    assert status == 2
    assert "What a release keeps is never rewritten." in err
    after = {f: f.read_bytes() for f in measured.root.glob("docs/evidence/**/*") if f.is_file()}
    assert before == after


@pytest.mark.parametrize("version", ["..", "a/b", "", "latest", "-1", "x" * 101])
def test_a_version_is_a_name(measured, ptyreg, version):
    status, _, _ = ptyreg("freeze", "--", version)
    assert status == 2
    assert not (measured.root / "docs/evidence").exists()


def test_what_is_stale_or_failed_is_not_frozen(measured, ptyreg):
    measured.write("src.py", "ANSWER = 43\n")
    status, _, err = ptyreg("freeze", "1.0")
    assert status == 1
    assert "Expected a fresh measurement to freeze, but it is stale. Run: ptyreg run quick" in err
    assert not (measured.root / "docs/evidence").exists()


def test_the_pages_of_a_release_keep_its_numbers(released):
    page = "# P\n\nAnswer {ptyreg:value}`quick.metrics.answer:.3f`\n"
    released.write("docs/index.md", page)
    new = released.build("text", out="new")
    assert "61.500" in (released.root / "new/text/index.txt").read_text()
    assert new.warnings == ""
    old = released.build("text", mode="auto", out="old", overrides={"ptyreg_release": "1.0"})
    text = (released.root / "old/text/index.txt").read_text()
    assert "42.173" in text
    assert "mode: replay (from ptyreg_release, below auto" in old.log
    assert "61.5" not in text
    assert "stale" not in text  # it was judged when it was frozen, whatever became of the project


def test_a_checkout_of_the_release_shows_its_numbers_without_the_local_store(measured, ptyreg):
    ptyreg("freeze", "1.0")
    seconds = measured.records()[-1].durations.duration
    shutil.rmtree(measured.root / ".ptyreg")
    built = measured.build("html", overrides={"ptyreg_release": "1.0"})
    assert built.warnings == ""
    assert built.spans("ptyreg-claim")
    assert f"It takes {seconds:.2f} s" in built.text()
    assert "stale" not in built.text()


def test_an_unknown_release_ends_the_build_with_the_known_ones(released):
    built = released.build("dummy", overrides={"ptyreg_release": "1.1"})
    assert built.status == 2
    assert "Expected the frozen version to be a known one, but got '1.1'. Did you mean 1.0?" in (
        built.warnings
    )


def test_a_release_that_keeps_nothing_of_a_selector_says_so(released):
    declared = (released.root / "pyproject.toml").read_text()
    released.write(
        "pyproject.toml",
        declared + '\n[tool.ptyreg.selectors.later]\nnodeids = ["tests/test_quick.py"]\n',
    )
    released.write("docs/index.md", "# P\n\n{ptyreg:value}`later.duration`\n")
    built = released.build("dummy", overrides={"ptyreg_release": "1.0"})
    assert "later: missing: release 1.0 keeps nothing of it" in built.warnings


def test_diff_says_what_moved_and_which_inputs_changed(released, ptyreg):
    status, out, err = ptyreg("diff", "1.0", "latest")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("quick  1.0, ")
    assert "laptop, n = 3  →  no commit, " in lines[0]
    answer = next(line for line in lines if "metrics.answer" in line)
    assert answer.split() == ["metrics.answer", "42.2", "dB", "61.5", "dB", "+19.3", "dB"]
    stage = next(line for line in lines if "stages.train" in line)
    assert stage.split() == ["stages.train", "0.73", "s", "0.73", "s", "same"]
    assert "  - file changed: src.py" in lines
    assert "  - file changed: tests/test_quick.py" in lines


def test_diff_json_says_which_numbers_moved_beyond_the_spread(released, ptyreg):
    [told] = json.loads(ptyreg("diff", "release", "--json")[1])["selectors"]
    by_path = {row["path"]: row for row in told["numbers"]}
    assert by_path["metrics.answer"]["moved"] is True
    assert by_path["stages.train"]["moved"] is False
    records = released.records()
    old = [r.durations.wall for r in records[:3]]
    new = [r.durations.wall for r in records[3:]]
    apart = min(old) > max(new) or max(old) < min(new)
    assert by_path["wall"]["moved"] is apart
    assert by_path["wall"]["left"] == pytest.approx(sum(old) / 3)


def test_times_of_another_machine_class_are_not_compared(released, ptyreg, monkeypatch):
    monkeypatch.setenv("PTYREG_CLASS", "gpu-node")
    ptyreg("run")
    _, out, _ = ptyreg("diff", "laptop", "gpu-node")
    assert "duration" in out
    for line in out.splitlines():
        if line.strip().startswith(("duration", "wall", "stages", "peak", "cpu")):
            assert line.endswith("not comparable"), line
    assert "A side of one run has no spread" in out


def test_markdown_is_a_comment_for_a_pull_request(released, ptyreg):
    _, out, _ = ptyreg("diff", "1.0", "latest", "--format", "markdown")
    assert out.startswith("### A quick test\n\n|  | 1.0, ")
    assert "| `metrics.answer` | 42.2 dB | 61.5 dB | +19.3 dB |" in out
    assert "- file changed: src.py" in out
    moved = out[: out.index("<details>")]
    assert "stages.train" not in moved
    assert "stages.train" in out
    assert out.rstrip().endswith("</details>")


def test_diff_of_the_published_and_of_nothing(measured, ptyreg):
    status, out, _ = ptyreg("diff", "published")
    assert status == 0
    assert "Nothing of quick is published." in out
    assert "No release is frozen yet." in ptyreg("diff", "release")[1]
    ptyreg("publish")
    assert "metrics.answer  42.2 dB  42.2 dB  same" in ptyreg("diff", "published")[1]


def test_diff_of_an_unknown_side_lists_the_known(released, ptyreg):
    status, _, err = ptyreg("diff", "1.1")
    assert status == 2
    assert "1.0" in err


def test_a_page_says_what_moved_since_the_release(released):
    released.write("docs/index.md", "# P\n\n```{ptyreg:compare} quick\n:left: release\n```\n")
    built = released.build("html")
    text = built.text()
    assert built.warnings == ""
    assert "+19.3 dB" in text
    assert "In between: file changed: src.py; file changed: tests/test_quick.py" in text


def test_a_page_is_read_again_when_a_release_is_frozen(measured, ptyreg):
    measured.write("docs/index.md", "# P\n\n```{ptyreg:compare} quick\n:left: release\n```\n")
    first = measured.build("html")
    assert "No release is frozen yet." in first.text()
    assert measured.build("html").read == []
    ptyreg("freeze", "1.0")
    again = measured.build("html")
    assert again.read == ["index"]
    assert "Release 1.0 keeps these very runs." in again.text()
