"""The fixed words of pages, in the reader's language; numbers, units and names stay as they are.

Below the pages everything is English: commands, warnings and reports say it so. What a page takes
from there is looked up here, whole or by the form of its sentence.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from sphinx.locale import get_translation, get_translator

__all__ = ["DOMAIN", "FORMS", "LOCALE", "N_", "WORDS", "_", "spoken"]

DOMAIN = "ptyreg"

#: Holds the catalogues.
LOCALE = Path(__file__).parent / "locale"

_ = get_translation(DOMAIN)


#: Marks a text for the catalogue; it is looked up when a page is read.
N_ = str

#: Words of verdicts, outcomes, freshness, reasons, bounds and notes.
WORDS = (
    N_("passed"), N_("failed"), N_("error"), N_("skipped"), N_("xfailed"), N_("xpassed"),
    N_("timeout"), N_("interrupted"), N_("crashed"), N_("not collected"), N_("import error"),
    N_("not measured"), N_("fresh"), N_("stale"), N_("old"), N_("missing"),
    N_("holds"), N_("false"), N_("stale evidence"), N_("not comparable"), N_("no data"),
    N_("pass"), N_("warn"), N_("fail"), N_("fail above"), N_("warn above"), N_("at least"),
    N_("baseline"), N_("declared"), N_("published"), N_("nothing is measured"),
    N_("no published run of this machine class and inputs"), N_("no recorded run tells"),
    N_("no commit"), N_("run"), N_("import"), N_("same"),
    N_("other unit"),
    N_("what it depended on is not known"), N_("No release is frozen yet"),
    N_("No earlier release is frozen"), N_("earlier"), N_("the release rests on other runs"),
    N_("imported"), N_("too old"), N_("declaration changed"), N_("file changed"), N_("file gone"),
    N_("file added"), N_("folder changed"), N_("link changed"), N_("settings changed"),
    N_("version changed"), N_("version added"), N_("version gone"),
    N_("Selectors"), N_("Metrics"), N_("Findings"), N_("Guardrails"),
    N_("selectors"), N_("metrics"), N_("findings"), N_("guardrails"),
    N_("variable changed"), N_("variable added"), N_("variable gone"),
    N_("verified"), N_("not verified"), N_("its signature is of no declared signer"),
)  # fmt: skip

#: Forms of sentences; the more special first.
FORMS = (
    N_("published, n = {n}"),
    N_("published ± {tolerance}"),
    N_("measured {date}, more than {limit} ago"),
    N_("measured in {unit}"),
    N_("measured on {machine}"),
    N_("ran with {distribution}"),
    N_("pytest's in {file}"),
    N_("Nothing of {name} is published"),
    N_("Release {version} keeps nothing of {name}"),
    N_("Release {version} keeps these very runs"),
    N_("{name} has not been measured"),
    N_("{name} has no earlier measurement"),
    N_("signed by {name}"),
    N_("commit {commit}"),
    N_("{n} more"),
    N_("{file}, line {line} (SHA-256 {digest})"),
)


def spoken(text: str) -> str:
    """Return what a lower floor said in English in the language of the page."""
    if not text or type(get_translator(DOMAIN)) is NullTranslations:
        return text  # English; or nothing, which would be a catalogue's head
    said = str(_(text))
    if said != text:
        return said
    kind, colon, rest = text.partition(": ")
    if colon and kind in WORDS:
        return f"{_(kind)}: {spoken(rest)}"
    for form in FORMS:
        if found := _pattern(form).fullmatch(text):
            return str(_(form)).format(**found.groupdict())
    return text


@cache
def _pattern(form: str) -> re.Pattern[str]:
    named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(form))
    return re.compile(named)
