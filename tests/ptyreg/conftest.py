"""A project in a temporary folder, used as a user uses one."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from sphinx_ptyreg.config import load
from sphinx_ptyreg.environment import machine
from sphinx_ptyreg.record import (
    SCHEMA,
    Commit,
    Durations,
    Inputs,
    Metric,
    Outcome,
    Resources,
    RunRecord,
    Stage,
    TestResult,
)
from sphinx_ptyreg.store import Store

_ANSI = re.compile(r"\x1b\[[0-9;]*m")

PYPROJECT = """
[tool.ptyreg.selectors.quick]
title = "A quick test"
nodeids = ["tests/test_quick.py::test_quick"]
inputs = ["src.py"]
"""

QUICK = """
from pathlib import Path

def test_quick(ptyreg):
    with Path("ran.txt").open("a") as log:
        log.write("x")
    ptyreg.metric("answer", 42.0, unit="dB")
"""

INDEX = """
# Page

It takes {ptyreg:value}`quick.duration`.
"""


@dataclass
class Built:
    """What a build in this process left."""

    status: int
    warnings: str
    log: str
    read: list[str]
    written: list[str]
    app: Any = field(repr=False)

    def doctree(self, docname: str = "index") -> Any:
        return self.app.env.get_doctree(docname)

    def text(self, docname: str = "index") -> str:
        return self.doctree(docname).astext()

    def spans(self, css: str, docname: str = "index") -> list[str]:
        from docutils import nodes

        return [
            node.astext()
            for node in self.doctree(docname).findall(nodes.Element)
            if css in node.get("classes", ())
        ]


class ProjectFolder:
    """A project on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            file.write_bytes(text)
        else:
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    @property
    def runs(self) -> int:
        """How often the quick test has really run."""
        file = self.root / "ran.txt"
        return len(file.read_text()) if file.exists() else 0

    @property
    def store(self) -> Store:
        return Store(self.root / ".ptyreg", self.root / "docs" / "evidence")

    def load(self) -> Any:
        return load(self.root)

    def records(self, selector: str = "quick") -> list[RunRecord]:
        return [entry.read() for entry in self.store.entries(selector)]

    def record(self, selector: str = "quick", **changes: Any) -> RunRecord:
        """Return a fresh record of a run that nobody made."""
        return make_record(**{"selector": selector, "inputs": self.inputs(selector), **changes})

    def inputs(self, selector: str = "quick") -> Inputs:
        """Return what a run of `selector` would depend on now."""
        declared = self.load().selectors[selector]
        patterns = [*declared.inputs, *(nodeid.split("::")[0] for nodeid in declared.nodeids)]
        files = {path for pattern in patterns for path in self.root.glob(pattern)}
        return make_inputs(
            declared.declaration,
            {
                path.relative_to(self.root).as_posix(): hashlib.sha256(
                    path.read_bytes()
                ).hexdigest()
                for path in sorted(files)
            },
        )

    def seed(self, selector: str = "quick", *, published: bool = False, **changes: Any) -> Path:
        """Store such a record."""
        record = self.record(selector, **changes)
        layer = self.store.published if published else self.store.local
        return layer.add(record)

    def environ(self, **extra: str) -> dict[str, str]:
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PTYREG_", "READTHEDOCS", "PYTEST_", "COV_"))
        } | extra

    def child(self, *argv: str, env: dict[str, str] | None = None, **kwargs: Any) -> Any:
        return subprocess.run(
            [sys.executable, *argv],
            cwd=kwargs.pop("cwd", self.root),
            env=self.environ(**(env or {})),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=kwargs.pop("timeout", 120),
            check=False,
            **kwargs,
        )

    def cli(self, *arguments: str, **kwargs: Any) -> Any:
        return self.child("-m", "sphinx_ptyreg", *arguments, **kwargs)

    def sphinx(self, *arguments: str, builder: str = "html", **kwargs: Any) -> Any:
        """Build in a child process, as ``sphinx-build`` does."""
        return self.child(
            "-m", "sphinx", "-b", builder, *arguments, "docs", f"out/{builder}", **kwargs
        )

    def build(
        self,
        builder: str = "html",
        *,
        mode: str | None = "replay",
        docs: str = "docs",
        confdir: str | None = None,
        out: str = "out",
        **options: Any,
    ) -> Built:
        """Build in this process."""
        overrides = {"ptyreg_mode": mode} if mode else {}
        overrides |= options.pop("overrides", {})
        source = self.root / docs
        conf = self.root / (confdir or docs)
        log, warnings = io.StringIO(), io.StringIO()
        read: list[str] = []
        written: list[str] = []
        with patch_docutils(conf), docutils_namespace():
            try:
                app = Sphinx(
                    str(source), str(conf), str(self.root / out / builder),
                    str(self.root / out / f"doctrees-{builder}"), builder,
                    confoverrides=overrides, status=log, warning=warnings, **options,
                )  # fmt: skip
                app.connect("env-before-read-docs", lambda _a, _e, names: read.extend(names), 1)
                app.connect("doctree-resolved", lambda _a, _t, name: written.append(name))
                app.build()
                status = app.statuscode
            except SystemExit as error:
                app, status = None, int(error.code or 0)
        plain = _ANSI.sub("", warnings.getvalue())
        return Built(status, plain, _ANSI.sub("", log.getvalue()), read, written, app)

    def html(self, docname: str = "index") -> str:
        return (self.root / "out" / "html" / f"{docname}.html").read_text(encoding="utf-8")


