"""What a page becomes, asserted on its doctree; the records are stored, nothing runs."""

from __future__ import annotations

import hashlib
import struct
import zlib
from xml.etree import ElementTree as ET

import msgspec
import pytest
from docutils import nodes

from sphinx_ptyreg.record import Artifact, Metric, Outcome, Stage, TestResult

BOTH = pytest.mark.parametrize("rst", [False, True], ids=["myst", "rst"])

FULL = """
[tool.ptyreg.selectors.quick]
title = "A quick test"
nodeids = ["tests/test_quick.py::test_quick"]
inputs = ["src.py"]
[tool.ptyreg.selectors.quick.guardrails]
duration = { fail = "90 s", warn = "1 s" }
answer = { minimum = "50 dB" }
[tool.ptyreg.findings.POLICY-1]
title = "pytest is needed"
rule = "Everything runs in pytest>=7."
requires = "pytest>=7"
[tool.ptyreg.findings.FORMAT-1]
title = "Both load"
rule = "Both layouts load."
nodeids = ["tests/test_quick.py::test_quick"]
"""


def role(name, text, *, rst):
    return f":ptyreg:{name}:`{text}`" if rst else f"{{ptyreg:{name}}}`{text}`"


def directive(name, argument="", options="", content="", *, rst):
    """Spell a directive in either markup."""
    body = "\n".join(filter(None, [options, ("\n" + content) if content and rst else content]))
    if not rst:
        return f"```{{ptyreg:{name}}} {argument}\n{body}\n```\n"
    lines = body.replace("\n", "\n   ")
    return f".. ptyreg:{name}:: {argument}\n   {lines}\n"


def png(width=2, height=2):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
def picture(project):
    def keep(content=None, suffix=".png", title="The object"):
        content = png() if content is None else content
        digest = hashlib.sha256(content).hexdigest()
        source = project.write("handed", content)
        project.store.local.add_artifact(source, digest, suffix)
        return Artifact(sha256=digest, size=len(content), suffix=suffix, title=title)

    return keep


# --- values -----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("quick.duration", "1.25 s"),
        ("quick.duration.mean:.1f s", "1.2 s"),
        ("quick.duration:.0f ms", "1250 ms"),
        ("quick.duration.n", "1"),
        ("quick.metrics.answer", "42.0 dB"),
        ("quick.stages.train:.2f s", "0.75 s"),
        ("quick.peak_memory", "100 MiB"),
        ("quick.environment.blas", "openblas"),
        ("quick.environment.python", "3.11.7"),
        ("quick.environment.pytest", "9.0.0"),
        ("quick.date", "2026-03-04"),
        ("quick.commit", "a1b2c3d"),
        ("quick.outcome", "passed"),
        ("quick.freshness", "fresh"),
        ("quick.title", "A quick test"),
        ("quick.timeout:.0f min", "10 min"),
    ],
)
def test_a_value_stands_where_it_is_cited(project, page, rst, text, shown):
    project.seed()
    built = page(f"It is {role('value', text, rst=rst)} here.", rst=rst)
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == [shown]
    assert f"It is {shown} here." in built.text()


@BOTH
def test_a_value_works_in_a_heading_and_a_table(project, page, rst):
    project.seed()
    value = role("value", "quick.duration:.1f s", rst=rst)
    if rst:
        title = f"Takes {value}"
        text = f"{title}\n{'-' * len(title)}\n\n.. list-table::\n\n   * - a\n     - {value}\n"
    else:
        text = f"## Takes {value}\n\n| a | b |\n|---|---|\n| x | {value} |\n"
    built = page(text, rst=rst)
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["1.2 s", "1.2 s"]


def test_what_was_measured_when_and_where_stands_beside_the_value(project, page):
    project.seed()
    built = page("{ptyreg:value}`quick.duration`\n", builder="html")
    assert (
        "measured 2026-03-04 at a1b2c3d on linux-x86_64-testbox-2c, n = 1"
        in project.html()
    )  # fmt: skip
    assert built.warnings == ""


