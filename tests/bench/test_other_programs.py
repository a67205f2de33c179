"""What other programs make of the outputs: a PDF, an e-book and a manual page without complaint."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sphinx_ptyreg.record import Metric, Outcome, Stage

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parent.parent / "browser" / "page.md").read_text(encoding="utf-8")
#: TeX's, XML's and troff's own characters; letters that a font lacks are the writer's choice.
HOSTILE = (
    "\x1b[31mred\x1b[0m \0 ]]> </p><b>&amp; %\\input{/etc/passwd} $x^2_3$ #1 ~ {\n"
    ".so /etc/passwd\n'" + "x" * 10_000
)


@pytest.fixture
def book(bench):
    """Build every directive over records that hold such text, a claim with each sign among them."""
    bench.seed_all()
    bench.seed(
        started="2026-03-09T05:06:07.000000Z", reason=HOSTILE, output=HOSTILE,
        command=["python", HOSTILE], environment={"fact": HOSTILE},
        metrics={"answer": Metric(value=42.0, unit="dB")}, stages=[Stage(name="a", seconds=1.0)],
    )  # fmt: skip
    bench.seed("slow", outcome=Outcome.FAILED, reason=HOSTILE, output=HOSTILE, exit_code=1)
    signs = (
        "## {ptyreg:claim}`quick.duration.max <= 90 s`\n\n{ptyreg:claim}`quick.answer >= 1 dB`\n"
    )
    bench.write("docs/index.md", f"# Page\n\n{PAGE}\n{signs}\n{{ptyreg:value}}`quick.nothing`\n")
    return bench


def run(program, *arguments, cwd):
    found = shutil.which(program)
    if found is None:
        if os.environ.get("PTYREG_CI") == "1":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    if program == "epubcheck" and Path(found).read_bytes()[:2] == b"PK":  # a bare jar
        found, arguments = shutil.which("java"), ("-jar", found, *arguments)
    return subprocess.run(
        [found, *arguments], cwd=cwd, capture_output=True, text=True, errors="replace",
        timeout=300, check=False,
    )  # fmt: skip


def test_pdflatex_typesets_the_book(book):
    built = book.build("latex")
    [tex] = [file for file in built.out.glob("*.tex") if "sphinx" not in file.name]
    answer = run("latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", tex.name,
                 cwd=built.out)  # fmt: skip
    wrong = [line for line in answer.stdout.splitlines() if line.startswith("!")]
    assert answer.returncode == 0, wrong
    assert tex.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_epubcheck_finds_nothing_of_ours(book):
    built = book.build("epub", overrides={"version": "1"})
    answer = run("epubcheck", next(built.out.glob("*.epub")).name, cwd=built.out)
    told = answer.stdout + answer.stderr
    assert "EPUBCheck completed" in told
    wrong = [line for line in told.splitlines() if line.startswith(("ERROR", "FATAL", "WARNING"))]
    assert [line for line in wrong if "ptyreg" in line or "index.xhtml" in line] == []


def test_groff_reads_the_manual_page(book):
    built = book.build("man", overrides={"man_pages": [("index", "page", "p", "a", 1)]})
    answer = run("groff", "-K", "utf8", "-ww", "-man", "-Tutf8", "page.1", cwd=built.out)
    # A word of 10,000 letters cannot be broken into lines.
    wrong = [line for line in answer.stderr.splitlines()
             if "break line" not in line and "adjust line" not in line]  # fmt: skip
    assert wrong == []
    assert "passwd" in answer.stdout
