"""Where links lead, and what they say, changes with other pages: then a page is written again."""

from __future__ import annotations

import msgspec
import pytest

from sphinx_ptyreg.written import Written

CARD = "---\norphan: true\n---\n# Cards\n\n```{ptyreg:selector} quick\n```\n"
LINKS = "{ptyreg:selector}`quick` {ptyreg:metric}`quick.answer` {ptyreg:finding}`SPEED-1`\n"
LATER = "2026-05-04T05:06:07.000000Z"


@pytest.fixture
def linked(seeded):
    """A page with links alone, and a page with what they lead to."""
    finding = "\n```{ptyreg:finding} SPEED-1\n```\n"
    seeded.write("docs/cards.md", CARD + finding)
    assert seeded.page(LINKS, builder="html").warnings == ""
    assert seeded.build("html").read == []
    return seeded


def test_a_metric_that_a_new_run_lacks_is_a_dead_link_and_told(linked):
    rate = {"rate": linked.record().metrics["rate"]}
    linked.seed(started=LATER, metrics=rate)
    built = linked.as_fresh()
    assert built.read == ["cards"]
    assert "index.md:3: WARNING: Expected the metric to be defined" in built.warnings
    assert "[ptyreg.unknown]" in built.warnings
    assert 'href="cards.html#ptyreg-metric' not in built.file()


@pytest.mark.parametrize(
    "change", [("A quick test", "The quickest"), ("It is fast", "It is very fast")]
)
def test_a_title_that_is_changed_is_the_link_s(linked, change):
    toml = (linked.root / "pyproject.toml").read_text()
    assert f'{change[0]}"' in linked.out_file("index.html").read_text()
    linked.write("pyproject.toml", toml.replace(*change))
    assert f'{change[1]}"' in linked.as_fresh().file()


def test_a_card_that_is_added_or_moved_is_linked_from_other_pages(bench):
    bench.seed()
    built = bench.page("```{ptyreg:selectors}\n:only: quick\n```\n{any}`quick`\n", builder="html")
    assert 'href="cards.html' not in built.file()
    bench.write("docs/cards.md", CARD)
    built = bench.as_fresh()
    assert built.read == ["cards"]
    assert built.file().count('href="cards.html#ptyreg-selector-quick"') == 2
    (bench.root / "docs/cards.md").rename(bench.root / "docs/moved.md")
    assert bench.build("html").file().count('href="moved.html#ptyreg-selector-quick"') == 2


def test_only_pages_whose_links_changed_are_written(linked):
    linked.write("docs/other.md", "---\norphan: true\n---\n# O\n\n{ptyreg:finding}`SPEED-1`\n")
    linked.build("html")
    marks = {name: linked.out_file(name) for name in ("index.html", "other.html")}
    for file in marks.values():
        file.write_text("as it was")
    linked.seed(started=LATER, duration=37.0)  # the finding and the card are read again
    linked.build("html")
    assert [file.read_text() for file in marks.values()] == ["as it was"] * 2
    metrics = {"rate": linked.record().metrics["rate"]}
    linked.seed(started="2026-05-05T05:06:07.000000Z", metrics=metrics)
    linked.build("html")
    assert marks["index.html"].read_text() != "as it was"
    assert marks["other.html"].read_text() == "as it was"


def test_each_builder_remembers_what_it_wrote(linked):
    for builder in ("html", "dirhtml"):
        assert "A quick test" in linked.build(builder, doctrees="both").file()
    toml = (linked.root / "pyproject.toml").read_text()
    linked.write("pyproject.toml", toml.replace("A quick test", "The quickest"))
    for builder in ("html", "dirhtml"):  # the second reads nothing
        assert 'The quickest"' in linked.build(builder, doctrees="both").file()


def test_after_a_build_that_was_cut_off_every_page_is_written(linked):
    index = linked.out_file("index.html")
    index.write_text("half a pa")
    assert linked.build("html").file() == "half a pa"
    (linked.root / "out/doctrees-html/ptyreg-html.jsonl").unlink()
    assert linked.build("html").file() != "half a pa"


@pytest.mark.parametrize("text", ["", '["a", "b"]\n', "{", "1\n", '["a", "b", "c", "d"]\n'])
def test_a_file_that_makes_no_sense_remembers_nothing(tmp_path, text):
    file = tmp_path / "ptyreg-html.jsonl"
    file.write_text(text)
    known = Written(file).changed(lambda *_: "d", {"page"})
    assert known == (set() if text in {"", '["a", "b", "c", "d"]\n'} else {"page"})


def test_pages_that_another_process_writes_are_remembered(tmp_path, monkeypatch):
    written = Written(tmp_path / "ptyreg-html.jsonl")
    written.begin()
    written.start("page")
    monkeypatch.setattr("os.getpid", lambda: -1)
    written.start("page")
    written.note("page", "ptyreg_value", "quick.duration", "36.0 s")
    monkeypatch.undo()
    written.finish({"page"})
    assert written.templated() == ["quick.duration"]
    again = Written(tmp_path / "ptyreg-html.jsonl")
    assert again.changed(lambda *_: "36.0 s", {"page"}) == set()
    assert again.changed(lambda *_: "37.0 s", {"page"}) == {"page"}
    assert [file.name for file in tmp_path.iterdir()] == ["ptyreg-html.jsonl"]


def test_a_page_that_is_gone_is_forgotten(linked):
    linked.write("docs/other.md", "---\norphan: true\n---\n# O\n\n{ptyreg:selector}`quick`\n")
    linked.build("html")
    file = linked.root / "out/doctrees-html/ptyreg-html.jsonl"
    rows = [msgspec.json.decode(line) for line in file.read_text().splitlines()]
    assert {page for page, *_ in rows} == {"index", "other"}
    (linked.root / "docs/other.md").unlink()
    linked.build("html")
    assert '"other"' not in file.read_text()
