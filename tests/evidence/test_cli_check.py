"""``ptyreg check``: judged without a build, on real runs."""

from __future__ import annotations

import json
import subprocess

import pytest

from sphinx_ptyreg.page_source import read_page


def test_all_is_well_after_a_run(measured, ptyreg):
    status, out, err = ptyreg("check")
    assert (status, err) == (0, "")
    assert out.splitlines()[-2] == "pass: 5 judged, 0 bad"  # selector, 2 guardrails, finding, claim
    assert "1 hold" in out
    assert "notes" not in out


def test_a_changed_file_is_status_1_and_named(measured, ptyreg):
    measured.write("src.py", "ANSWER = 43\n")
    status, out, _ = ptyreg("check")
    assert status == 1
    assert "fail  quick" in out
    assert "file changed: src.py" in out


def test_of_many_reasons_the_first_are_told(measured, ptyreg):
    toml = (measured.root / "pyproject.toml").read_text()
    measured.write("pyproject.toml", toml.replace('inputs = ["src.py"]', 'inputs = ["*.py"]'))
    for name in "abcdef":
        measured.write(f"{name}.py", "")
    line = next(
        line for line in ptyreg("check")[1].splitlines() if line.startswith("  fail  quick")
    )
    assert line.endswith("and 4 more")
    told = json.loads(ptyreg("check", "--json")[1])["judged"]["selectors"][0]
    assert len(told["reasons"]) == 7  # the declaration, and six files
    short, full = ptyreg("status")[1], ptyreg("status", "--json")[1]
    assert short.count("file added") == 4
    assert "2 more: ptyreg explain quick" in short
    assert len(json.loads(full)["selectors"][0]["reasons"]) == 7
    assert ptyreg("explain")[1].count("file added") == 6
    ptyreg("export", "hub", "hub")
    summary = (measured.root / "hub/summary.md").read_text()
    assert summary.count("\n- file added: ") == 6


def test_a_false_claim_is_status_1_at_its_line(measured, ptyreg):
    measured.write("docs/more.md", "# M\n\nSlow:\n{ptyreg:claim}`quick.duration\n> 90 s`.\n")
    status, out, _ = ptyreg("check")
    assert status == 1
    assert "docs/more.md:4 quick.duration > 90 s" in out


def test_a_claim_that_cannot_be_read_is_status_1(measured, ptyreg):
    measured.write("docs/more.rst", "M\n=\n\n:ptyreg:claim:`quick.nope < 1 s`\n")
    status, out, _ = ptyreg("check")
    assert status == 1
    assert "quick.nope" in out


def test_a_failing_guardrail_is_status_1(measured, ptyreg):
    toml = (measured.root / "pyproject.toml").read_text().replace('"40 dB"', '"50 dB"')
    measured.write("pyproject.toml", toml)
    status, out, _ = ptyreg("check")
    assert status == 1
    assert "answer is 42.2 dB: fail (at least 50 dB)" in out


def test_a_tampered_record_is_named_and_status_3(measured, ptyreg):
    path = next(iter(measured.store.entries("quick"))).path
    path.write_bytes(path.read_bytes().replace(b"42.173", b"99.173"))
    status, out, _ = ptyreg("check")
    assert status == 3
    assert path.name in out


def test_what_has_no_card_is_noted_and_no_verdict(measured, ptyreg):
    measured.write("docs/index.md", "# Page\n\n```{ptyreg:finding} POLICY-1\n:no-index:\n```\n")
    status, out, _ = ptyreg("check")
    assert status == 0
    assert "no page has the card of selector quick" in out
    assert "no page has the card of finding POLICY-1" in out


def test_an_alias_is_a_card_too(measured, ptyreg):
    page = measured.root / "docs/index.md"
    page.write_text(page.read_text().replace("selector} quick", "selector} swift"))
    assert "no page has" not in ptyreg("check")[1]


def test_names_leave_the_others_out(measured, ptyreg):
    toml = (measured.root / "pyproject.toml").read_text()
    other = '[tool.ptyreg.selectors.other]\nnodeids = ["tests/test_other.py"]\n'
    measured.write("pyproject.toml", f"{toml}{other}")
    measured.write("docs/more.md", "# M\n\n{ptyreg:claim}`other.duration < 1 s`\n")
    assert ptyreg("check")[0] == 1
    status, out, _ = ptyreg("check", "quick")
    assert status == 0
    assert "other" not in out


def test_here_judges_the_environment_too(measured, ptyreg, monkeypatch):
    assert ptyreg("check", "--here")[0] == 0
    monkeypatch.setattr("platform.python_version", lambda: "9.9.9")
    assert ptyreg("check")[0] == 0
    status, out, _ = ptyreg("check", "--here")
    assert status == 1
    assert "version changed: python" in out


def test_github_gets_an_annotation_for_each_problem_and_a_summary(
    measured, ptyreg, monkeypatch, tmp_path
):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    toml = (measured.root / "pyproject.toml").read_text().replace('"40 dB"', '"50 dB"')
    measured.write("pyproject.toml", toml)
    measured.write("docs/more.md", "# M\n\n{ptyreg:claim}`quick.duration > 90 s`\n")
    status, out, _ = ptyreg("check", "--format", "github", "--color", "always")
    assert status == 1
    guardrail, claim = out.splitlines()
    line = next(n for n, text in enumerate(toml.splitlines(), 1) if text.startswith("answer"))
    where = f"::error file=pyproject.toml,line={line},title=ptyreg%3A guardrail quick.answer::"
    assert guardrail == f"{where}answer is 42.2 dB: fail (at least 50 dB)"
    assert claim.startswith("::error file=docs/more.md,line=3,title=ptyreg%3A claim::claim 'quick")
    text = summary.read_text()
    assert text.startswith("before\n### ptyreg: ❌ fail\n")
    assert "| ❌ | guardrail | `quick.answer` | answer is 42.2 dB" in text