def test_the_mean_stands_beside_how_many_runs_it_has(project, page):
    for minute in range(3):
        project.seed(started=f"2026-03-04T05:0{minute}:00.000000Z")
    built = page("{ptyreg:value}`quick.duration.n` {ptyreg:value}`quick.duration.stdev:.1f`\n")
    assert built.spans("ptyreg-value") == ["3", "0.0"]


@BOTH
@pytest.mark.parametrize(
    ("text", "subtype", "words"),
    [
        ("quikc.duration", "unknown", "Did you mean quick?"),
        ("quick.durration", "unknown", "Did you mean quick.duration"),
        ("quick.metrics.anwser", "unknown", "Did you mean quick.metrics.answer"),
        ("quick.duration:.1f parsec", "format", "Expected a unit that s converts to (ns,"),
        ("quick.duration:.1f MiB", "format", "Expected a unit that s converts to"),
        ("quick.duration:{}", "format", "Expected a format that fits quick.duration"),
        ("quick.duration|s", "format", "Expected 'selector.path.to.value:FORMAT UNIT'"),
        ("quick.environment.blas:.1f s", "format", "to be a number"),
    ],
)
def test_a_bad_citation_is_a_located_typed_warning_and_marked_text(
    project, page, rst, text, subtype, words
):
    project.seed()
    built = page(f"First.\n\nIt is {role('value', text, rst=rst)} here.", rst=rst)
    line = 6 if rst else 5
    assert built.warnings.count("WARNING") == 1
    assert f"index.{'rst' if rst else 'md'}:{line}: WARNING: " in built.warnings
    assert f"[ptyreg.{subtype}]" in built.warnings
    assert words in built.warnings
    assert built.spans("ptyreg-problem") == [f"⚠ {text}"]
    assert "First." in built.text()


def test_every_warning_can_be_suppressed_by_its_type(project, page):
    project.seed()
    built = page(
        "{ptyreg:value}`quikc.a` {ptyreg:value}`quick.duration:q`\n",
        overrides={"suppress_warnings": ["ptyreg.unknown", "ptyreg.format"]},
    )
    assert built.warnings == ""


@BOTH
def test_a_selector_that_never_ran_says_so_and_warns_at_the_page(page, rst):
    text = "\n\n".join(
        [
            role("value", "quick.duration", rst=rst),
            role("status", "quick", rst=rst),
            directive("runtime", "quick", rst=rst),
        ]
    )
    built = page(text, rst=rst)
    assert built.status == 0
    assert "quick: missing: no run is recorded [ptyreg.missing]" in built.warnings
    assert "index." in built.warnings
    assert built.warnings.count("[ptyreg.missing]") == 1
    assert "not measured" in built.text()
    assert "quick has not been measured. Measure it: ptyreg run quick" in built.text()


@BOTH
def test_a_stale_value_says_so_and_the_log_says_why(project, page, rst):
    project.seed()
    project.write("src.py", "ANSWER = 43\n")
    built = page(
        role("value", "quick.duration", rst=rst) + "\n\n" + directive("runtime", "quick", rst=rst),
        rst=rst,
    )
    assert "1.25 s (stale)" in built.text()
    assert "Stale: file changed: src.py" in built.text()
    assert "quick: stale: file changed: src.py" in built.warnings
    assert "[ptyreg.stale]" in built.warnings


@BOTH
def test_after_a_failure_the_old_value_is_shown_as_old(project, page, rst):
    project.seed(started="2026-03-04T05:01:00.000000Z")
    project.seed(
        started="2026-03-04T05:02:00.000000Z", outcome=Outcome.FAILED, reason="tests/x.py::t",
        exit_code=1, output="E assert 1 == 2\n1 failed", durations=project.record().durations,
    )  # fmt: skip
    built = page(
        role("value", "quick.duration", rst=rst) + "\n\n" + directive("runtime", "quick", rst=rst),
        rst=rst,
    )
    text = built.text()
    assert "1.25 s (old: the latest run ended as failed)" in text
    assert "The latest run of quick is no measurement: tests/x.py::t (exit code 1)." in text
    assert "E assert 1 == 2" in text
    assert "$ python -m pytest" in text
    assert "Run it again: ptyreg run quick" in text
    assert "This is old" in text
    assert "quick: failed: tests/x.py::t [ptyreg.failed]" in built.warnings
    assert built.status == 0


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASSED])
def test_no_outcome_but_passed_shows_a_number(project, page, outcome):
    project.seed(outcome=outcome, reason="because")
    built = page("{ptyreg:value}`quick.duration`\n\n{ptyreg:status}`quick`\n")
    assert built.spans("ptyreg-value") == ["not measured"]
    assert built.spans("ptyreg-badge") == [outcome.words, "not measured"]
    assert "1.25" not in built.text()


