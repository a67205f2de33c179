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


@pytest.fixture(scope="session")
def recorded(bench_module: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project with own, foreign and imported runs, a failed latest run and two releases."""
    from sphinx_ptyreg.frozen import freeze
    from sphinx_ptyreg.record import Citation, Outcome

    bench = bench_module.Bench(tmp_path_factory.mktemp("site"))
    bench.seed_all()
    line = "1 passed in 35.92s"
    log = Citation(file="docs/history/2025-10-19T193425Z-pytest.log", line=8, excerpt=line,
                   sha256="8" * 64, kind="log")  # fmt: skip
    bench.seed(started="2025-10-19T19:34:25.000000Z", duration=35.92, source="import",
               citation=log, machine_class="ryzen-2025", commit=None)  # fmt: skip
    bench.seed("slow", started="2026-03-09T05:06:07.000000Z", outcome=Outcome.FAILED,
               exit_code=1, reason="tests/test_slow.py::test_slow",
               output="E   assert 1 == 2\n1 failed in 3.00s")  # fmt: skip
    project = bench_module.load(bench.root)
    for version, seconds in (("1.0", 44.0), ("2.0", 36.0)):
        run = bench.record(started=f"2026-01-0{version[0]}T05:06:07.000000Z", duration=seconds)
        freeze(project, bench.store, version, {"quick": [run]},
               frozen="2026-03-10T03:04:05.000000Z", commit=None)  # fmt: skip
    return bench
