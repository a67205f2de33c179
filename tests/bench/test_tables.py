"""Tables, cards and figures: captions, labels, heads, what stands below, and plain text."""

from __future__ import annotations

import re
import subprocess

import msgspec
import pytest
from docutils import nodes

from sphinx_ptyreg.record import Outcome, Stage

BOTH = pytest.mark.parametrize("rst", [False, True], ids=["myst", "rst"])
TABLES = {
    "runtime": "quick", "stages": "quick", "metrics": "quick", "guardrails": "quick",
    "environment": "quick", "machines": "quick", "compare": "quick", "history": "quick.duration",
    "ledger": "quick", "selectors": "", "findings": "",
}  # fmt: skip
HERE = "linux-x86_64-test-2c"
QUIET = {"suppress_warnings": ["ptyreg.missing", "ptyreg.unknown"]}


def directive(name, argument, *options, rst):
    if rst:
        return f".. ptyreg:{name}:: {argument}\n" + "".join(f"   {o}\n" for o in options) + "\n"
    return f"```{{ptyreg:{name}}} {argument}\n" + "".join(f"{o}\n" for o in options) + "```\n"


def below(built):
    return built.spans("ptyreg-provenance")


@BOTH
@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_has_a_caption_with_live_text_a_number_and_a_label(seeded, rst, name):
    value = ":ptyreg:value:" if rst else "{ptyreg:value}"
    options = [f":caption: After {value}`quick.duration`", ":name: mine"]
    options += [":no-plot:"] if name == "history" else []
    table = directive(name, TABLES[name], *options, rst=rst)
    role = ":{}:`mine`" if rst else "{{{}}}`mine`"
    links = f"See {role.format('ref')} and {role.format('numref')}.\n"
    label = ".. _other:\n\n" if rst else "(other)=\n"
    there = role.format("numref").replace("mine", "other")
    text = f"{links}\n{table}\n{label}{table.replace('mine', 'third')}\n{there}\n"
    if name == "findings":
        text += "".join(directive("finding", id_, rst=rst) for id_ in ("POLICY-1", "SPEED-1"))
    built = seeded.page(text, rst=rst, builder="html", overrides={**QUIET, "numfig": True})
    assert built.warnings == ""
    title = next(built.doctree().findall(nodes.title), None)
    titles = [
        t.astext() for t in built.doctree().findall(nodes.title) if t.parent.tagname == "table"
    ]
    assert title is not None
    assert titles == ["After 36.00 s"] * 2
    assert 'See <a class="reference internal" href="#mine"' in built.file()
    assert "Table 1" in built.file()
    assert ">Table 2</span></a>" in built.file()


def test_a_caption_is_a_message_and_is_translated(seeded):
    caption = "After {ptyreg:value}`quick.duration` of work"
    table = directive("runtime", "quick", f":caption: {caption}", rst=False)
    assert f'msgid "{caption}"' in seeded.page(table, builder="gettext").file("index.pot")
    catalogue(seeded, {caption: "Nach {ptyreg:value}`quick.duration` Arbeit"})
    built = seeded.page(table, builder="html", overrides=GERMAN)
    assert built.warnings == ""
    assert "Nach 36.00 s Arbeit" in built.text()


GERMAN = {"language": "de", "locale_dirs": ["locale"]}


def catalogue(bench, told):
    messages = "".join(f'msgid "{ours}"\nmsgstr "{theirs}"\n\n' for ours, theirs in told.items())
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    bench.write("docs/locale/de/LC_MESSAGES/index.po", head + messages)


@BOTH
def test_a_figures_words_are_the_authors_and_are_translated(seeded, rst):
    value = ":ptyreg:value:" if rst else "{ptyreg:value}"
    caption = f"The phase after {value}`quick.duration:.0f s`."
    legend = f"At {value}`quick.metrics.answer`."
    options = (":alt: A phase", ":width: 30%", ":align: right", ":figclass: wide", ":name: phase",
               ":class: mine")  # fmt: skip
    figure = directive(
        "artifact-figure", "quick.object", *options, "", caption, "", legend, rst=rst
    )
    link = ":numref:`phase`\n\n" if rst else "{numref}`phase`\n\n"
    pot = seeded.page(link + figure, rst=rst, builder="gettext").file("index.pot")
    for message in (caption, legend, "A phase"):
        assert f'msgid "{message}"' in pot
    assert "The object" not in pot
    catalogue(seeded, {caption: caption.replace("The phase after", "Die Phase nach"),
                       legend: legend.replace("At", "Bei"), "A phase": "Eine Phase"})  # fmt: skip
    built = seeded.page(link + figure, rst=rst, builder="html",
                        overrides={**GERMAN, "numfig": True})  # fmt: skip
    assert built.warnings == ""
    for message in ("Die Phase nach 36 s.", "Bei 42.0 dB."):
        assert message in built.text()
    html = built.file()
    assert 'alt="Eine Phase"' in html
    classes = re.search(r'<figure class="([^"]*)" id="phase"', html)[1].split()
    assert {"ptyreg-figure", "align-right", "wide", "mine"} <= set(classes)