def test_a_page_may_have_any_name(measured, ptyreg):
    measured.write("docs/two words: 3.md", "# M\n\n{ptyreg:claim}`quick.duration > 90 s`\n")
    status, out, _ = ptyreg("check", "--format", "github")
    assert status == 1
    assert out.startswith("::error file=docs/two words%3A 3.md,line=3,title=ptyreg%3A claim::")
    [case] = [
        case
        for case in json.loads(ptyreg("check", "--json")[1])["judged"]["claims"]
        if case["verdict"] == "false"
    ]
    assert (case["document"], case["line"]) == ("docs/two words: 3.md", 3)


def test_an_annotation_names_a_file_from_the_top_of_the_checkout(measured, ptyreg):
    (measured.root.parent / "mono").mkdir()
    subprocess.run(["git", "init", "-q", measured.root.parent], check=True)
    measured.write("docs/more.md", "# M\n\n{ptyreg:claim}`quick.duration > 90 s`\n")
    toml = (measured.root / "pyproject.toml").read_text().replace('"40 dB"', '"50 dB"')
    measured.write("pyproject.toml", toml)
    _, out, _ = ptyreg("check", "--format", "github")
    files = [line.partition("file=")[2].partition(",")[0] for line in out.splitlines()]
    assert files == ["project/pyproject.toml", "project/docs/more.md"]


def test_what_a_directive_of_rest_holds_is_judged(measured, ptyreg):
    measured.write(
        "docs/more.rst",
        "M\n=\n\n.. ptyreg:selector:: quick\n\n   :ptyreg:claim:`quick.duration > 90 s`\n\n"
        "Code::\n\n   :ptyreg:claim:`quick.duration > 91 s`\n",
    )
    status, out, _ = ptyreg("check")
    assert status == 1
    assert "docs/more.rst:6 quick.duration > 90 s" in out
    assert "91 s" not in out


def test_a_finding_whose_claim_has_a_typo_fails(measured, ptyreg):
    toml = (measured.root / "pyproject.toml").read_text()
    typo = 'title = "t"\nrule = "r"\nclaim = "quick.durration < 90 s"\n'
    measured.write("pyproject.toml", f"{toml}\n[tool.ptyreg.findings.TYPO-1]\n{typo}")
    status, out, _ = ptyreg("check")
    assert status == 1
    assert "Did you mean quick.duration" in out


def test_an_annotation_cannot_begin_another_command(measured, ptyreg):
    text = "quick.nope%0A::error file=x::y < 1 s"
    measured.write("docs/more.md", f"# M\n\n{{ptyreg:claim}}`{text}`\n")
    _, out, _ = ptyreg("check", "--format", "github")
    [line] = out.splitlines()
    assert line.startswith("::error file=docs/more.md,line=3,")
    assert "%0A" not in line.replace("%250A", "")


def test_json_is_the_same_report_as_the_builders(measured, ptyreg):
    from sphinx_ptyreg.report import cases

    told = json.loads(ptyreg("check", "--json")[1])["judged"]
    built = measured.build("ptyreg")
    assert built.status == 0
    report = json.loads((measured.root / "out/ptyreg/ptyreg.json").read_text())
    same = [case[0] for case in cases(report)], [case[0] for case in cases(told)]
    assert same[0] == same[1]
    assert report["selectors"] == told["selectors"]
    assert report["verdict"] == told["verdict"] == "pass"


@pytest.mark.parametrize(
    ("source", "claims", "cards"),
    [
        ("{ptyreg:claim}`a.b < 1 s`", [(1, "a.b < 1 s")], []),
        (":ptyreg:claim:`a.b < 1 s`", [(1, "a.b < 1 s")], []),
        ("x\n\n`` {ptyreg:claim}`a.b < 1 s` ``", [], []),
        ("````md\n{ptyreg:claim}`a.b < 1 s`\n````", [], []),
        ("```{note}\n{ptyreg:claim}`a.b < 1 s`\n```\n\n{ptyreg:claim}`c.d < 1 s`",
         [(2, "a.b < 1 s"), (5, "c.d < 1 s")], []),
        (":::{ptyreg:selector} a\n:::\n\n```{ptyreg:finding} F-1\nx\n```",
         [], [("selector", "a"), ("finding", "F-1")]),
        (".. ptyreg:selector:: a\n   :no-index:\n\n.. ptyreg:finding:: B\n",
         [], [("finding", "B")]),
        ("Code::\n\n    :ptyreg:claim:`a.b < 1 s`\n", [], []),
        (".. note::\n\n   :ptyreg:claim:`a.b < 1 s`\n", [(3, "a.b < 1 s")], []),
        (".. ptyreg:selector:: a\n\n   :ptyreg:claim:`a.b < 1 s`\n",
         [(3, "a.b < 1 s")], [("selector", "a")]),
        ("- so::\n\n  {ptyreg:claim}`a.b < 1 s`", [(3, "a.b < 1 s")], []),
        (".. :ptyreg:claim:`a.b < 1 s`\n", [], []),
        ("% {ptyreg:claim}`a.b < 1 s`\n", [], []),
        ("```{eval-rst}\nx::\n\n  :ptyreg:claim:`a.b < 1 s`\n\n:ptyreg:claim:`c.d < 1 s`\n```",
         [(6, "c.d < 1 s")], []),
    ],
)  # fmt: skip
def test_a_page_is_read_without_sphinx(source, claims, cards):
    rst = source.startswith((".", ":", "Code"))
    assert read_page(source, rst=rst and not source.startswith(":::{")) == (claims, cards)
