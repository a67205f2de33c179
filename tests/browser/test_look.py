"""The rendered pages in a browser: accessible, quiet, and at home in three themes."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

THEMES = ["furo", "pydata_sphinx_theme", "alabaster"]
SHOTS = os.environ.get("PTYREG_SCREENSHOTS")

#: Every directive and role, and the class or tag by which a page shows that it is there.
PAGE = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")
MORE = """
```{ptyreg:compare} quick
:left: 1.0
:right: 2.0
```
```{raw} html
<p><img src="ptyreg/badges/quick.svg" alt="quick: how it stands"></p>
```
"""
SHOWN = [
    ".ptyreg-value", ".ptyreg-quantity", ".ptyreg-badge", ".ptyreg-claim", ".ptyreg-card",
    ".ptyreg-facts", ".ptyreg-selectors", ".ptyreg-runtime", ".ptyreg-stages", ".ptyreg-metrics",
    ".ptyreg-guardrails", ".ptyreg-environment", ".ptyreg-machines", "svg.ptyreg-plot",
    ".ptyreg-history", ".ptyreg-figure", ".ptyreg-figure.ptyreg-pixels img", ".ptyreg-output",
    ".ptyreg-compare", ".ptyreg-finding", ".ptyreg-finding-status", ".ptyreg-findings",
    ".ptyreg-ledger", ".ptyreg-panel.ptyreg-bad", ".ptyreg-problem", ".ptyreg-provenance",
    'img[src$="quick.svg"]',
]  # fmt: skip

#: Pages that the extension fills: all of it, its indices, and a page that shows nothing of it.
PAGES = ["index", "ptyreg-selectors", "ptyreg-metrics", "ptyreg-findings", "ptyreg-guardrails"]
WITHOUT = "plain"

AXE = """async (shown) => {
  const ours = [...document.querySelectorAll('[class*="ptyreg-"], img[src*="ptyreg/"]')];
  const result = await axe.run(document);
  const all = kind => result[kind].flatMap(rule => rule.nodes.map(node =>
    [rule.id, document.querySelector(node.target[0]), node.target.join(' '), node.failureSummary]));
  const violations = all('violations');
  const looked = [...violations, ...all('passes')].map(([, at]) => at);
  const found = violations.filter(([, at]) => at && ours.some(own => own.contains(at)
    || (at.contains(own) && at.matches('.table-wrapper, .pst-scrollable-table-container'))));
  return {
    found: found.map(([id, , target, summary]) => [id, target, summary]),
    rules: [...new Set(violations.map(([id]) => id))],
    unseen: shown.filter(css => ![...document.querySelectorAll(css)].some(
      own => looked.some(at => at && own.contains(at)))),
    checked: looked.length,
  };
}"""

#: What of ours leaves the window, and the column that the theme gives to the text.
WIDE = """() => [...document.querySelectorAll('[class*="ptyreg-"]')]
  .filter(e => e.getBoundingClientRect().right > 1 + Math.max(innerWidth,
      document.querySelector('[role=main]').getBoundingClientRect().right)
    && !e.closest('svg, [class*="drawer"], dialog'))
  .map(e => e.className)"""


@pytest.fixture(scope="module", params=THEMES)
def site(request: Any, recorded: Any) -> Any:
    if importlib.util.find_spec(request.param) is None:
        if os.environ.get("PTYREG_CI") == "1":
            pytest.fail(f"Expected the theme {request.param}, but it is not installed.")
        pytest.skip(f"needs the theme {request.param}")
    recorded.write("docs/plain.md", "---\norphan: true\n---\n# Plain\n\n## Words\n\nWords alone.\n")
    theme = {"html_theme": request.param, "ptyreg_exports": ["svg"]}
    built = recorded.page(PAGE + MORE, builder="html", out=request.param, overrides=theme)
    kinds = set(re.findall(r"\[([\w.]+)\]$", built.warnings, re.MULTILINE))
    assert kinds == {"ptyreg.claim", "ptyreg.failed", "ptyreg.missing"}
    return request.param, built


def opened(chromium: Any, scheme: str, width: int) -> Any:
    """Return a tab, and what it will have asked for and complained about."""
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda told: told.type == "error" and errors.append(told.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(f"localStorage.setItem('mode','{scheme}');"
                         f"localStorage.setItem('theme','{scheme}')")  # fmt: skip
    return page, requests, errors


@pytest.mark.parametrize("width", [1300, 390], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_the_extension_renders_is_accessible_and_quiet(site, chromium, axe, scheme, width):
    theme, built = site
    page, requests, errors = opened(chromium, scheme, width)
    rules: dict[str, set[str]] = {}
    for name in [*PAGES, WITHOUT]:
        requests.clear()
        errors.clear()
        page.goto((built.out / f"{name}.html").as_uri())
        page.wait_for_load_state("networkidle")
        asked, complained = list(requests), list(errors)  # axe itself asks for style sheets
        page.evaluate(axe)
        result = page.evaluate(AXE, SHOWN if name == "index" else [])
        rules[name] = set(result["rules"])
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{theme}-{name}-{scheme}-{width}.png", full_page=True)
        assert result["found"] == [], json.dumps(result["found"], indent=1)
        assert result["unseen"] == []
        assert result["checked"] > 20
        assert complained == []
        assert [url for url in asked if not re.match(r"(file|data):", url)] == []
        assert page.evaluate(WIDE) == []
    page.close()
    assert rules["index"] <= rules[WITHOUT]


def test_on_a_narrow_screen_every_table_keeps_its_heads(site, chromium):
    """What is not seen is still told: the heads of the columns and of the rows."""
    _, built = site
    page, _, _ = opened(chromium, "light", 390)
    page.goto((built.out / "index.html").as_uri())
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    known = {node["nodeId"]: node for node in tree}
    for node in tree:
        node["role_"] = node.get("role", {}).get("value", "")
        node["name_"] = node.get("name", {}).get("value", "")

    def below(node):
        for child in node.get("childIds", ()):
            if child in known:
                yield known[child]
                yield from below(known[child])

    heads = [
        {role: [n["name_"] for n in below(table) if n["role_"] == role]
         for role in ("columnheader", "rowheader")}
        for table in tree if table["role_"] == "table"
    ]  # fmt: skip
    [selectors] = [head for head in heads if "proves" in head["columnheader"]]
    assert selectors["columnheader"] == ["selector", "proves", "pytest", "status", "takes"]
    assert selectors["rowheader"] == ["quick", "slow", "never"]
    ledgers = [head for head in heads if "started" in head["columnheader"]]
    assert [head["columnheader"][1] for head in ledgers] == ["outcome"]
    assert all(head["rowheader"] for head in heads)
    page.close()


def test_what_is_printed_fits_the_paper(site, chromium):
    _, built = site
    page, _, errors = opened(chromium, "light", 720)
    page.emulate_media(media="print")
    page.goto((built.out / "index.html").as_uri())
    assert page.evaluate(WIDE) == []
    assert errors == []
    page.close()


def test_axe_finds_what_a_style_sheet_spoils(site, chromium, axe):
    """The proof that the test above can fail."""
    _, built = site
    page, _, _ = opened(chromium, "light", 1300)
    page.goto((built.out / "index.html").as_uri())
    page.add_style_tag(content=".ptyreg-badge { color: #eee !important; background: #fff }")
    page.evaluate(axe)
    result = page.evaluate(AXE, [*SHOWN, ".ptyreg-absent"])
    page.close()
    assert "color-contrast" in {rule for rule, *_ in result["found"]}
    assert result["unseen"] == [".ptyreg-absent"]


def test_a_badge_is_an_accessible_drawing(site, chromium, axe):
    _, built = site
    page, requests, _ = opened(chromium, "light", 600)
    badges = sorted((built.out / "ptyreg" / "badges").glob("*.svg"))
    assert {badge.name for badge in badges} >= {"quick.svg", "quick.duration.svg", "never.svg"}
    drawn = "".join(f"<p>{badge.read_text('utf-8')}</p>" for badge in badges)
    page.set_content(f"<html lang=en><title>Badges</title><main><h1>Badges</h1>{drawn}</main>")
    page.evaluate(axe)
    result = page.evaluate("async () => (await axe.run(document)).violations.map(v => v.id)")
    # The badges of a page share its document here alone; an image is a document of its own.
    assert [rule for rule in result if rule != "duplicate-id"] == []
    assert requests == []
    page.close()
