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
SHOWN = [
    ".ptyreg-value", ".ptyreg-badge", ".ptyreg-claim", ".ptyreg-card", ".ptyreg-selectors",
    ".ptyreg-runtime", ".ptyreg-stages", ".ptyreg-metrics", ".ptyreg-guardrails",
    ".ptyreg-environment", "svg.ptyreg-plot", ".ptyreg-history", ".ptyreg-figure img",
    ".ptyreg-output", ".ptyreg-compare", ".ptyreg-finding", ".ptyreg-finding-status",
    ".ptyreg-findings", ".ptyreg-ledger", ".ptyreg-problem",
]  # fmt: skip

AXE = """async () => {
  const ours = [...document.querySelectorAll('[class*="ptyreg-"]')];
  const result = await axe.run(document, {resultTypes: ['violations']});
  const found = [];
  for (const violation of result.violations) for (const node of violation.nodes) {
    const at = document.querySelector(node.target[0]);
    if (ours.some(own => own === at || own.contains(at) || (at && at.contains(own)
        && at.matches('.table-wrapper, .pst-scrollable-table-container'))))
      found.push([violation.id, node.target.join(' '), node.failureSummary]);
  }
  return {found, passes: result.passes.length, violations: result.violations.length};
}"""


@pytest.fixture(scope="module", params=THEMES)
def site(request: Any, bench_module: Any, tmp_path_factory: Any) -> Any:
    if importlib.util.find_spec(request.param) is None:
        if os.environ.get("PTYREG_CI") == "1":
            pytest.fail(f"Expected the theme {request.param}, but it is not installed.")
        pytest.skip(f"needs the theme {request.param}")
    bench = bench_module.Bench(tmp_path_factory.mktemp("site"))
    bench.seed_all()
    built = bench.page(PAGE, builder="html", overrides={"html_theme": request.param})
    return request.param, built


@pytest.mark.parametrize("width", [1300, 390], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_the_extension_renders_is_accessible_and_quiet(site, chromium, axe, scheme, width):
    theme, built = site
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda told: told.type == "error" and errors.append(told.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(f"localStorage.setItem('mode','{scheme}');"
                         f"localStorage.setItem('theme','{scheme}')")  # fmt: skip
    page.goto((built.out / "index.html").as_uri())
    missing = [css for css in SHOWN if page.locator(css).count() == 0]
    assert not missing
    page.wait_for_load_state("networkidle")
    heard = [list(requests), list(errors)]  # axe itself asks for style sheets
    page.evaluate(axe)
    result = page.evaluate(AXE)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{theme}-{scheme}-{width}.png", full_page=True)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('[class*="ptyreg-"]')]
             .filter(e => e.getBoundingClientRect().right > innerWidth + 1
               && !e.closest('svg, [class*="drawer"], dialog'))
             .map(e => e.className)"""
    )
    page.close()
    assert result["found"] == [], json.dumps(result["found"], indent=1)
    assert result["passes"] > 5
    assert heard[1] == []
    assert [url for url in heard[0] if not re.match(r"(file|data):", url)] == []
    assert wide == []
