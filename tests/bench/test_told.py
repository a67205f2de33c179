"""What a build tells, where, and when it is an error; a build that reads nothing tells the same."""

from __future__ import annotations

import re

import msgspec
import pytest

from sphinx_ptyreg.record import Metric, Outcome, TestResult

FORMAT = """
[tool.ptyreg.findings.FORMAT-1]
title = "It loads"
rule = "The quick test passes."
nodeids = ["tests/test_quick.py::test_quick"]
[tool.ptyreg.findings.TYPO-1]
title = "A typo"
rule = "It takes at most 90 s."
claim = "quick.durration.max <= 90 s"
"""
BOTH = pytest.mark.parametrize("rst", [False, True], ids=["myst", "rst"])


def declare(bench, more):
    file = bench.root / "pyproject.toml"
    file.write_text(file.read_text() + more)


def contradict(bench):
    test = TestResult(nodeid="tests/test_quick.py::test_quick", outcome=Outcome.FAILED, seconds=1.0)
    bench.seed(tests=[test])


def lines(built, kind="ptyreg"):
    return [line for line in built.warnings.splitlines() if f"[{kind}" in line]


# --- findings -----------------------------------------------------------------------------------

CITED = {
    "finding-status": "```{ptyreg:finding-status} FORMAT-1\n```\n",
    "finding": "```{ptyreg:finding} FORMAT-1\n```\n",
    "findings": "```{ptyreg:findings}\n:only: FORMAT-1\n```\n",
}


@pytest.mark.parametrize("cited", sorted(CITED))
def test_a_false_finding_is_told_where_it_is_cited_in_every_build(bench, cited):
    declare(bench, FORMAT)
    contradict(bench)
    card = "" if cited == "finding" else "\n" + CITED["finding"]
    bench.page(f"First.\n\n{CITED[cited]}{card}", builder="html")
    built = bench.build("html")
    assert built.read == []
    [told] = lines(built)
    assert told.startswith(f"{bench.root}/docs/index.md:5: WARNING: finding FORMAT-1: false: ")
    assert told.endswith("test_quick failed in quick [ptyreg.claim]")
    assert built.status == 0


def test_a_stale_finding_and_one_that_cannot_be_judged_are_told_too(bench):
    declare(bench, FORMAT)
    bench.seed()
    bench.write("src.py", "ANSWER = 43\n")
    built = bench.page("```{ptyreg:finding} SPEED-1\n```\n\n```{ptyreg:finding} TYPO-1\n```\n")
    told = lines(built)
    assert len(told) == 2
    assert "finding SPEED-1: stale evidence: quick.duration.max <= 90 s (36.00 s, n = 1)" in told[0]
    assert "finding TYPO-1: no data: Expected the value to be a known one" in told[1]
    assert "Did you mean quick.duration.max" in told[1]


def test_a_finding_that_holds_or_that_nobody_cites_is_not_told(bench):
    declare(bench, FORMAT)
    contradict(bench)
    built = bench.page("```{ptyreg:finding} POLICY-1\n```\n\n{ptyreg:value}`quick.duration`\n")
    assert built.warnings == ""


def test_where_evidence_is_required_a_false_finding_fails_the_build(bench):
    declare(bench, FORMAT)
    file = bench.root / "pyproject.toml"
    text = file.read_text()
    a, b = text.index("[tool.ptyreg.selectors.slow]"), text.index("[tool.ptyreg.findings.POLICY-1]")
    c = text.index("[tool.ptyreg.findings.TYPO-1]")
    file.write_text(text[:a] + text[b:c])
    contradict(bench)
    required = {"overrides": {"ptyreg_mode": "require"}}
    built = bench.page("```{ptyreg:finding} FORMAT-1\n```\n", builder="html", **required)
    assert "index.md:3: ERROR: finding FORMAT-1: false" in built.warnings
    assert built.status == 1
    assert bench.build("html", **required).status == 1
    built = bench.page("Nothing.\n", builder="html", **required)
    assert "ERROR: finding FORMAT-1: false" in built.warnings
    assert built.status == 1
    bench.write("tests/test_quick.py", "def test_quick():\n    'again'\n")
    bench.seed(started="2026-05-04T05:06:07.000000Z")
    built = bench.page("```{ptyreg:finding} FORMAT-1\n```\n", builder="html", **required)
    assert (built.warnings, built.status) == ("", 0)