# --- status -----------------------------------------------------------------------------------


@BOTH
def test_a_status_is_the_outcome_and_the_freshness(project, page, rst):
    project.seed()
    assert page(role("status", "quick", rst=rst), rst=rst).spans("ptyreg-badge") == [
        "passed",
        "fresh",
    ]
    project.write("src.py", "changed")
    assert page(role("status", "quick", rst=rst), rst=rst).spans("ptyreg-badge") == [
        "passed",
        "stale",
    ]


# --- directives -------------------------------------------------------------------------------

NAMED = ["runtime", "environment", "guardrails", "finding", "finding-status", "artifact-figure"]


@BOTH
@pytest.mark.parametrize("name", NAMED)
def test_an_unknown_argument_is_a_located_typed_warning_and_marked_text(
    project, declare, page, rst, name
):
    declare(FULL)
    project.seed()
    argument = {"finding": "POLICY-2", "finding-status": "POLICY-2"}.get(name, "quikc")
    built = page(f"First.\n\n{directive(name, argument, rst=rst)}\n\nLast.", rst=rst)
    line = 6 if rst else 5
    assert f"index.{'rst' if rst else 'md'}:{line}: WARNING: Expected the" in built.warnings
    assert "Did you mean" in built.warnings
    assert "[ptyreg.unknown]" in built.warnings
    assert built.spans("ptyreg-problem") == [f"⚠ ptyreg:{name} {argument}"]
    assert "Last." in built.text()


@BOTH
@pytest.mark.parametrize("name", NAMED)
def test_an_unknown_option_is_a_located_typed_warning_and_marked_text(
    project, declare, page, rst, name, picture
):
    declare(FULL)
    project.seed(artifacts={"object": picture()})
    argument = {
        "finding": "POLICY-1",
        "finding-status": "POLICY-1",
        "artifact-figure": "quick.object",
    }
    near = {"finding": "no-indx", "artifact-figure": "widht"}.get(name, "colour")
    text = directive(name, argument.get(name, "quick"), f":{near}: 3", rst=rst)
    built = page(f"First.\n\n{text}\n\nLast.", rst=rst)
    line = 6 if rst else 5
    assert f"index.{'rst' if rst else 'md'}:{line}: WARNING: Expected the option" in built.warnings
    assert repr(near) in built.warnings
    assert "[ptyreg.unknown]" in built.warnings
    if name in {"finding", "artifact-figure"}:
        assert "Did you mean" in built.warnings
    assert any(near in shown for shown in built.spans("ptyreg-problem"))
    assert "Last." in built.text()


def cells(doctree):
    return [
        [entry.astext() for entry in row.findall(nodes.entry)] for row in doctree.findall(nodes.row)
    ]


@BOTH
def test_the_runtime_of_one_run_is_a_table_of_values(project, page, rst):
    project.seed()
    built = page(directive("runtime", "quick", rst=rst), rst=rst)
    assert built.warnings == ""
    assert cells(built.doctree()) == [
        ["measured", "value"],
        ["pytest session", "1.25 s"],
        ["test call", "1.00 s"],
        ["child process", "2.50 s"],
        ["CPU time", "0.50 s"],
        ["peak memory", "100 MiB"],
        ["stage train", "0.75 s"],
        ["outcome", "passed"],
    ]
    assert "Measured 2026-03-04 at a1b2c3d on linux-x86_64-testbox-2c, n = 1." in built.text()


