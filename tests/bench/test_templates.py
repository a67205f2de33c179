"""Values in a theme's templates: they say when they are old, and so does the build."""

from __future__ import annotations

import os

import pytest

from sphinx_ptyreg.record import Outcome

SIX = "quick.duration:.1f s"


def theme(bench, *references, other=()):
    """Let a template show values; return the options of a build with it."""
    values = " | ".join(f"{{{{ ptyreg_value({reference!r}) }}}}" for reference in references)
    text = f"{{% extends '!page.html' %}}{{% block footer %}}<p>{values}</p>{{% endblock %}}"
    bench.write("docs/_templates/page.html", text)
    for name in ("one", "two", "three"):
        bench.write(f"docs/{name}.md", f"---\norphan: true\n---\n# {name}\n")
    bench.write("docs/index.md", "# Page\n\nNothing.\n")
    overrides = {"templates_path": ["_templates"], "html_theme": "alabaster", **dict(other)}
    return {"overrides": overrides}


def ours(built):
    return [line for line in built.warnings.splitlines() if "[ptyreg." in line]


def test_a_stale_value_says_so_and_is_told_once_in_every_build(bench):
    bench.seed()
    options = theme(bench, SIX, "quick.duration.max:.1f s", "quick.timeout")
    built = bench.build(**options)
    assert ours(built) == []
    assert "<p>36.0 s | 36.0 s | " in built.file("one.html")
    bench.write("src.py", "ANSWER = 43\n")
    for _ in range(2):
        built = bench.as_fresh(**options)
        assert built.read == []
        for page in ("index", "one", "two", "three"):
            assert "<p>36.0 s (stale) | 36.0 s (stale) | " in built.file(f"{page}.html")
        [told] = ours(built)
        assert told.startswith("WARNING: quick: stale: file changed: src.py")
        assert told.endswith("(in a template) [ptyreg.stale]")
        assert built.status == 0


def test_the_text_is_that_of_the_role(bench):
    bench.seed()
    bench.seed(started="2026-04-01T05:06:07.000000Z", outcome=Outcome.FAILED, reason="because")
    options = theme(bench, SIX, "never.duration", "quick.duration.stdev", "quick.timeout")
    built = bench.build(**options)
    shown = built.file().partition("<p>36")[2].partition("</p>")[0]
    references = (SIX, "never.duration", "quick.duration.stdev", "quick.timeout")
    page = bench.page("\n\n".join(f"{{ptyreg:value}}`{r}`" for r in references), builder="text")
    lines = page.file("index.txt").split("\n\n")[1:]
    assert f"36{shown}".split(" | ") == [line.strip() for line in lines]
    assert lines[0] == "36.0 s (old: the latest run ended as failed)"


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_is_missing_or_failed_is_told(bench, jobs):
    bench.seed()
    bench.seed(started="2026-04-01T05:06:07.000000Z", outcome=Outcome.FAILED, reason="because")
    options = theme(bench, SIX, "never.duration", "slow.timeout", "quick.duration.stdev")
    told = sorted(ours(bench.build(parallel=jobs, **options)))
    again = (
        "Expected two runs for quick.duration.stdev, but got 1. "
        "Measure it again: ptyreg run quick --repeats 2"
    )
    assert [line.removeprefix("WARNING: ") for line in told] == [
        "never: missing: no run is recorded (in a template) [ptyreg.missing]",
        "quick: failed: because (in a template) [ptyreg.failed]",
        f"quick: missing: {again} (in a template) [ptyreg.missing]",
    ]
    assert sorted(ours(bench.build(parallel=jobs, **options))) == told  # writes nothing


def test_only_a_page_may_show_it_and_parallel_writing_remembers(bench):
    bench.seed()
    options = theme(bench, SIX)
    text = (bench.root / "docs/_templates/page.html").read_text()
    text = text.replace("{{ ptyreg", "{% if pagename == 'two' %}{{ ptyreg").replace(
        ") }}", ") }}{% endif %}"
    )
    bench.write("docs/_templates/page.html", text)
    assert "36.0 s" in bench.build(parallel=3, **options).file("two.html")
    bench.write("src.py", "ANSWER = 43\n")
    bench.out_file("one.html").write_text("as it was")
    built = bench.build(parallel=3, **options)
    assert "36.0 s (stale)" in built.file("two.html")
    assert built.file("one.html") == "as it was"
    assert len(ours(built)) == 1


def test_what_a_page_tells_is_not_told_again(bench):
    bench.seed()
    bench.write("src.py", "ANSWER = 43\n")
    options = theme(bench, SIX)
    bench.write("docs/index.md", "# Page\n\n{ptyreg:value}`quick.duration`\n")
    [told] = ours(bench.build(**options))
    assert "index.md:3: WARNING: quick: stale" in told


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (SIX, ["ERROR: quick: stale: "]),
        ("quick.duration.cv", ["ERROR: quick: missing: Expected two runs"]),
        ("quick.timeout", []),
    ],
)
def test_where_evidence_is_required_it_is_an_error(bench, reference, told):
    toml = (bench.root / "pyproject.toml").read_text()
    start, end = toml.index("[tool.ptyreg.selectors.slow]"), toml.index("[tool.ptyreg.findings")
    bench.write("pyproject.toml", toml[:start] + toml[end:])  # nothing else is missing
    bench.seed()
    if reference == SIX:
        bench.write("src.py", "ANSWER = 43\n")
    for _ in range(2):
        built = bench.build(**theme(bench, reference, other={"ptyreg_mode": "require"}))
        errors = [line for line in ours(built) if not line.startswith("ERROR: finding")]
        assert len(errors) == len(told)
        assert all(map(str.startswith, errors, told))
        assert built.status == bool(told)


def test_a_value_that_left_the_template_is_not_told(bench):
    bench.seed()
    bench.write("src.py", "ANSWER = 43\n")
    assert len(ours(bench.build(**theme(bench, SIX)))) == 1
    options = theme(bench, "quick.timeout")
    later = (bench.root / "pyproject.toml").stat().st_mtime + 100
    os.utime(bench.root / "docs/_templates/page.html", (later, later))
    assert ours(bench.build(**options)) == []