# --- where --------------------------------------------------------------------------------------


@BOTH
def test_in_an_included_file_everything_is_located_there(seeded, rst):
    role = ":ptyreg:{}:`{}`" if rst else "{{ptyreg:{}}}`{}`"
    part = [role.format("claim", "quick.duration.max <= 9 s"), role.format("value", "never.wall")]
    seeded.write("docs/parts/part.txt", "One.\n\n" + "\n\n".join(part) + "\n")
    line = ".. include:: parts/part.txt\n" if rst else "```{include} parts/part.txt\n```\n"
    for _ in range(2):
        built = seeded.page(f"First.\n\n{line}", rst=rst, builder="html")
        claim, missing = sorted(lines(built))
        assert claim.startswith(f"{seeded.root}/docs/parts/part.txt:3: WARNING: claim 'quick")
        assert missing.startswith(f"{seeded.root}/docs/parts/part.txt:5: WARNING: never: missing")
    told = seeded.page(f"First.\n\n{line}", rst=rst, builder="ptyreg")
    assert '"document":"parts/part.txt","line":3' in told.file("ptyreg.json")


def test_a_place_in_the_page_itself_names_no_file(seeded):
    built = seeded.page("{ptyreg:value}`quick.duration` {ptyreg:claim}`quick.wall < 99 s`\n")
    domain = built.app.env.get_domain("ptyreg")
    assert {citation.source for citation in domain.citations["index"].values()} == {""}
    assert [place for _, place in domain.claims["index"]] == [("index", 3, "")]


def test_a_failure_is_told_only_where_it_is_shown(bench):
    bench.seed("slow", outcome=Outcome.FAILED, reason="tests/test_slow.py::test_slow", exit_code=1)
    bench.seed()
    assert bench.page("{ptyreg:value}`quick.duration`\n", builder="html").warnings == ""
    built = bench.page("First.\n\n{ptyreg:status}`slow`\n", builder="html")
    [told] = lines(built)
    assert "index.md:5: WARNING: slow: failed: tests/test_slow.py::test_slow" in told


# --- what nothing is there of -------------------------------------------------------------------


def test_an_image_whose_file_is_gone_is_told_in_every_build(bench):
    picture = bench.picture()
    bench.seed(artifacts={"object": picture})
    (bench.root / ".ptyreg/artifacts" / picture.file_name).unlink()
    bench.page("First.\n\n```{ptyreg:artifact-figure} quick.object\n```\n", builder="html")
    built = bench.build("html")
    assert built.read == []
    [told] = lines(built)
    words = "quick: missing: Expected the file of quick.object in the store, but got none."
    assert f"index.md:5: WARNING: {words}" in told
    assert "[ptyreg.missing]" in told
    assert built.spans("ptyreg-problem") == ["⚠ The image quick.object is not in the store."]
    bench.picture()
    assert bench.build("html").warnings == ""