@BOTH
def test_the_runtime_of_several_runs_has_their_spread(project, page, rst):
    for minute, duration in enumerate((1.0, 2.0, 3.0)):
        record = project.record()
        durations = msgspec.structs.replace(record.durations, duration=duration)
        project.seed(started=f"2026-03-04T05:0{minute}:00.000000Z", durations=durations)
    built = page(directive("runtime", "quick", rst=rst), rst=rst)
    rows = cells(built.doctree())
    assert rows[0] == ["measured", "mean", "min", "max", "stdev"]
    assert rows[1] == ["pytest session", "2.00 s", "1.00 s", "3.00 s", "1.00 s"]


@BOTH
def test_the_environment_is_a_table_of_facts(project, page, rst):
    project.seed()
    built = page(directive("environment", "quick", rst=rst), rst=rst)
    rows = dict(cells(built.doctree())[1:])
    assert rows["python"] == "3.11.7"
    assert rows["pytest"] == "9.0.0"
    assert rows["blas"] == "openblas"
    assert "PYTHONHASHSEED" not in rows
    assert built.warnings == ""


def test_the_full_environment_has_every_pinned_variable(project, page):
    project.seed()
    built = page("```{ptyreg:environment} quick\n:full:\n```")
    rows = dict(cells(built.doctree())[1:])
    assert rows["PYTHONHASHSEED"] == "0"


@BOTH
def test_guardrails_are_a_table_of_verdicts(project, declare, page, rst):
    declare(FULL)
    project.seed()
    built = page(directive("guardrails", "quick", rst=rst), rst=rst)
    assert cells(built.doctree())[1:] == [
        ["duration", "1.25 s", "fail above 90 s", "pass", ""],
        ["duration", "1.25 s", "warn above 1 s", "warn", ""],
        ["answer", "42.0 dB", "at least 50 dB", "fail", ""],
    ]


@BOTH
def test_a_finding_is_defined_once_and_cited_with_a_link(project, declare, page, rst):
    declare(FULL)
    project.seed()
    built = page(
        directive("finding", "POLICY-1", content="Because.", rst=rst)
        + "\n"
        + directive("finding-status", "POLICY-1", rst=rst)
        + "\n"
        + role("ref", "POLICY-1", rst=rst),
        rst=rst,
        builder="html",
        overrides={"nitpicky": True},
    )
    assert built.warnings == ""
    assert "POLICY-1: pytest is needed" in built.text()
    assert "holds ran with pytest 9.0.0 in quick" in built.text()
    assert "Because." in built.text()
    assert project.html().lower().count('href="#ptyreg-finding-policy-1"') == 2


@BOTH
@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "holds"),
        ({"tests": [TestResult(nodeid="tests/test_quick.py::test_quick", outcome=Outcome.FAILED,
                               seconds=1.0)]}, "false"),
        ({"tests": []}, "no data"),
    ],
)  # fmt: skip
def test_a_finding_is_judged_by_its_test(project, declare, page, rst, changes, verdict):
    declare(FULL)
    project.seed(**changes)
    built = page(directive("finding", "FORMAT-1", rst=rst), rst=rst)
    assert built.spans("ptyreg-badge") == [verdict]


def test_a_finding_by_stale_evidence_says_so(project, declare, page):
    declare(FULL)
    project.seed()
    project.write("src.py", "changed")
    built = page(directive("finding", "FORMAT-1", rst=False))
    assert built.spans("ptyreg-badge") == ["stale evidence"]


def test_a_finding_that_no_page_defines_is_named_with_the_close_ones(project, declare, page):
    declare(FULL)
    project.seed()
    built = page(
        directive("finding", "POLICY-1", rst=False)
        + "{ptyreg:ref}`POLICY-2`\n\n{ptyreg:ref}`FORMAT-1`\n",
        builder="html",
    )
    assert "index.md:6: WARNING" in built.warnings
    assert "but got 'POLICY-2'. Did you mean POLICY-1?" in built.warnings
    assert built.warnings.count("[ptyreg.unknown]") == 2


