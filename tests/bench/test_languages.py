"""The fixed words of pages in the reader's language: whole catalogues, and they are used."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from babel.messages import mofile, pofile
from babel.messages.extract import extract_from_dir

import sphinx_ptyreg
from sphinx_ptyreg.catalogue import FORMS, LOCALE, WORDS, spoken
from sphinx_ptyreg.findings import Verdict as Support
from sphinx_ptyreg.guardrails import Verdict as Guarded
from sphinx_ptyreg.inputs import State
from sphinx_ptyreg.judging import Verdict
from sphinx_ptyreg.record import Outcome

PACKAGE = Path(sphinx_ptyreg.__file__).parent
CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/ptyreg.po"))
PAGE = (Path(__file__).parent.parent / "browser" / "page.md").read_text(encoding="utf-8")


def messages(file: Path) -> dict[str, str]:
    with file.open("rb") as stream:
        read = mofile.read_mo if file.suffix == ".mo" else pofile.read_po
        return {message.id: message.string for message in read(stream) if message.id}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_template_holds_every_word_of_the_code():
    keywords = {"_": None, "N_": None}
    said = {found[2] for found in extract_from_dir(PACKAGE, keywords=keywords)}
    assert set(messages(LOCALE / "ptyreg.pot")) == said
    assert {*WORDS, *FORMS} <= said


@pytest.mark.parametrize("words", [Verdict, Support, Guarded, State, [o.words for o in Outcome]])
def test_every_word_of_a_verdict_is_in_the_catalogue(words):
    assert {getattr(word, "value", word) for word in words} <= set(WORDS)


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.parents[1].name)
def test_a_language_is_whole_and_its_placeholders_agree(file):
    told = messages(file)
    assert told.keys() == messages(LOCALE / "ptyreg.pot").keys()
    for ours, theirs in told.items():
        assert theirs.strip(), ours
        assert places(ours) == places(theirs), ours
    assert messages(file.with_suffix(".mo")) == told


def test_a_form_keeps_what_was_said():
    assert [spoken(text) for text in ("", "file changed: a.py (1 → 2)", "ran with pytest 9")] == [
        "", "file changed: a.py (1 → 2)", "ran with pytest 9",
    ]  # fmt: skip


def test_a_german_page_has_german_words_and_no_others(seeded):
    page = "{ptyreg:value}`slow.duration` {ptyreg:value}`never.duration` {ptyreg:age}`quick`\n"
    directives = re.findall(r"```\{ptyreg:(?!artifact|finding\} POLICY).*?```\n", PAGE, re.DOTALL)
    page += "\n" + "".join(directives) + "{ptyreg:claim}`quick.duration.max <= 9 s`\n"
    english = seeded.page(page, builder="html")
    assert "not measured" in english.text()
    german = seeded.page(page, builder="html", overrides={"language": "de"})
    text = german.text()
    for word in ("gemessen am 2026-03-06 bei a1b2c3d", "nicht gemessen", "bestanden", "aktuell",
                 "Leitplanken", "Maschinenklasse", "Nachgewiesen: the answer", "eingehalten",
                 "verletzt über", "falsch", "Abschnitt train", "Spitzenspeicher"):  # fmt: skip
        assert word in text, word
    assert 'title="gemessen am 2026-03-06 bei a1b2c3d auf linux' in german.file()
    assert ">verletzt 90<" in german.file()
    assert "duration von quick über 7 Läufe auf 2 Maschinenklassen" in german.file()
    assert "<h1>Leitplanken" in german.file("ptyreg-guardrails.html")
    told = messages(LOCALE / "de/LC_MESSAGES/ptyreg.po")
    left = {
        ours for ours, theirs in told.items()
        if " " in ours and ours != theirs and not places(ours)
        and re.search(rf"\b{re.escape(ours)}\b", text)
    }  # fmt: skip
    assert left == set()
    again = seeded.page(page, builder="html", overrides={"language": "en"})
    assert again.text() == english.text()  # the language of an earlier build in this process


def test_what_a_log_says_stays_english(seeded):
    seeded.write("docs/index.md", "# P\n\n{ptyreg:claim}`quick.duration.max <= 9 s`\n")
    done = seeded.sphinx("html", "-D", "language=de")
    assert "false" in done.stderr
    assert "falsch" in (seeded.root / "out/html/index.html").read_text(encoding="utf-8")