def test_our_own_words_are_no_messages_of_the_authors(seeded):
    text = directive("selector", "quick", ":verified:", "Author's words.", rst=False)
    text += "".join(
        directive(*found, rst=False) for found in TABLES.items() if found[0] != "findings"
    )
    pot = seeded.page(text, builder="gettext", overrides=QUIET).file("index.pot")
    assert re.findall(r'^msgid "(.+)"', pot, re.MULTILINE) == ["Page", "Author's words."]


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"findings"}))
def test_each_row_has_a_head(seeded, name):
    built = seeded.page(directive(name, TABLES[name], rst=False), builder="html", overrides=QUIET)
    table = re.search(r"<table.*?</table>", built.file(), re.DOTALL)[0]
    head, *rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    assert len(rows) > 0
    assert head.count("<th ") == head.count('scope="col"') > 1
    assert all(row.count("<th ") == row.count('scope="row"') == 1 for row in rows)


@pytest.mark.parametrize("builder", ["text", "latex", "man", "texinfo", "xml", "epub"])
def test_other_writers_take_a_head_for_a_cell(seeded, builder):
    built = seeded.page(directive("runtime", "quick", rst=False), builder=builder)
    assert built.warnings == ""
    files = [
        f
        for f in built.out.rglob("*")
        if f.suffix in {".txt", ".tex", ".1", ".texi", ".xml", ".xhtml"}
    ]
    assert any("pytest session" in file.read_text(encoding="utf-8") for file in files)


def test_a_column_of_literals_is_wide_enough_in_plain_text(seeded):
    built = seeded.page(directive("selectors", "", rst=False), builder="text", overrides=QUIET)
    text = built.file("index.txt")
    assert '"tests/test_quick.py::test_quick"' in text


# --- what stands below --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["history", "compare", "machines", "ledger"])
def test_where_each_row_says_where_it_is_from_nothing_else_does(seeded, name):
    text = directive(name, TABLES[name], rst=False)
    assert below(seeded.page(text)) == []
    seeded.write("src.py", "ANSWER = 43\n")
    told = below(seeded.page(text, overrides={"suppress_warnings": ["ptyreg.stale"]}))
    if name != "ledger":
        stale = "Stale: file changed: src.py (5db028e2 → 7d0f4d85)."
        assert told == [f"The current measurement, of 2026-03-06 on {HERE}: {stale}"]


def test_an_environment_says_when_each_column_was_measured(seeded):
    [told] = below(seeded.page(directive("environment", "quick", rst=False)))
    assert told == (
        f"Measured 2026-03-06 at a1b2c3d on {HERE}; "
        "measured 2026-03-01 at a1b2c3d on linux-x86_64-gpu-8c."
    )
    for name, told in (("test-2c", "2026-03-06 at a1b2c3d on linux-x86_64-test-2c, newest of 3."),
                       ("gpu-8c", "2026-03-01 at a1b2c3d on linux-x86_64-gpu-8c.")):  # fmt: skip
        text = directive("environment", "quick", f":only: linux-x86_64-{name}", rst=False)
        assert below(seeded.page(text)) == [f"Measured {told}"]