@pytest.mark.parametrize("statistic", ["stdev", "cv"])
def test_the_spread_of_one_run_is_no_data(bench, statistic):
    bench.seed()
    path = f"quick.duration.{statistic}"
    for _ in range(2):
        built = bench.page(f"First.\n\n{{ptyreg:value}}`{path}`\n", builder="html")
        assert built.spans("ptyreg-problem") == ["no data"]
        [told] = lines(built)
        assert (
            f"index.md:5: WARNING: quick: missing: Expected two runs for {path}, but got 1" in told
        )
    bench.seed(started="2026-05-04T05:06:07.000000Z", duration=38.0)
    built = bench.build("html")
    assert built.read == ["index"]
    assert built.warnings == ""


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("never.nonsense", "but got 'never.nonsense'"),
        ("never.durration", "Did you mean never.duration"),
        ("never.duration.men", "Did you mean never.duration"),
        ("never.stages", "but got 'never.stages'"),
    ],
)
def test_a_typo_is_told_though_nothing_was_measured(bench, path, words):
    built = bench.page(f"{{ptyreg:value}}`{path}`\n")
    assert words in built.warnings
    assert "[ptyreg.unknown]" in built.warnings


def test_what_a_measurement_may_have_is_not_called_a_typo(bench):
    paths = ["duration.stdev", "metrics.x.mean", "stages.train", "environment.cpu", "commit"]
    built = bench.page(" ".join(f"{{ptyreg:value}}`never.{path}`" for path in paths))
    assert built.spans("ptyreg-problem") == ["not measured"] * len(paths)
    assert [line.rpartition(" ")[2] for line in lines(built)] == ["[ptyreg.missing]"]


