"""The pages of this project: they build by replay, and what is generated in them is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("furo")

ROOT = Path(__file__).parents[2]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ptyreg"]
PUBLISHED = ROOT / "docs/evidence/records"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build them without running anything, whatever has become stale since the last publishing."""
    out = tmp_path_factory.mktemp("pages")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PTYREG_", "READTHEDOCS"))}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-c", ".",
         "-D", "suppress_warnings=ptyreg.stale,ptyreg.claim,ptyreg.guardrail", "docs", out],
        cwd=ROOT, env=env | {"PTYREG_MODE": "replay"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def text(pages: Path, name: str) -> str:
    html = (pages / f"{name}.html").read_text(encoding="utf-8")
    html = html[html.index("<article") : html.index("</article>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def published(selector: str) -> list[dict]:
    return [json.loads(f.read_bytes()) for f in sorted((PUBLISHED / selector).glob("*.json"))]


def test_the_index_has_each_selector_with_its_card(pages: Path) -> None:
    html = (pages / "development/TEST_SUITE_INDEX.html").read_text(encoding="utf-8")
    for name, declared in DECLARED["selectors"].items():
        assert f'id="ptyreg-selector-{name}"' in html
        told = text(pages, "development/TEST_SUITE_INDEX")
        assert f"ptyreg run {name}" in told
        assert declared["proves"] in told
    for id_ in DECLARED["findings"]:
        assert id_ in text(pages, "development/TEST_SUITE_INDEX")


def test_the_ledger_has_each_published_run(pages: Path) -> None:
    told = text(pages, "fix_plan")
    for name in DECLARED["selectors"]:
        for record in published(name):
            assert record["started"][:16].replace("T", " ") in told
            assert f"{record['durations']['duration']:.2f} s" in told


def test_imported_history_says_so_and_is_compared_with_nothing(pages: Path) -> None:
    imported = [record for record in published("torch-integration") if record.get("citation")]
    assert [record["durations"]["duration"] for record in imported] == [35.86, 35.98, 35.92]
    assert {record["machine_class"] for record in imported} == {"ryzen-9-5950x-2025"}
    told = text(pages, "fix_plan")
    for record in imported:
        cited = record["citation"]
        assert f"imported from {cited['file']}, line {cited['line']}" in told
        lines = (ROOT / cited["file"]).read_text(encoding="utf-8").splitlines()
        assert cited["excerpt"] in lines[cited["line"] - 1]
    assert re.search(r"duration 35\.92 s [\d.]+ s not comparable", told)
    assert "35.9" not in text(pages, "index")


def test_the_budgets_are_those_that_are_declared(pages: Path) -> None:
    declared = DECLARED["selectors"]["torch-integration"]
    told = text(pages, "development/ci")
    assert f"time until the run is ended {declared['timeout']} s" in told
    assert f"tries again after that {declared['retries']}" in told
    for bound in ("fail", "warn"):
        assert f"{bound}s above {declared['guardrails']['duration'][bound]}" in told


def test_every_page_is_reached_from_the_navigation(pages: Path) -> None:
    listed = set(re.findall(r'href="([^"#]+\.html)"', (pages / "index.html").read_text("utf-8")))
    sources = {
        file.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        for file in (ROOT / "docs").rglob("*.md")
        if not {"_build", "evidence"} & set(file.relative_to(ROOT / "docs").parts)
    }
    assert sources - {"index.html"} <= listed