def test_a_finding_defined_twice_warns_and_no_index_settles_it(project, declare):
    declare(FULL)
    project.seed()
    project.write("docs/index.md", "# P\n\n```{toctree}\na\nb\n```\n")
    finding = "# P\n\n" + directive("finding", "POLICY-1", rst=False)
    project.write("docs/a.md", finding)
    project.write("docs/b.md", finding)
    assert "to be defined once" in project.build("dummy").warnings
    project.write("docs/b.md", finding.replace("POLICY-1\n", "POLICY-1\n:no-index:\n"))
    assert project.build("dummy").warnings == ""


@BOTH
def test_an_artifact_is_a_figure_with_a_live_caption(project, page, rst, picture):
    project.seed(artifacts={"object": picture()})
    caption = f"After {role('value', 'quick.duration', rst=rst)}."
    options = ":alt: The phase\n:width: 50%"
    built = page(
        directive("artifact-figure", "quick.object", options, caption, rst=rst), rst=rst,
        builder="html",
    )  # fmt: skip
    assert built.warnings == ""
    image = next(built.doctree().findall(nodes.image))
    assert image["alt"] == "The phase"
    assert image["width"] == "50%"
    assert next(built.doctree().findall(nodes.caption)).astext() == "After 1.25 s."
    assert list((project.root / "out/html/_images").glob("*.png"))


def test_an_artifact_without_a_caption_takes_its_title(project, page, picture):
    project.seed(artifacts={"object": picture()})
    built = page(directive("artifact-figure", "quick.object", rst=False))
    assert next(built.doctree().findall(nodes.caption)).astext() == "The object"


def test_an_artifact_that_is_no_image_or_unknown_or_gone_is_marked(project, page, picture):
    gone = Artifact(sha256="0" * 64, size=1, suffix=".png")
    project.seed(artifacts={"object": picture(), "log": picture(b"text", ".txt"), "gone": gone})
    built = page(
        directive("artifact-figure", "quick.objekt", rst=False)
        + directive("artifact-figure", "quick.log", rst=False)
        + directive("artifact-figure", "quick.gone", rst=False)
    )
    assert "but got 'quick.objekt'. Did you mean quick.object" in built.warnings
    assert "to be a PNG or JPEG image, but got a .txt file" in built.warnings
    assert len(built.spans("ptyreg-problem")) == 3
    assert "The image quick.gone is not in the store." in built.text()


def test_the_image_of_a_replaced_file_is_not_shown(project, page, picture):
    artifact = picture()
    project.seed(artifacts={"object": artifact})
    (project.root / ".ptyreg/artifacts" / artifact.file_name).write_bytes(png(3, 3))
    built = page(directive("artifact-figure", "quick.object", rst=False))
    assert not list(built.doctree().findall(nodes.image))


@BOTH
@pytest.mark.parametrize("name", NAMED)
def test_a_directive_without_its_argument_does_not_break_the_page(project, page, rst, name):
    project.seed()
    built = page(f"First.\n\n{directive(name, rst=rst)}\n\nLast.", rst=rst)
    assert "index." in built.warnings
    assert "Last." in built.text()


# --- what a run said is only ever text --------------------------------------------------------

EVIL = "<script>alert(1)</script> ]]> `x` **b** |s| {ptyreg:value}`a.b` \\input{/etc/passwd} %"


@pytest.mark.parametrize("builder", ["html", "xml", "text", "latex", "man"])
def test_what_a_run_said_is_text_in_every_output(project, page, builder, picture):
    project.seed(
        environment={"blas": EVIL},
        metrics={"answer": Metric(value=1.0, unit="1")},
        stages=[Stage(name="train", seconds=1.0)],
        artifacts={"object": picture(title=EVIL)},
        outcome=Outcome.PASSED,
    )
    project.seed(
        started="2026-03-05T05:06:07.000000Z", outcome=Outcome.FAILED, reason=EVIL, output=EVIL
    )
    built = page(
        "{ptyreg:value}`quick.environment.blas`\n\n"
        + directive("environment", "quick", rst=False)
        + directive("artifact-figure", "quick.object", rst=False),
        builder=builder,
    )
    assert built.status == 0
    assert "ptyreg.unknown" not in built.warnings
    output = project.root / "out" / builder
    if builder == "html":
        assert "<script>alert" not in project.html()
    if builder == "xml":
        ET.parse(output / "index.xml")  # noqa: S314 - our own output
    if builder == "latex":
        assert "\\input{/etc" not in "".join(p.read_text() for p in output.glob("*.tex"))