# --- wrong arguments ----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("name", "argument", "option", "words"),
    [
        ("runtime", "quick.nope", "", "the selector to be a known one, but got 'quick.nope'. Did"),
        ("output", "quick.duration", "", "but got 'quick.duration'"),
        ("machines", "quick", "metrics: duratoin", "the number to be a known one, but got"),
        ("compare", "quick", "only: answr", "but got 'answr'. Did you mean answer?"),
        ("environment", "quick", "only: linux", "the machine class to be a known one"),
        ("metrics", "quick", "only: anser", "Did you mean answer?"),
        ("history", "quick.durration", "", "Did you mean quick.duration"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_a_located_typed_warning(seeded, rst, name, argument, option, words):
    if rst:
        text = f".. ptyreg:{name}:: {argument}\n" + (f"   :{option}\n" if option else "")
    else:
        text = f"```{{ptyreg:{name}}} {argument}\n" + (f":{option}\n" if option else "") + "```\n"
    built = seeded.page(f"First.\n\n{text}", rst=rst)
    [told] = lines(built, "ptyreg.unknown")
    assert f"index.{'rst' if rst else 'md'}:{6 if rst else 5}: WARNING: Expected the" in told
    assert words in told


def test_a_bound_that_can_never_be_judged_is_told(bench):
    toml = (bench.root / "pyproject.toml").read_text().replace('"40 dB"', '"40 dBs"')
    bench.write("pyproject.toml", toml)
    bench.seed()
    built = bench.page("```{ptyreg:guardrails} quick\n```\n")
    assert (
        "quick: guardrail: answer: Expected the bound in a unit that dB converts to, "
        "but got at least 40 dBs. [ptyreg.guardrail]" in built.warnings
    )


def test_a_unit_of_the_projects_own_is_formatted_claimed_and_guarded(bench):
    toml = (bench.root / "pyproject.toml").read_text()
    bounds = 'minimum = "2 furlong", baseline = "published", tolerance = "1 furlong"'
    toml = toml.replace('answer = { minimum = "40 dB" }', f"odd = {{ {bounds} }}")
    bench.write("pyproject.toml", toml)
    for published in (False, True):
        bench.seed(metrics={"odd": Metric(value=3.0, unit="furlong")}, published=published)
    built = bench.page(
        "{ptyreg:value}`quick.metrics.odd:.1f furlong` "
        "{ptyreg:claim}`quick.metrics.odd < 4 furlong` "
        "{ptyreg:value}`quick.guardrails.odd.minimum`\n\n```{ptyreg:guardrails} quick\n```\n"
    )
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["3.0 furlong", "2 furlong"]
    assert built.spans("ptyreg-badge") == ["pass"] * 4


def test_a_declared_bound_is_a_number(seeded):
    built = seeded.page(
        "{ptyreg:value}`quick.guardrails.duration.warn` "
        "{ptyreg:value}`quick.guardrails.duration.warn:.1f min` {ptyreg:value}`quick.timeout` "
        "{ptyreg:claim}`quick.duration.max <= quick.guardrails.duration.fail`\n"
    )
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["60 s", "1.0 min", "600 s"]
    assert built.spans("ptyreg-measured") == [" (36.20 s, n = 3)"]


@BOTH
def test_a_role_may_be_wrapped_between_its_parts(seeded, rst):
    role = ":ptyreg:{}:`{}`" if rst else "{{ptyreg:{}}}`{}`"
    name = "quick" if rst else "quick\n"  # reST ends no role behind blank space
    parts = [("value", "quick.duration:.1f\ns"), ("status", name), ("age", name),
             ("claim", "quick.duration.max\n<= 90 s")]  # fmt: skip
    built = seeded.page(" ".join(role.format(*part) for part in parts) + "\n", rst=rst)
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["36.0 s", "measured 2026-03-06 at a1b2c3d"]


# --- defined twice ------------------------------------------------------------------------------

CARD = "```{ptyreg:selector} quick\n```\n"


def test_a_second_card_in_the_same_page_warns_too(seeded):
    built = seeded.page(f"{CARD}\n{CARD}", builder="html")
    [told] = lines(built)
    assert told.startswith(
        f"{seeded.root}/docs/index.md:6: WARNING: Expected selector quick to be "
    )
    assert "defined once, but it is also defined in index, line 3. Give one of them" in told
    assert told.endswith("[ptyreg.config]")
    assert lines(seeded.build("html")) == lines(built)


def test_with_a_duplicate_every_build_comes_out_the_same(seeded):
    for name in "abcdefgh":
        seeded.write(f"docs/{name}.md", f"---\norphan: true\n---\n# {name}\n\n{CARD}")
    links = "{ptyreg:ref}`quick`, {ptyreg:metric}`quick.answer`\n"
    first = seeded.page(links, builder="html", out="j1")
    again = seeded.page(links, builder="html", out="j4", parallel=4)
    assert 'href="a.html#ptyreg-selector' in first.file()
    assert first.file() == again.file()
    told = [re.sub(r"^\S+/docs/", "", line) for line in lines(first)]
    assert [re.sub(r"^\S+/docs/", "", line) for line in lines(again)] == told
    assert [line.partition(":")[0] for line in told] == [f"{name}.md" for name in "bcdefgh"]
    seeded.write("docs/a.md", f"---\norphan: true\n---\n# a\n\nMore.\n\n{CARD}")
    changed = seeded.page(links, builder="html", out="j1")
    assert 'href="a.html#ptyreg-selector' in changed.file()


# --- typed numbers ------------------------------------------------------------------------------

LINT = {"overrides": {"ptyreg_lint": True}}


def test_typed_numbers_are_told_in_every_build_and_judged_anew(seeded):
    seeded.write("docs/other.md", "---\norphan: true\n---\n# Other\n\nNothing, 35 s.\n")
    assert seeded.page("quick takes 35 s.\n", builder="html").warnings == ""
    switched = seeded.build("html", **LINT)
    assert sorted(switched.read) == ["index", "other"]
    assert (
        "index.md:3: WARNING: typed number 35 s: no record of quick supports" in switched.warnings
    )
    again = seeded.build("html", **LINT)
    assert again.read == []
    assert lines(again) == lines(switched)
    assert seeded.build("html").warnings == ""  # switched off
    seeded.seed(started="2026-05-04T05:06:07.000000Z", duration=35.0,
                inputs=msgspec.structs.replace(seeded.record().inputs, python="3.12"))  # fmt: skip
    supported = seeded.build("html", **LINT)
    assert supported.read == ["index"]
    assert supported.warnings == ""


def test_typed_numbers_of_rest_are_read_as_rest(seeded):
    built = seeded.page(
        "quick::\n\n   35 s\n\n.. note::\n\n   quick takes 35 s.\n", rst=True, **LINT
    )
    assert [line.partition(" ")[0] for line in lines(built)] == [
        f"{seeded.root}/docs/index.rst:10:"
    ]


def test_parallel_reading_finds_the_same_typed_numbers(seeded):
    for i in range(8):
        seeded.write(f"docs/p{i}.md", f"---\norphan: true\n---\n# P{i}\n\nquick takes 35 s.\n")
    told = [
        lines(seeded.page("Nothing.\n", builder="html", parallel=jobs, out=f"j{jobs}", **LINT))
        for jobs in (1, 4)
    ]
    assert len(told[0]) == 8
    assert told[0] == told[1]


# --- the declaration ----------------------------------------------------------------------------


@pytest.mark.parametrize("change", [
    ('requires = ["pytest>=7"]', 'requires = ["pytest>=8"]'),
    ('title = "A quick test"', 'title = "The quick test"'),
])  # fmt: skip
def test_what_a_card_shows_of_the_declaration_reads_its_page_again(seeded, change):
    seeded.page(CARD, builder="html")
    toml = (seeded.root / "pyproject.toml").read_text()
    seeded.write("pyproject.toml", toml.replace(*change))
    built = seeded.build("html")
    assert built.read == ["index"]
    assert change[1].split('"')[1] in built.text()


def test_markers_too(bench):
    toml = (bench.root / "pyproject.toml").read_text()
    marked = toml.replace('nodeids = ["tests/test_never.py"]', 'markers = "slow"')
    bench.write("pyproject.toml", marked)
    quiet = {"overrides": {"suppress_warnings": ["ptyreg.missing"]}}
    bench.page("```{ptyreg:selectors}\n:only: never\n```\n", builder="html", **quiet)
    bench.write("pyproject.toml", marked.replace('"slow"', '"fast"'))
    built = bench.build("html", **quiet)
    assert built.read == ["index"]
    assert '-m "fast"' in built.text()


def test_a_new_selector_reads_no_page_again_that_cites_a_finding(seeded):
    seeded.page("```{ptyreg:finding} SPEED-1\n```\n\n{ptyreg:value}`quick.wall`\n", builder="html")
    declare(seeded, '\n[tool.ptyreg.selectors.newcomer]\nmarkers = "x"\n')
    assert seeded.build("html").read == []


def test_a_tag_that_a_trend_shows_reads_its_page_again(seeded):
    import subprocess

    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e", *arguments],
            cwd=seeded.root, check=True, capture_output=True,
        )  # fmt: skip

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=seeded.root, check=True,
                          capture_output=True, text=True).stdout.strip()  # fmt: skip
    commit = msgspec.structs.replace(seeded.record().commit, id=head)
    seeded.seed(started="2026-05-04T05:06:07.000000Z", commit=commit)
    text = "```{ptyreg:history} quick.duration\n:no-plot:\n```\n"
    seeded.write("docs/other.md", "---\norphan: true\n---\n# Other\n\n{ptyreg:value}`quick.wall`\n")
    assert head[:7] in seeded.page(text, builder="html").text()
    git("tag", "v1.0")
    built = seeded.build("html")
    assert built.read == ["index"]
    assert "v1.0" in built.text()


def test_a_wrong_root_names_the_key_and_the_path(bench):
    conf = (bench.root / "docs/conf.py").read_text()
    bench.write("docs/conf.py", conf + 'ptyreg_root = "../.."\n')
    bench.write("docs/index.md", "# P\n")
    done = bench.sphinx("html")
    assert done.returncode == 2
    where = bench.root.parent
    assert (
        "conf.py, ptyreg_root: Expected a folder with a pyproject.toml, but got '../..', "
        f"which is {where}. [ptyreg.config]" in done.stderr
    )
