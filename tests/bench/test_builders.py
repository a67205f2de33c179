"""Every builder, with a record that means harm; the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sphinx_ptyreg.record import Artifact, Metric, Outcome, Stage

BUILDERS = [
    "html", "dirhtml", "singlehtml", "text", "latex", "man", "texinfo", "epub", "xml", "pseudoxml",
    "json", "pickle", "gettext", "linkcheck", "ptyreg",
]  # fmt: skip
HOSTILE = (
    "\x1b[31mred\x1b[0m \0 ]]> </script><script>alert(1)</script> <b>&amp; "
    "\u202eturned\u2066 %\\input{/etc/passwd} \x07\x9b \ud7ff\ufffe " + "x" * 10_000
)
PAGE = (Path(__file__).parent.parent / "browser" / "page.md").read_text(encoding="utf-8")


@pytest.fixture
def hostile(bench):
    """Each text that a record can hold means harm."""
    picture = bench.picture(title=HOSTILE[:300])
    for day in (1, 2):
        bench.seed(
            started=f"2026-03-0{day}T05:06:07.000000Z", reason=HOSTILE, output=HOSTILE,
            command=["python", HOSTILE], machine_class=f"linux-{day}",
            environment={"fact": HOSTILE, HOSTILE[:40]: "x"},
            artifacts={"object": Artifact(sha256=picture.sha256, size=picture.size, suffix=".png",
                                          title=HOSTILE[:300])},
            metrics={"answer": Metric(value=42.0, unit="dB"), HOSTILE[:50]: Metric(value=1.0)},
            stages=[Stage(name=HOSTILE[:80], seconds=1.0)],
        )  # fmt: skip
    bench.seed("slow", outcome=Outcome.FAILED, reason=HOSTILE, output=HOSTILE, exit_code=1)
    text = PAGE.replace("{ptyreg:claim}`slow", "{ptyreg:claim}`quick").replace(
        ":left: linux-x86_64-gpu-8c\n", ""
    )
    bench.write("docs/index.md", "# Page\n\n" + text + "\n```{ptyreg:runtime} slow\n```\n")
    return bench


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_record_that_means_harm_breaks_no_builder(hostile, builder):
    quiet = [
        "ptyreg.claim",
        "ptyreg.missing",
        "ptyreg.failed",
        "ptyreg.guardrail",
        "ptyreg.unknown",
    ]
    built = hostile.build(builder, overrides={"suppress_warnings": quiet})
    assert built.warnings == ""
    for file in built.out.rglob("*"):
        if file.suffix in {".xml", ".svg", ".xhtml", ".opf", ".ncx"}:
            tree(file.read_bytes())
        if file.suffix in {
            ".html",
            ".xhtml",
            ".txt",
            ".tex",
            ".xml",
            ".1",
            ".texi",
            ".json",
            ".pot",
        }:
            text = file.read_text(encoding="utf-8")
            assert not re.search("[\0\x1b\u202e\u2066\ufffe]", text), file.name
            assert "<script>alert" not in text or file.suffix not in {".html", ".xhtml"}
            assert "\\input{/etc" not in text or file.suffix != ".tex"
    for svg in re.findall(r"<svg.*?</svg>", _html(built.out), re.DOTALL):
        tree(svg)


def tree(text):
    return ET.fromstring(text)  # noqa: S314 - what this project wrote


def _html(out):
    files = [*out.glob("index.html"), *out.glob("index.xhtml")]
    return files[0].read_text(encoding="utf-8") if files else ""


@pytest.mark.parametrize("builder", ["html", "latex", "epub"])
def test_a_trend_is_drawn_where_it_can_be_and_its_table_everywhere(seeded, builder):
    built = seeded.page("```{ptyreg:history} quick.duration\n```\n", builder=builder)
    assert built.warnings == ""
    if builder == "html":
        svg = tree(re.search(r"<svg.*?</svg>", built.file(), re.DOTALL)[0])
        assert svg.get("role") == "img"
        assert "duration of quick over 7 runs on 2 machine classes" in svg.get("aria-label")
        assert len(list(svg.iter("circle"))) == 7
        assert "currentColor" in built.file()
    elif builder == "latex":
        (pdf,) = built.out.glob("ptyreg-*.pdf")
        data = pdf.read_bytes()
        assert data.startswith(b"%PDF-1.4")
        assert data.endswith(b"%%EOF\n")
        start = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
        assert data[start : start + 4] == b"xref"
        assert re.search(
            r"includegraphics\[width=\d.*?\]\{\{" + pdf.stem + r"\}", built.file("p.tex")
        )
    else:
        (svg,) = (built.out / "_images").glob("ptyreg-*.svg")
        tree(svg.read_bytes())
    assert "2026-02-01" in built.text()


def digest(out):
    """Name and digest of all that a reader gets."""
    found = {}
    for file in sorted(out.rglob("*")):
        if not file.is_file() or file.name in {"environment.pickle", ".buildinfo"}:
            continue
        if file.suffix == ".epub":
            with zipfile.ZipFile(file) as book:
                for name in book.namelist():
                    found[f"epub:{name}"] = _steady(book.read(name), out)
        else:
            found[str(file.relative_to(out))] = _steady(file.read_bytes(), out)
    return found


def _steady(data, out):
    data = data.replace(str(out.parent.parent).encode(), b"")  # docutils names the source in XML
    data = re.sub(
        rb"<dc:date>.*?</dc:date>|<meta property=\"dcterms:modified\">.*?</meta>", b"", data
    )
    return hashlib.sha256(data).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [None, "1700000000"])
@pytest.mark.parametrize("builder", ["html", "text", "latex", "xml", "epub", "ptyreg"])
def test_two_replays_are_the_same_bytes(seeded, builder, epoch, tmp_path):
    seeded.write("docs/index.md", "# Page\n\n" + PAGE)
    for i in range(8):
        seeded.write(f"docs/p{i}.md", f"---\norphan: true\n---\n# P{i}\n\n"
                     "{ptyreg:value}`quick.duration`\n")  # fmt: skip
    found = []
    env = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(seeded.root, elsewhere)
    home = seeded.root
    for root, jobs in ((home, "1"), (elsewhere, "1"), (home, "4")):
        seeded.root = root
        shutil.rmtree(root / "out", ignore_errors=True)
        done = seeded.sphinx(builder, "-j", jobs, **env)
        assert done.returncode == (1 if builder == "ptyreg" else 0), done.stderr
        found.append(digest(root / "out" / builder))
    assert len(found[0]) > 1
    assert found[0] == found[1] == found[2]


def test_a_new_record_changes_nothing_for_translators(seeded):
    page = PAGE + "\n\nIt takes {ptyreg:value}`quick.duration:.1f s` now.\n"

    def messages():
        built = seeded.page(page, builder="gettext")
        return [line for line in built.file("index.pot").splitlines() if "Date" not in line]

    before = messages()
    seeded.seed(
        started="2026-06-04T05:06:07.000000Z", duration=12.0,
        artifacts={"object": seeded.picture(title="Another title")},
    )  # fmt: skip
    assert messages() == before
    assert any("{ptyreg:value}`quick.duration:.1f s`" in line for line in before)


@pytest.mark.parametrize("rst", [False, True], ids=["myst", "rst"])
def test_a_translated_paragraph_shows_the_live_value(seeded, rst):
    role = ":ptyreg:value:`quick.duration:.1f s`" if rst else "{ptyreg:value}`quick.duration:.1f s`"
    catalogue = seeded.root / "docs/locale/de/LC_MESSAGES"
    catalogue.mkdir(parents=True)
    (catalogue / "index.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        f'msgid "It takes {role} now."\nmsgstr "Jetzt dauert es {role}."\n\n'
        f'msgid "Takes {role}"\nmsgstr "Dauert {role}"\n',
        encoding="utf-8",
    )
    title = f"Takes {role}"
    heading = f"{title}\n{'-' * 70}" if rst else f"## {title}"
    options = {"overrides": {"language": "de", "locale_dirs": ["locale"]}}
    built = seeded.page(f"{heading}\n\nIt takes {role} now.\n", rst=rst, builder="html", **options)
    assert built.warnings == ""
    assert "Jetzt dauert es 36.0 s." in built.text()
    assert "Dauert 36.0 s" in built.text()
    assert "36" not in " ".join(re.findall(r'<section id="([^"]*)"', built.file()))


def test_the_builder_ptyreg_judges_everything_and_writes_no_pages(seeded):
    seeded.write("docs/index.md", "# Page\n\n{ptyreg:claim}`quick.duration.max <= 90 s`\n")
    done = seeded.sphinx("ptyreg")
    assert done.returncode == 1  # one selector never ran
    out = seeded.root / "out/ptyreg"
    assert sorted(file.name for file in out.iterdir() if file.is_file()) == [
        "junit.xml", "ptyreg.json",
    ]  # fmt: skip
    told = json.loads((out / "ptyreg.json").read_text())
    assert told["verdict"] == "fail"
    assert [own["outcome"] for own in told["selectors"]] == ["passed", "passed", "not_measured"]
    assert told["claims"][0]["verdict"] == "holds"
    suites = tree((out / "junit.xml").read_bytes())
    failed = [
        case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["never"]
    file = seeded.root / "pyproject.toml"
    text = file.read_text()
    a, b = (
        text.index("[tool.ptyreg.selectors.never]"),
        text.index("[tool.ptyreg.findings.POLICY-1]"),
    )
    file.write_text(text[:a] + text[b:])
    assert seeded.sphinx("ptyreg").returncode == 0
    seeded.write("docs/index.md", "# Page\n\n{ptyreg:claim}`quick.duration.max <= 9 s`\n")
    assert seeded.sphinx("ptyreg").returncode == 1
    assert seeded.sphinx("ptyreg").returncode == 1  # also when nothing is read


def theme(bench, template):
    """Return options of a build whose pages end with what `template` says."""
    text = f"{{% extends '!page.html' %}}{{% block footer %}}<p>{template}</p>{{% endblock %}}"
    bench.write("docs/_templates/page.html", text)
    return {"overrides": {"templates_path": ["_templates"], "html_theme": "alabaster"}}


def test_a_theme_can_show_a_value(seeded):
    options = theme(seeded, "took {{ ptyreg_value('quick.duration:.1f s') }}")
    built = seeded.page("Nothing.\n", builder="html", **options)
    assert "<p>took 36.0 s</p>" in built.file()


def test_what_a_run_said_is_text_in_a_template_too(bench):
    bench.seed(environment={"blas": '<script>alert("1")</script>\n& \x1b[31mmore'})
    for form in ("{{ ptyreg_value(%r) }}", "{{ ptyreg_value(%r)|e }}"):
        options = theme(bench, form % "quick.environment.blas")
        built = bench.page("Nothing.\n", builder="html", **options)
        told = "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; more"
        assert f"<p>{told}</p>" in built.file()
        bench.write("docs/other.md", "---\norphan: true\n---\n# Other\n")


@pytest.mark.parametrize(
    ("reference", "subtype", "words"),
    [
        ("quick.durration", "unknown", "Did you mean quick.duration"),
        ("quick.duration:.1f MiB", "format", "Expected a unit that s converts to"),
        ("<b>", "format", "Expected 'selector.path.to.value:FORMAT UNIT'"),
    ],
)
def test_a_typo_in_a_template_is_one_typed_warning(seeded, reference, subtype, words):
    for name in "abc":
        seeded.write(f"docs/{name}.md", f"---\norphan: true\n---\n# {name}\n")
    options = theme(seeded, "{{ ptyreg_value('" + reference + "') }}")
    built = seeded.page("Nothing.\n", builder="html", **options)
    [told] = [line for line in built.warnings.splitlines() if "ptyreg" in line]
    assert told.startswith(f"WARNING: ptyreg_value({reference!r}) in a template: ")
    assert words in told
    assert told.endswith(f"[ptyreg.{subtype}]")
    shown = reference.replace("<", "&lt;").replace(">", "&gt;")
    assert f"<p>⚠ {shown}</p>" in built.file("a.html")


@pytest.mark.parametrize("builder", ["json", "pickle"])
def test_a_page_is_written_as_data(seeded, builder):
    seeded.write(
        "docs/cards.md", "---\norphan: true\n---\n# C\n\n```{ptyreg:selector} quick\n```\n"
    )
    built = seeded.page("{ptyreg:ref}`quick`\n", builder=builder, overrides={"language": "de"})
    assert built.warnings == ""
    if builder == "json":
        page = json.loads((built.out / "cards.fjson").read_text(encoding="utf-8"))
        whole = json.loads((built.out / "globalcontext.json").read_text(encoding="utf-8"))
        assert "ptyreg-card" in page["body"]
        assert "ptyreg_value" not in page
        names = [name for _, name, *_ in whole["rellinks"]] if "rellinks" in whole else []
        assert "Messgrößen" in names or "Metrics" not in names
    else:
        import pickle

        page = pickle.loads((built.out / "cards.fpickle").read_bytes())  # noqa: S301 - just written
        assert "ptyreg-card" in page["body"]


@pytest.mark.parametrize("builder", ["xml", "pseudoxml"])
def test_no_attribute_holds_what_is_ours_alone(seeded, builder):
    built = seeded.page(
        "## {ptyreg:value}`quick.duration`\n\n```{ptyreg:history} quick.duration\n```\n"
        "```{ptyreg:artifact-figure} quick.object\n```\n",
        builder=builder,
    )
    [file] = [file for file in built.out.iterdir() if file.stem == "index"]
    text = file.read_text(encoding="utf-8")
    assert "36.00 s" in text
    assert "Line(" not in text
    assert "Tone" not in text
    assert not re.search(r"ptyreg-(drawing|live|alt)=", text)
    assert 'alt="The object"' in text