def make_inputs(declaration: str, files: dict[str, str]) -> Inputs:
    return Inputs(
        declaration=declaration,
        files=files,
        packages={"pytest": "9.0.0"},
        python="3.11.7",
        variables={"PYTHONHASHSEED": "0"},
    )


def make_record(**changes: Any) -> RunRecord:
    """Return a plausible record; `changes` replace its fields."""
    record = RunRecord(
        schema=SCHEMA,
        selector="quick",
        started="2026-03-04T05:06:07.000000Z",
        outcome=Outcome.PASSED,
        reason="",
        source="run",
        command=["python", "-m", "pytest", "tests/test_quick.py::test_quick"],
        exit_code=0,
        attempt=1,
        warmup=False,
        commit=Commit(id="a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2", dirty=False),
        durations=Durations(duration=1.25, duration_call=1.0, wall=2.5),
        resources=Resources(cpu_s=0.5, peak_rss_mib=100.0),
        stages=[Stage(name="train", seconds=0.75)],
        metrics={"answer": Metric(value=42.0, unit="dB")},
        artifacts={},
        tests=[
            TestResult(
                nodeid="tests/test_quick.py::test_quick", outcome=Outcome.PASSED, seconds=1.0
            )
        ],
        machine=machine(),
        machine_class="linux-x86_64-testbox-2c",
        environment={"blas": "openblas"},
        inputs=make_inputs("d" * 64, {"a.py": "1" * 64}),
        output="1 passed",
    )
    return msgspec.structs.replace(record, **changes)


@pytest.fixture(scope="session")
def a_record() -> Callable[..., RunRecord]:
    return make_record


@pytest.fixture(autouse=True)
def _no_mode_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("PTYREG_", "READTHEDOCS")):
            monkeypatch.delenv(name)
    return


@pytest.fixture
def bare(tmp_path: Path) -> ProjectFolder:
    """A folder with nothing in it."""
    return ProjectFolder(tmp_path / "project")


@pytest.fixture
def project(bare: ProjectFolder) -> ProjectFolder:
    """A project with one quick selector and one MyST page that cites it."""
    bare.write("pyproject.toml", PYPROJECT)
    bare.write("src.py", "ANSWER = 42\n")
    bare.write("tests/test_quick.py", QUICK)
    bare.write("docs/conf.py", 'extensions = ["myst_parser", "sphinx_ptyreg"]\n'
               'exclude_patterns = ["evidence"]\nproject = "p"\n')  # fmt: skip
    bare.write("docs/index.md", INDEX)
    return bare


@pytest.fixture
def page(project: ProjectFolder) -> Callable[..., Built]:
    """Build one page of MyST or reST by replay and return what it became."""

    def build(markup: str, *, rst: bool = False, builder: str = "dummy", **options: Any) -> Built:
        for old in (project.root / "docs").glob("index.*"):
            old.unlink()
        if rst:
            project.write("docs/index.rst", "Page\n====\n\n" + textwrap.dedent(markup))
        else:
            project.write("docs/index.md", "# Page\n\n" + textwrap.dedent(markup))
        return project.build(builder, **options)

    return build


@pytest.fixture
def declare(project: ProjectFolder) -> Callable[[str], None]:
    """Replace the declaration."""

    def write(toml: str) -> None:
        project.write("pyproject.toml", toml)

    return write


def _jsonable(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def read_json() -> Callable[[Path], Any]:
    return _jsonable
