"""The tutorial, followed as written."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{code-block\} \w+\n:caption: (?P<caption>[^\n]+)\n\n"
    r"(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


def tutorial_blocks() -> dict[str, str]:
    """Return the page's code blocks by their captions."""
    return {m["caption"]: m["body"] for m in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


def shell(project: Path, script: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PTYREG_", "PYTHONPATH"))}
    return subprocess.run(
        ["bash", "-ec", script], cwd=project, env=env, capture_output=True, text=True, check=False
    )


def follow(project: Path, environment: Path) -> None:
    """Copy the blocks verbatim into an empty project, and do what the page says."""
    blocks = tutorial_blocks()
    for caption, body in blocks.items():
        if "/" in caption or "." in caption:
            file = project / caption
            file.parent.mkdir(exist_ok=True)
            file.write_text(body, encoding="utf-8")
    (project / ".venv").symlink_to(environment)
    told = shell(project, blocks["shell"])
    assert told.returncode == 0, told.stdout + told.stderr
    html = (project / "docs/_build/html/index.html").read_text(encoding="utf-8")
    assert "200,000" in html
    assert re.search(
        r'<abbr[^>]*title="measured \d{4}-\d\d-\d\d on [^"]+"[^>]*>\d+ ms</abbr>', html
    )
    assert ".ptyreg/" in (project / ".gitignore").read_text(encoding="utf-8")

    test = project / "tests/test_sorting.py"
    test.write_text(test.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    told = shell(project, blocks["another shell"])
    assert told.returncode == 1
    assert "stale" in told.stdout
    assert "file changed: tests/test_sorting.py" in told.stdout

    told = shell(project, ".venv/bin/sphinx-build -n docs docs/_build/html")
    assert "[ptyreg.stale]" in told.stderr
    html = (project / "docs/_build/html/index.html").read_text(encoding="utf-8")
    assert "(stale)" in html


@pytest.fixture
def follow_the_tutorial() -> Callable[[Path, Path], None]:
    return follow


@pytest.fixture
def blocks() -> dict[str, str]:
    return tutorial_blocks()
