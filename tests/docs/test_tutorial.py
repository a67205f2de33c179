"""The tutorial's code blocks, copied verbatim into an empty project, do what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{code-block\} \w+\n:caption: (?P<caption>[^\n]+)\n\n"
    r"(?P<body>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


def blocks() -> dict[str, str]:
    return {m["caption"]: m["body"] for m in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for caption, body in blocks().items():
        if "/" in caption or "." in caption:
            file = tmp_path / caption
            file.parent.mkdir(exist_ok=True)
            file.write_text(body, encoding="utf-8")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def shell(project: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-ec", script], cwd=project, capture_output=True, text=True, check=False
    )


def test_the_tutorial_works_as_written(project: Path) -> None:
    told = shell(project, blocks()["shell"])
    assert told.returncode == 0, told.stdout + told.stderr
    html = (project / "docs/_build/html/index.html").read_text(encoding="utf-8")
    assert "200,000" in html
    assert re.search(
        r'<abbr[^>]*title="measured \d{4}-\d\d-\d\d on [^"]+"[^>]*>\d+ ms</abbr>', html
    )
    assert ".ptyreg/" in (project / ".gitignore").read_text(encoding="utf-8")

    test = project / "tests/test_sorting.py"
    test.write_text(test.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    told = shell(project, blocks()["another shell"])
    assert told.returncode == 1
    assert "stale" in told.stdout
    assert "file changed: tests/test_sorting.py" in told.stdout

    told = shell(project, ".venv/bin/sphinx-build -n docs docs/_build/html")
    assert "[ptyreg.stale]" in told.stderr
    html = (project / "docs/_build/html/index.html").read_text(encoding="utf-8")
    assert "(stale)" in html


def test_every_block_with_a_path_is_found() -> None:
    assert {"tests/test_sorting.py", "pyproject.toml", "docs/conf.py", "docs/index.md"} <= set(
        blocks()
    )
