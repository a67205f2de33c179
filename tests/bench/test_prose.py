"""Numbers that were typed by hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.prose import typed_numbers


def told(bench, source, *, rst=False):
    evidence = Evidence(load(bench.root), bench.store)
    return [tuple(found) for found in typed_numbers(source, evidence, rst=rst)]


@pytest.mark.parametrize(
    ("source", "line", "number", "role"),
    [
        ("The quick test takes 35 s.", 1, "35 s", "{ptyreg:value}`quick.duration:.0f s`"),
        ("# T\n\nAs quick as 14.53 s now.", 3, "14.53 s", ":.2f s`"),
        ("{ptyreg:value}`quick.duration` of 91 s", 1, "91 s", "timeout"),
        ("A quick test\nreaches 41.5 dB", 2, "41.5 dB", "`quick.metrics.answer:.1f dB`"),
        ("swift: 1.5 min", 1, "1.5 min", None),
        ("- quick: 7px", 1, "7px", "has a value in px"),
        ("quick takes 35.5 seconds", 1, "35.5 seconds", "`quick.duration:.1f s`"),
        ("quick takes 12 minutes", 1, "12 minutes", "min`"),
        ("quick takes 2 hours", 1, "2 hours", "h`"),
        ("quick, a 35-second run", 1, "35-second", ":.0f s`"),
        ("quick is 99 percent of it", 1, "99 percent", "%`"),
        ("quick takes 1,234.5 s", 1, "1,234.5 s", ":.1f s`"),
        ("quick takes 1e3 s", 1, "1e3 s", ":.0f s`"),
        ("quick takes **35.3** s", 1, "35.3 s", ":.1f s`"),
        ("quick takes 35.3&nbsp;s", 1, "35.3 s", ":.1f s`"),
        ("% a comment\n\nquick takes 35 s", 3, "35 s", ":.0f s`"),
    ],
)  # fmt: skip
def test_a_typed_number_near_a_selector_is_told_with_the_role_to_use(
    seeded, source, line, number, role
):
    found = told(seeded, source)
    if role is None:  # the declared bound, 90 s, reads 1.5 min
        assert found == []
        return
    assert [(at, what) for at, what, _ in found] == [(line, number)]
    if role != "timeout":
        assert role in found[0][2]


@pytest.mark.parametrize(
    "source",
    [
        "The quick test takes 36 s.", "The quick test takes 36.03 s on average.",
        "It is below 90 s for quick.", "Nothing of ours takes 35 s.",
        "quick\n\nOther paragraph: 35 s.", "```sh\nquick # 35 s\n```", "`quick 35 s` in code",
        "quick: version 1.35, 3 files, 2026-11-23, step 35.",
        "quick took 35 s <!-- ptyreg: allow from the old machine -->",
        "% ptyreg: allow the limit of CI\nquick took 35 s",
        "% ptyreg: allow the limit of CI\n\nquick took 35 s", "<!-- quick took 35 s -->",
        "<!-- many\nquick took 35 s\nlines -->", "% quick took 35 s", "$$\nquick = 35 s\n$$",
        "```{math}\nquick = 35 s\n```", "a 3d picture of quick", "quick took 3.62e1 s",
        "```{eval-rst}\n.. ptyreg: allow the limit\n\nquick took 35 s\n```",
    ],
)  # fmt: skip
def test_what_a_record_supports_or_is_no_measurement_is_left_alone(seeded, source):
    assert told(seeded, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "quick::\n\n    took 35 s quick\n", ".. math:: quick = 35 s", ".. quick took 35 s",
        "..\n   quick took 35 s\n\n   quick took 34 s", ".. code-block:: sh\n\n   quick # 35 s",
        ".. ptyreg: allow the limit of CI\n\nquick took 35 s", "- quick::\n\n      35 s\n",
        ".. raw:: html\n\n   quick took 35 s\n\nquick took 36 s",
    ],
)  # fmt: skip
def test_in_rest_what_is_no_prose_is_left_alone(seeded, source):
    assert told(seeded, source, rst=True) == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (".. note::\n\n   quick took 35 s", 3), (".. note:: quick took 35 s", 1),
        (".. list-table::\n   :header-rows: 1\n\n   * - quick took 35 s", 4),
        (".. ptyreg:selector:: quick\n\n   quick took 35 s", 3),
        ("..\n\n   quick took 35 s", 3), (".. a comment\n\nquick took 35 s", 3),
        ("- code::\n\n      x\n\n  quick took 35 s", 5),
        ("code::\n\n   x = 1\n\nquick took 35 s", 5),
        (".. [1] quick took 35 s", 1), (".. |a| replace:: quick took 35 s", 1),
    ],
)  # fmt: skip
def test_in_rest_what_a_directive_holds_is_read(seeded, source, line):
    assert [at for at, *_ in told(seeded, source, rst=True)] == [line]


def test_in_myst_a_line_that_ends_in_colons_begins_no_code(seeded):
    assert told(seeded, "- quick is so::\n\n  quick took 35 s")[0][0] == 3
    source = "```{eval-rst}\n.. note::\n\n   quick took 35 s\n```\n\nquick took 34 s"
    assert [at for at, *_ in told(seeded, source)] == [4, 7]


def test_silence_needs_a_reason(seeded):
    found = told(seeded, "quick took 35 s <!-- ptyreg: allow -->")
    assert found[0][2] == "Expected a reason after 'ptyreg: allow'."


def test_on_the_command_line_it_tells_file_and_line(seeded):
    seeded.write("docs/page.md", "# T\n\nquick takes 35 s.\n")
    seeded.write("docs/_build/page.md", "quick takes 35 s.\n")

    def lint(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "sphinx_ptyreg", "lint", *arguments],
            cwd=seeded.root, capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = lint()
    assert done.returncode == 1
    assert done.stdout == (
        "docs/page.md:3: 35 s: no record of quick supports it; cite what was measured: "
        "{ptyreg:value}`quick.duration:.0f s`\n"
    )
    seeded.write("docs/page.md", "# T\n\nquick takes {ptyreg:value}`quick.duration`.\n")
    assert (lint().returncode, lint("docs/page.md").returncode) == (0, 0)
    assert lint("nowhere.md").returncode == 3


def test_a_build_warns_when_it_is_asked_to(seeded):
    assert seeded.page("quick takes 35 s.\n").warnings == ""
    built = seeded.page("quick takes 35 s.\n", overrides={"ptyreg_lint": True})
    assert (
        "index.md:3: WARNING: typed number 35 s: no record of quick supports it" in built.warnings
    )
    assert "[ptyreg.prose]" in built.warnings