def test_no_generated_text_reaches_a_translator(project, declare, picture):
    declare(FULL)
    page_text = "# P\n\nIt takes {ptyreg:value}`quick.duration` now.\n\n" + "".join(
        directive(name, argument, rst=False)
        for name, argument in [
            ("runtime", "quick"), ("environment", "quick"), ("guardrails", "quick"),
            ("finding", "POLICY-1"), ("finding-status", "POLICY-1"),
            ("artifact-figure", "quick.object"),
        ]
    )  # fmt: skip
    project.write("docs/index.md", page_text)

    def messages():
        built = project.build("gettext")
        assert built.status == 0
        pot = (project.root / "out/gettext/index.pot").read_text()
        return [line for line in pot.splitlines() if line.startswith("msgid")]

    project.seed(artifacts={"object": picture(title="Secret words of a run")})
    before = messages()
    project.seed(
        started="2026-05-05T05:06:07.000000Z",
        artifacts={"object": picture(png(3, 3), title="Other")},
    )
    after = messages()
    assert before == after
    assert not [line for line in after if "Secret" in line or "Other" in line or "pytest" in line]


@pytest.mark.parametrize(
    "builder", ["html", "dirhtml", "singlehtml", "text", "latex", "man", "epub", "xml", "texinfo"]
)
def test_every_builder_is_clean(project, declare, page, builder, picture):
    declare(FULL)
    project.seed(artifacts={"object": picture()})
    built = page(
        "{ptyreg:value}`quick.duration` {ptyreg:status}`quick` {ptyreg:ref}`POLICY-1`\n\n"
        + "".join(
            directive(name, argument, rst=False)
            for name, argument in [
                ("runtime", "quick"), ("environment", "quick"), ("guardrails", "quick"),
                ("finding", "POLICY-1"), ("finding-status", "POLICY-1"),
                ("artifact-figure", "quick.object"),
            ]
        ),
        builder=builder,
        overrides={"nitpicky": True, "epub_copyright": "x", "version": "1", "language": "en",
                   "suppress_warnings": ["ptyreg.guardrail"]},
    )  # fmt: skip
    assert built.warnings == ""
    assert built.status == 0
    assert built.spans("ptyreg-value") == ["1.25 s"]


def test_in_one_html_page_the_values_keep_their_tooltips(project):
    project.seed()
    project.write("docs/index.md", "# P\n\n```{toctree}\na\n```\n")
    project.write("docs/a.md", "# A\n\n{ptyreg:value}`quick.duration`\n")
    project.build("singlehtml")
    html = (project.root / "out/singlehtml/index.html").read_text()
    assert "measured 2026-03-04 at a1b2c3d" in html


# --- which pages are read again ---------------------------------------------------------------


@pytest.fixture
def site(project, declare):
    """Six pages, each about something else."""
    declare(FULL + '[tool.ptyreg.selectors.other]\nnodeids = ["tests/test_other.py"]\n')
    project.write("tests/test_other.py", "def test_other(): pass\n")
    pages = {
        "a": "{ptyreg:value}`quick.duration`",
        "b": "{ptyreg:value}`other.duration`",
        "c": "{ptyreg:value}`quick.metrics.answer`",
        "d": directive("runtime", "quick", rst=False),
        "e": "No number.",
        "f": directive("finding", "POLICY-1", rst=False),
    }
    project.write("docs/index.md", "# P\n\n```{toctree}\n" + "\n".join(pages) + "\n```\n")
    for name, text in pages.items():
        project.write(f"docs/{name}.md", f"# {name}\n\n{text}\n")
    project.seed("quick")
    project.seed("other")
    assert sorted(project.build("html").read) == ["a", "b", "c", "d", "e", "f", "index"]
    return project


def test_a_build_without_a_change_reads_and_writes_no_page(site):
    again = site.build("html")
    assert again.read == []
    assert again.written == []
    assert again.status == 0


