"""What is behind a value: reached by keyboard and by touch, without a script, and nothing moves."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SHOTS = os.environ.get("PTYREG_SCREENSHOTS")
PAGE = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")

#: Where everything is from the first heading on (a theme's own bar may shrink on scrolling), what
#: has the focus, and the bubble that the style sheet draws behind it.
LOOK = """() => {
  const zero = document.querySelector('h1').getBoundingClientRect();
  const at = document.activeElement, bubble = getComputedStyle(at, '::after');
  return {
    places: [...document.querySelectorAll('main *, [role=main] *')].map(e => {
      const box = e.getBoundingClientRect();
      return box.width && [box.left - zero.left, box.top - zero.top, box.width, box.height]
        .map(Math.round).join();
    }),
    wide: document.documentElement.scrollWidth,
    title: at.title || '', tab: at.getAttribute('tabindex'), name: at.tagName,
    position: bubble.position, display: bubble.display,
    content: bubble.content, top: parseFloat(bubble.top), left: parseFloat(bubble.left),
    width: parseFloat(bubble.width), height: parseFloat(bubble.height),
    window: [innerWidth, innerHeight],
  };
}"""


@pytest.fixture(scope="module", params=["furo", "pydata_sphinx_theme", "alabaster"])
def site(request: Any, recorded: Any) -> Any:
    if importlib.util.find_spec(request.param) is None:
        if os.environ.get("PTYREG_CI") == "1":
            pytest.fail(f"Expected the theme {request.param}, but it is not installed.")
        pytest.skip(f"needs the theme {request.param}")
    recorded.write("docs/plain.md", "---\norphan: true\n---\n# Plain\n")
    built = recorded.page(
        PAGE, builder="html", out=f"keys-{request.param}", overrides={"html_theme": request.param}
    )
    return request.param, built


@pytest.fixture(params=[("light", 1300), ("dark", 390)], ids=["wide-light", "narrow-dark"])
def tab(request: Any, site: Any, chromium: Any) -> Any:
    theme, built = site
    scheme, width = request.param
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.add_init_script(f"localStorage.setItem('mode','{scheme}');"
                         f"localStorage.setItem('theme','{scheme}')")  # fmt: skip
    page.goto((built.out / "index.html").as_uri())
    page.wait_for_load_state("networkidle")
    page.shot = f"{theme}-{scheme}"
    yield page
    page.close()


def test_tab_stops_once_at_each_provenance_and_shows_it(tab):
    known = tab.evaluate("[...new Set([...document.querySelectorAll('abbr')].map(e => e.title))]")
    assert len(known) >= 2
    before = tab.evaluate(LOOK)
    tab.evaluate("document.querySelector('main, [role=main]').querySelector('h1').tabIndex = -1")
    tab.evaluate("document.querySelector('h1').focus()")
    found: list[str] = []
    for _ in range(200):
        tab.keyboard.press("Tab")
        now = tab.evaluate(LOOK)
        if now["name"] == "BODY":
            break
        if now["name"] != "ABBR":
            continue
        found.append(now["title"])
        assert now["tab"] == "0"
        assert now["content"].startswith(f'"{now["title"]}"')
        assert now["position"] == "fixed"
        assert now["display"] != "none"
        assert inside(now)
        assert now["wide"] == before["wide"]
        assert now["places"] == before["places"]
        if SHOTS and len(found) == 1:
            tab.screenshot(path=f"{SHOTS}/{tab.shot}-focus.png")
    assert found == [title for title in known if title in found]
    assert sorted(found) == sorted(known)


def test_a_tap_or_a_click_shows_what_is_behind_any_value(tab):
    values = tab.query_selector_all("main abbr[tabindex], [role=main] abbr[tabindex]")
    assert {value.get_attribute("tabindex") for value in values} == {"0", "-1"}
    for i, value in enumerate(values):
        if not value.is_visible():
            continue
        value.scroll_into_view_if_needed()
        before = tab.evaluate(LOOK)
        value.click()
        now = tab.evaluate(LOOK)
        assert now["title"] == value.get_attribute("title")
        assert now["content"].startswith(f'"{now["title"]}"')
        assert inside(now)
        assert now["places"] == before["places"]
        if SHOTS and i == len(values) - 1:
            tab.screenshot(path=f"{SHOTS}/{tab.shot}-tap.png")


def test_on_paper_there_is_no_bubble(tab):
    tab.evaluate("document.querySelector('abbr[tabindex]').focus()")
    assert tab.evaluate(LOOK)["display"] != "none"
    tab.emulate_media(media="print")
    assert tab.evaluate(LOOK)["display"] == "none"


def test_a_screen_reader_is_told_what_is_behind_a_value(tab):
    told = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    words = [str(node.get(part, {}).get("value", "")) for node in told
             if "focusable" in [p["name"] for p in node.get("properties", ())]
             for part in ("name", "description")]  # fmt: skip
    title = tab.evaluate("document.querySelector('abbr[tabindex]').title")
    assert any(title in word for word in words)


def inside(now: dict[str, Any]) -> bool:
    """Whether the bubble stands in the window."""
    width, height = now["window"]
    return (
        now["left"] >= 0
        and now["left"] + now["width"] <= width
        and now["top"] >= 0
        and now["top"] + now["height"] <= height
    )
