"""A browser and axe; without them the tests are skipped, and fail where PTYREG_CI=1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


def _without(what: str) -> None:
    if os.environ.get("PTYREG_CI") == "1":
        pytest.fail(f"Expected {what}, but there is none.")
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        _without("chromium on PATH")
    if importlib.util.find_spec("playwright") is None:
        _without("the package playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core: ``npm install axe-core``, or a path in AXE_CORE."""
    candidates = [os.environ.get("AXE_CORE", ""), "node_modules/axe-core/axe.min.js"]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_text(encoding="utf-8")
    _without("axe-core (npm install axe-core, or its path in AXE_CORE)")
    raise AssertionError


@pytest.fixture(scope="session")
def bench_module() -> Any:
    """The project that the other tests of the bench use."""
    path = Path(__file__).parent.parent / "bench" / "conftest.py"
    spec = importlib.util.spec_from_file_location("ptyreg_bench", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ptyreg_bench"] = module
    spec.loader.exec_module(module)
    return module