@pytest.mark.parametrize("mode", ["require", "auto", "force"])
def test_switching_the_mode_reads_no_page_again(site, mode, monkeypatch):
    from sphinx_ptyreg import ensure

    monkeypatch.setattr(ensure, "record_now", lambda *_, **__: [])
    assert site.build("html", mode=mode).read == []
    monkeypatch.setenv("PTYREG_MODE", mode)
    assert site.build("html", mode=None).read == []


def test_only_the_pages_of_what_changed_are_read_again(site):
    site.seed("other", started="2026-04-04T05:06:07.000000Z")
    assert sorted(site.build("html").read) == ["b"]
    site.seed("quick", started="2026-04-04T05:06:07.000000Z")
    assert sorted(set(site.build("html").read) - {"f"}) == ["a", "c", "d"]
    assert site.build("html").read == []


def test_a_stale_selector_reads_its_pages_again_and_back(site):
    site.write("src.py", "changed")
    assert sorted(site.build("html").read) == ["a", "c", "d", "f"]
    site.write("src.py", "ANSWER = 42\n")
    assert sorted(site.build("html").read) == ["a", "c", "d", "f"]


def test_a_value_that_was_missing_and_now_exists_is_read_again(project, page):
    assert page("{ptyreg:value}`quick.duration`\n").spans("ptyreg-value") == ["not measured"]
    project.seed()
    again = project.build("dummy")
    assert again.read == ["index"]
    assert again.spans("ptyreg-value") == ["1.25 s"]


@pytest.mark.parametrize(
    "text",
    [
        "{ptyreg:value}`late.duration`\n",
        "{ptyreg:status}`late`\n",
        directive("runtime", "late", rst=False),
        directive("artifact-figure", "late.object", rst=False),
        directive("finding", "LATE-1", rst=False),
        directive("finding-status", "LATE-1", rst=False),
    ],
)
def test_what_was_unknown_and_is_declared_now_is_read_again(project, declare, page, text):
    assert "[ptyreg.unknown]" in page(text).warnings
    declare(
        FULL
        + '[tool.ptyreg.selectors.late]\nnodeids = ["tests/test_quick.py"]\n'
        + '[tool.ptyreg.findings.LATE-1]\ntitle = "t"\nrule = "r"\nrequires = "pytest"\n'
    )
    again = project.build("dummy")
    assert again.read == ["index"]
    assert "known one, but got 'late'" not in again.warnings


def test_another_way_to_fail_is_read_again(project, page):
    project.seed(started="2026-03-04T05:01:00.000000Z")
    project.seed(started="2026-03-04T05:02:00.000000Z", outcome=Outcome.FAILED)
    assert "ended as failed" in page("{ptyreg:value}`quick.duration`\n").text()
    project.seed(started="2026-03-04T05:03:00.000000Z", outcome=Outcome.TIMEOUT)
    again = project.build("dummy")
    assert again.read == ["index"]
    assert "ended as timeout" in again.text()


def test_an_image_that_comes_back_is_read_again(project, page, picture):
    artifact = picture()
    project.seed(artifacts={"object": artifact})
    file = project.root / ".ptyreg/artifacts" / artifact.file_name
    file.unlink()
    text = directive("artifact-figure", "quick.object", rst=False)
    assert "not in the store" in page(text).text()
    file.write_bytes(png())
    assert "not in the store" not in project.build("dummy").text()


def test_a_selector_and_a_finding_may_share_a_name(project, declare, page):
    declare(FULL + '[tool.ptyreg.findings.quick]\ntitle = "t"\nrule = "r"\nrequires = "nothing"\n')
    project.seed()
    page(directive("runtime", "quick", rst=False))
    project.seed(started="2026-04-04T05:06:07.000000Z", commit=None)
    again = project.build("dummy")
    assert again.read == ["index"]
    assert "Measured 2026-04-04 on" in again.text()


def test_a_renamed_selector_is_found_by_its_alias(project, declare, page):
    declare(FULL.replace('title = "A quick test"', 'title = "A"\naliases = ["swift"]'))
    project.seed(metrics={"answer": Metric(value=51.0, unit="dB")})
    built = page("{ptyreg:value}`swift.duration`\n")
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["1.25 s"]
