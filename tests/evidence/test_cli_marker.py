"""``ptyreg run --marker``: the selectors whose tests carry a marker, as pytest collects them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PYPROJECT = """
[tool.pytest.ini_options]
addopts = "-v --strict-markers"
markers = ["integration", "gpu", "tiny"]

[tool.ptyreg.selectors.whole]
nodeids = ["tests/test_a.py::test_whole"]

[tool.ptyreg.selectors.part]
nodeids = ["tests/test_a.py::test_part[2]"]
env = { MARKED = "1" }

[tool.ptyreg.selectors.file]
nodeids = ["tests/test_b.py"]

[tool.ptyreg.selectors.expression]
markers = "tiny"
"""

TESTS = """
import os
import pytest
from pytest import mark as marked

@marked.integration
def test_whole(): pass

@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.gpu)])
def test_part(n): pass

if os.environ.get("MARKED"):
    test_part = marked.integration(test_part)

@pytest.mark.tiny
def test_tiny(): pass
"""


@pytest.fixture
def marks(project, monkeypatch):
    project.write("pyproject.toml", PYPROJECT)
    project.write("tests/test_a.py", TESTS)
    project.write("tests/test_b.py", "def test_b(): pass\n")
    monkeypatch.chdir(project.root)
    return project


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("integration", ["whole", "part"]),  # the second by the variable that its selector declares
        ("not integration", ["file", "expression"]),
        ("gpu", ["part"]),
        ("tiny", ["expression"]),
        ("integration and not gpu", ["whole"]),
    ],
)
def test_the_selectors_of_a_marker_are_run(marks, ptyreg, expression, names):
    status, out, err = ptyreg("run", "--marker", expression, "--json")
    assert status == 0, err
    assert [told["selector"] for told in json.loads(out)["selectors"]] == names
    assert f"-m {expression!r} selects {', '.join(names)}" in err


def test_names_and_a_marker_narrow_each_other(marks, ptyreg):
    status, out, _ = ptyreg("run", "whole", "file", "--marker", "integration", "--json")
    assert status == 0
    assert [told["selector"] for told in json.loads(out)["selectors"]] == ["whole"]


@pytest.mark.parametrize(
    ("expression", "status", "told"),
    [
        ("gpu and tiny", 2, "-m 'gpu and tiny', but got none among whole, part, file, expression."),
        ("and and", 2, "Expected an expression of markers, but got 'and and'"),
    ],
)  # fmt: skip
def test_a_marker_that_selects_nothing_is_a_mistake(marks, ptyreg, expression, status, told):
    done = ptyreg("run", "--marker", expression)
    assert done[0] == status
    assert told in done[2]
    assert not (marks.root / ".ptyreg/records").exists()


def test_tests_that_cannot_be_collected_are_told(marks, ptyreg):
    marks.write("tests/test_b.py", "import nothing_like_that\n")
    status, _, err = ptyreg("run", "--marker", "integration")
    assert status == 3
    assert "Expected pytest to collect the tests of whole, file, to know their markers" in err
    assert "nothing_like_that" in err


def test_a_project_below_the_root_of_pytest_is_asked_too(marks, tmp_path):
    """Node ids are told from pytest's root, which lies above the project here."""
    inner = marks.root / "packages/inner"
    (inner / "tests").mkdir(parents=True)
    (inner / "tests/test_a.py").write_text(TESTS)
    (inner / "pyproject.toml").write_text(
        '[tool.ptyreg.selectors.whole]\nnodeids = ["tests/test_a.py::test_whole"]\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx_ptyreg", "run", "--marker", "integration"],
        cwd=inner, env=marks.environ(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "-m 'integration' selects whole" in done.stdout, done.stderr