def test_a_statistic_and_the_newest_value_say_what_they_rest_on(seeded):
    built = seeded.page(
        "{ptyreg:value}`quick.duration` {ptyreg:value}`quick.duration.max` {ptyreg:age}`quick` "
        "{ptyreg:value}`quick.environment.cpu` {ptyreg:claim}`quick.duration < 90 s` "
        "{ptyreg:claim}`quick.duration.mean < 90 s` {ptyreg:value}`slow.duration`\n",
        builder="html",
    )
    runs = re.findall(r'<abbr[^>]* title="[^"]*, ([^",]+)"[^>]*>([^<]*)<', built.file())
    assert [told for told, _ in runs] == [
        "newest of 3", "n = 3", "newest of 3", "newest of 3", "newest of 3", "n = 3", "n = 1",
    ]  # fmt: skip
    assert built.spans("ptyreg-measured") == [" (36.00 s, newest of 3)", " (36.03 s, n = 3)"]
    assert below(seeded.page(directive("output", "quick", rst=False)))[0].endswith("newest of 3.")
    assert below(seeded.page(directive("runtime", "quick", rst=False)))[0].endswith("n = 3.")


def test_without_an_earlier_set_the_left_side_is_empty(bench):
    bench.seed()
    built = bench.page(directive("compare", "quick", ":only: duration answer", rst=False))
    rows = [[cell.astext() for cell in row.findall(nodes.entry)]
            for row in built.doctree().findall(nodes.row)]  # fmt: skip
    assert [row[1] for row in rows] == ["previous", "", ""]
    assert [row[2] for row in rows[1:]] == ["36.00 s", "42.0 dB"]
    assert "quick has no earlier measurement." in built.text()
    assert "same" not in built.text()


def test_a_small_number_keeps_its_digits(bench):
    bench.seed(stages=[Stage(name="load", seconds=0.0042), Stage(name="skip", seconds=0.0)])
    built = bench.page(directive("runtime", "quick", rst=False))
    cells = [cell.astext() for cell in built.doctree().findall(nodes.entry)]
    assert cells[cells.index("stage load") + 1] == "4.2 ms"
    assert cells[cells.index("stage skip") + 1] == "0.00 s"
    claim = "{ptyreg:claim}`quick.stages.load < 0.01 s`\n"
    assert bench.page(claim).spans("ptyreg-measured") == [" (0.0042 s, n = 1)"]


@pytest.mark.parametrize("builder", ["html", "latex", "man", "text"])
def test_a_value_with_lines_stands_in_one(bench, builder):
    bench.seed(environment={"blas": "one\r\n\r\n.so two\n"})
    text = "## Has {ptyreg:value}`quick.environment.blas` inside\n\nx\n\n"
    built = bench.page(text + directive("environment", "quick", rst=False), builder=builder)
    assert built.warnings == ""
    assert built.spans("ptyreg-value") == ["one .so two"]
    assert "Has one .so two inside" in built.text()


# --- cards --------------------------------------------------------------------------------------


def test_a_card_says_once_how_its_selector_is_run(bench):
    quiet = {"suppress_warnings": ["ptyreg.failed", "ptyreg.missing"]}
    bench.seed(outcome=Outcome.FAILED, reason="x")
    cards = [directive("selector", name, rst=False) for name in ("quick", "never")]
    built = bench.page("".join(cards), overrides=quiet)
    assert built.text().count("ptyreg run quick") == 1
    assert built.text().count("ptyreg run never") == 1
    built = bench.page(directive("runtime", "quick", rst=False), overrides=quiet)
    assert built.text().count("ptyreg run quick") == 1


def test_a_card_says_who_vouches_when_it_is_asked(bench):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *arguments],
                       cwd=bench.root, check=True, capture_output=True)  # fmt: skip

    card = directive("selector", "quick", ":verified:", rst=False)
    bench.seed(published=True)
    assert "origin" not in bench.page(card.replace(":verified:\n", ""), builder="html").text()
    assert "not verified" in bench.page(card, builder="html").spans("ptyreg-badge")
    git("init", "-q")
    git("add", "docs/evidence")
    git("commit", "-q", "-m", "evidence")
    built = bench.build("html")
    assert built.read == ["index"]
    assert "verified" in built.spans("ptyreg-badge")
    assert re.search(r"verified commit [0-9a-f]{7}", built.text())
    german = bench.page(card, builder="html", overrides={"language": "de"})
    assert "verbürgt" in german.spans("ptyreg-badge")
    assert bench.build("html", overrides={"language": "de"}).read == []


def test_facts_of_a_run_are_no_older_than_the_page_says(bench):
    other = msgspec.structs.replace(bench.record().machine, cpu="Other CPU")
    bench.seed(started="2026-03-01T05:06:07.000000Z", machine=other)
    bench.seed()
    built = bench.page("{ptyreg:value}`quick.environment.cpu`\n")
    assert built.spans("ptyreg-value") == ["Test CPU 3000"]
