"""The fixtures of tests/ptyreg, and what travels: reports and records made elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sphinx_ptyreg.cli import main

_SPEC = importlib.util.spec_from_file_location(
    "ptyreg_fixtures", Path(__file__).parents[1] / "ptyreg" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_SHARED = importlib.util.module_from_spec(_SPEC)
sys.modules["ptyreg_fixtures"] = _SHARED
_SPEC.loader.exec_module(_SHARED)

ProjectFolder = _SHARED.ProjectFolder
bare, project, page, a_record, declare, read_json = (
    _SHARED.bare, _SHARED.project, _SHARED.page, _SHARED.a_record, _SHARED.declare,
    _SHARED.read_json,
)  # fmt: skip
_no_mode_from_outside = _SHARED._no_mode_from_outside


@pytest.fixture
def another(tmp_path) -> Callable[[str], object]:
    """Make another checkout of the quick project."""

    def make(name: str) -> object:
        folder = ProjectFolder(tmp_path / name)
        folder.write("pyproject.toml", _SHARED.PYPROJECT)
        folder.write("src.py", "ANSWER = 42\n")
        folder.write("tests/test_quick.py", _SHARED.QUICK)
        folder.write("docs/conf.py", 'extensions = ["myst_parser", "sphinx_ptyreg"]\n')
        folder.write("docs/index.md", _SHARED.INDEX)
        return folder

    return make


@pytest.fixture
def run_pytest(tmp_path) -> Callable[..., Path]:
    """Run pytest over a suite that a third party might have; return its folder."""

    def run(source: str, *options: str, plugins: Sequence[str] = ()) -> Path:
        folder = tmp_path / "third-party"
        (folder / "tests").mkdir(parents=True, exist_ok=True)
        (folder / "tests" / "test_quick.py").write_text(source, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n")
        loaded = [f"-p{plugin}" for plugin in plugins]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *loaded, "-pno:cacheprovider", *options, "tests"],
            cwd=folder, capture_output=True, text=True, timeout=120, check=False,
            env={
                **{name: os.environ[name] for name in os.environ if "XDIST" not in name},
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
        )  # fmt: skip
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        (folder / "pytest.log").write_text(done.stdout)
        return folder

    return run


@pytest.fixture(scope="session")
def _measured_once(tmp_path_factory) -> Path:
    """Run a rich project three times, for real."""
    folder = ProjectFolder(tmp_path_factory.mktemp("measured") / "project")
    folder.write("pyproject.toml", RICH)
    folder.write("src.py", "ANSWER = 42\n")
    folder.write("tests/test_quick.py", RICH_TEST)
    folder.write("docs/conf.py", 'extensions = ["myst_parser", "sphinx_ptyreg"]\nproject = "p"\n'
                 'exclude_patterns = ["evidence"]\n')  # fmt: skip
    folder.write("docs/index.md", RICH_PAGE)
    done = folder.cli("run", "--repeats", "3", env={"PTYREG_CLASS": "laptop"})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder.root


@pytest.fixture
def measured(_measured_once, tmp_path, monkeypatch) -> object:
    """A copy of a project with one sample set of three real runs of machine class laptop."""
    shutil.copytree(_measured_once, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PTYREG_CLASS", "laptop")
    return ProjectFolder(tmp_path / "project")


@pytest.fixture(scope="session")
def _remeasured_once(_measured_once, tmp_path_factory) -> Path:
    """Run it twice more, with other inputs and another answer."""
    root = tmp_path_factory.mktemp("remeasured") / "project"
    shutil.copytree(_measured_once, root)
    folder = ProjectFolder(root)
    folder.write("src.py", "ANSWER = 43\n")
    folder.write("tests/test_quick.py", RICH_TEST.replace("42.173", "61.5"))
    done = folder.cli("run", "--repeats", "2", env={"PTYREG_CLASS": "laptop"})
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture
def remeasured(_remeasured_once, tmp_path, monkeypatch) -> object:
    """A copy of it: three runs, then two of other inputs, all of machine class laptop."""
    shutil.copytree(_remeasured_once, tmp_path / "remeasured")
    monkeypatch.chdir(tmp_path / "remeasured")
    monkeypatch.setenv("PTYREG_CLASS", "laptop")
    return ProjectFolder(tmp_path / "remeasured")


@pytest.fixture
def ptyreg(capfd) -> Callable[..., tuple[int, str, str]]:
    """Call a command in this process; return its status and what it printed."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as error:
            status = int(error.code or 0)
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def in_process(monkeypatch, capfd) -> None:
    """Let ``project.cli`` call commands in this process, unless it is given an environment."""
    in_child = ProjectFolder.cli

    def cli(folder, *arguments: str, **kwargs):
        if kwargs:
            return in_child(folder, *arguments, **kwargs)
        capfd.readouterr()
        with contextlib.chdir(folder.root):
            try:
                status = main(arguments)
            except SystemExit as error:
                status = int(error.code or 0)
        return subprocess.CompletedProcess(arguments, status, *capfd.readouterr())

    monkeypatch.setattr(ProjectFolder, "cli", cli)


RICH = """
[tool.ptyreg.selectors.quick]
title = "A quick test"
proves = "the answer is found in time"
nodeids = ["tests/test_quick.py::test_quick"]
inputs = ["src.py"]
requires = ["pytest>=7"]
aliases = ["swift"]
timeout = 77
[tool.ptyreg.selectors.quick.guardrails]
duration = { fail = "90 s", warn = "60 s" }
answer = { minimum = "40 dB" }
[tool.ptyreg.findings.POLICY-1]
title = "pytest is needed"
rule = "Everything runs in pytest>=7."
requires = "pytest>=7"
"""

RICH_TEST = """
def test_quick(ptyreg, record_property, tmp_path):
    record_property("seed", 1234)
    ptyreg.stage("train", seconds=0.731)
    ptyreg.metric("answer", 42.173, unit="dB")
    ptyreg.environment({"blas": "openblas"})
    (tmp_path / "notes.txt").write_text("kept")
    ptyreg.artifact(tmp_path / "notes.txt", name="notes", title="Notes")
    print("it ran")
"""

RICH_PAGE = """
# Page

It takes {ptyreg:value}`quick.duration`, so {ptyreg:claim}`quick.duration.max <= 90 s`.

```{ptyreg:selector} quick
```

```{ptyreg:finding} POLICY-1
Why.
```
"""
