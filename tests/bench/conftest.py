"""A project with recorded runs of three sorts of machine; nothing runs, everything replays."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.record import (
    SCHEMA,
    Artifact,
    Commit,
    Durations,
    Inputs,
    Machine,
    Metric,
    Outcome,
    Resources,
    RunRecord,
    Stage,
    TestResult,
)
from sphinx_ptyreg.store import Store

DECLARED = """
[tool.ptyreg.selectors.quick]
title = "A quick test"
proves = "the answer is found in time"
nodeids = ["tests/test_quick.py::test_quick"]
inputs = ["src.py"]
requires = ["pytest>=7"]
aliases = ["swift"]
[tool.ptyreg.selectors.quick.guardrails]
duration = { fail = "90 s", warn = "60 s" }
answer = { minimum = "40 dB" }
[tool.ptyreg.selectors.slow]
title = "A slow test"
nodeids = ["tests/test_slow.py::test_slow"]
inputs = ["src.py"]
[tool.ptyreg.selectors.never]
title = "A test that never ran"
nodeids = ["tests/test_never.py"]
[tool.ptyreg.findings.POLICY-1]
title = "pytest is needed"
rule = "Everything runs in pytest>=7."
requires = "pytest>=7"
[tool.ptyreg.findings.SPEED-1]
title = "It is fast"
rule = "The quick test takes at most 90 s."
claim = "quick.duration.max <= 90 s"
"""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def png(width: int = 8, height: int = 8) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes(range(width)) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@dataclass
class Built:
    status: int
    warnings: str
    read: list[str]
    out: Path
    app: Any = field(repr=False)

    def doctree(self, docname: str = "index") -> Any:
        return self.app.env.get_doctree(docname)

    def text(self, docname: str = "index") -> str:
        return self.doctree(docname).astext()

    def spans(self, css: str, docname: str = "index") -> list[str]:
        from docutils import nodes

        found = self.doctree(docname).findall(nodes.Element)
        return [node.astext() for node in found if css in node.get("classes", ())]

    def file(self, name: str = "index.html") -> str:
        return (self.out / name).read_text(encoding="utf-8")


class Bench:
    """A project on disk."""

    def __init__(self, root: Path, declared: str = DECLARED) -> None:
        self.root = root
        self.write("pyproject.toml", declared)
        self.write("src.py", "ANSWER = 42\n")
        for name in ("quick", "slow", "never"):
            self.write(f"tests/test_{name}.py", f"def test_{name}():\n    pass\n")
        self.write(
            "docs/conf.py",
            'extensions = ["myst_parser", "sphinx_ptyreg"]\nproject = "p"\nversion = "1"\n'
            'copyright = "2026, p"\nlanguage = "en"\nexclude_patterns = ["evidence", "_*"]\n'
            'myst_enable_extensions = ["colon_fence", "substitution"]\nmyst_heading_anchors = 3\n',
        )

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            file.write_bytes(text)
        else:
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    @property
    def store(self) -> Store:
        return Store(self.root / ".ptyreg", self.root / "docs" / "evidence")

    def record(self, selector: str = "quick", **changes: Any) -> RunRecord:
        """Return a plausible record; a number for `duration` changes that alone."""
        declared = load(self.root).selectors[selector]
        source = digest_file(self.root / "src.py")
        files = {"src.py": source, f"tests/test_{selector}.py": digest_file(
            self.root / f"tests/test_{selector}.py")}  # fmt: skip
        if (seconds := changes.pop("duration", None)) is not None:
            changes["durations"] = Durations(duration=seconds, duration_call=seconds, wall=seconds)
        record = RunRecord(
            schema=SCHEMA,
            selector=selector,
            started="2026-03-04T05:06:07.000000Z",
            outcome=Outcome.PASSED,
            reason="",
            source="run",
            command=["python", "-m", "pytest", f"tests/test_{selector}.py"],
            exit_code=0,
            attempt=1,
            warmup=False,
            commit=Commit(id="a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2", dirty=False),
            durations=Durations(duration=36.0, duration_call=35.0, wall=38.0),
            resources=Resources(cpu_s=70.0, peak_rss_mib=900.0),
            stages=[Stage(name="train", seconds=24.0), Stage(name="infer", seconds=6.0)],
            metrics={"answer": Metric(value=42.0, unit="dB"), "rate": Metric(value=2, unit="1/s")},
            artifacts={},
            tests=[
                TestResult(
                    nodeid=f"tests/test_{selector}.py::test_{selector}",
                    outcome=Outcome.PASSED,
                    seconds=1.0,
                )
            ],
            machine=Machine(
                system="Linux", architecture="x86_64", cpu="Test CPU 3000", isa="AVX2", cores=2,
                memory_mib=8192, accelerator="",
            ),
            machine_class="linux-x86_64-test-2c",
            environment={"blas": "openblas"},
            inputs=Inputs(
                declaration=declared.declaration, files=files, packages={"pytest": "9.0.0"},
                python="3.11.7", variables={"PYTHONHASHSEED": "0"},
            ),
            output="collected 1 item\n\n1 passed in 36.00s",
        )  # fmt: skip
        return msgspec.structs.replace(record, **changes)

    def seed(self, selector: str = "quick", *, published: bool = False, **changes: Any) -> Path:
        layer = self.store.published if published else self.store.local
        return layer.add(self.record(selector, **changes))

    def older(self, **changes: Any) -> Any:
        """Return the inputs of a run before the code changed."""
        inputs = self.record().inputs
        return msgspec.structs.replace(inputs, files={**inputs.files, "src.py": "0" * 64})

    def picture(self, content: bytes | None = None, title: str = "The object") -> Artifact:
        import hashlib

        content = png() if content is None else content
        digest = hashlib.sha256(content).hexdigest()
        self.store.local.add_artifact(self.write("handed.png", content), digest, ".png")
        return Artifact(sha256=digest, size=len(content), suffix=".png", title=title)

    def seed_all(self) -> None:
        """Record runs on two machine classes, before and after a change, and a failure."""
        old = self.older()
        gpu = {
            "machine_class": "linux-x86_64-gpu-8c",
            "machine": msgspec.structs.replace(self.record().machine, cores=8, accelerator="H200"),
        }
        for day, seconds in enumerate((41.0, 40.0, 40.4), 1):
            self.seed(started=f"2026-02-0{day}T05:06:07.000000Z", duration=seconds, inputs=old)
        self.seed(
            started="2026-02-20T05:06:07.000000Z", outcome=Outcome.FAILED, exit_code=1,
            reason="tests/test_quick.py::test_quick", inputs=old, output="E assert 1 == 2",
        )  # fmt: skip
        self.seed(started="2026-03-01T05:06:07.000000Z", duration=9.0, **gpu)
        for day, seconds in enumerate((36.2, 35.9, 36.0), 4):
            self.seed(
                started=f"2026-03-0{day}T05:06:07.000000Z", duration=seconds,
                artifacts={"object": self.picture()},
            )  # fmt: skip
        self.seed("slow", duration=120.0)

    def page(
        self, markup: str, *, rst: bool = False, builder: str = "dummy", **options: Any
    ) -> Built:
        """Build one page of either markup."""
        for old in (self.root / "docs").glob("index.*"):
            old.unlink()
        title = "Page\n====\n\n" if rst else "# Page\n\n"
        self.write(f"docs/index.{'rst' if rst else 'md'}", title + textwrap.dedent(markup))
        return self.build(builder, **options)

    def build(
        self, builder: str = "html", *, out: str = "out", doctrees: str = "", **options: Any
    ) -> Built:
        """Build in this process, by replay."""
        from sphinx.application import Sphinx
        from sphinx.locale import translators
        from sphinx.util.docutils import docutils_namespace, patch_docutils

        translators.clear()  # of a page of the same name in another project
        overrides = {"ptyreg_mode": "replay", "nitpicky": True, **options.pop("overrides", {})}
        docs = self.root / "docs"
        warnings, read = io.StringIO(), []
        with patch_docutils(docs), docutils_namespace():
            app = Sphinx(
                str(docs), str(docs), str(self.root / out / builder),
                str(self.root / out / (doctrees or f"doctrees-{builder}")), builder,
                confoverrides=overrides,
                status=io.StringIO(), warning=warnings, **options,
            )  # fmt: skip
            app.connect("env-before-read-docs", lambda _a, _e, names: read.extend(names), 1)
            app.build()
        plain = _ANSI.sub("", warnings.getvalue())
        return Built(app.statuscode, plain, read, self.root / out / builder, app)

    def out_file(self, name: str = "index.html") -> Path:
        """Return a page that a build left."""
        return self.root / "out" / "html" / name

    def as_fresh(self, **options: Any) -> Built:
        """Build again, and from nothing; return the first, whose pages are those of the second."""
        again = self.build("html", **options)
        fresh = self.build("html", out="fresh", freshenv=True, **options)
        names = {file.name for file in fresh.out.glob("*.html")}
        assert names == {file.name for file in again.out.glob("*.html")}
        for name in names:
            assert again.file(name) == fresh.file(name), name
        return again

    def sphinx(self, builder: str, *arguments: str, out: str = "out", **env: str) -> Any:
        """Build in a child process, as ``sphinx-build`` does."""
        return subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", "-b", builder, *arguments,
             "-d", f"{out}/doctrees-{builder}", "docs", f"{out}/{builder}"],
            cwd=self.root, env={**os.environ, "PTYREG_MODE": "replay", **env},
            capture_output=True, text=True, errors="replace", timeout=300, check=False,
        )  # fmt: skip


def digest_file(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def _no_mode_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("PTYREG_", "READTHEDOCS", "SOURCE_DATE_EPOCH")):
            monkeypatch.delenv(name)
    return


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A project without records."""
    return Bench(tmp_path / "project")


@pytest.fixture
def seeded(bench: Bench) -> Bench:
    """A project with runs of two machine classes, and an older version of each number."""
    bench.seed_all()
    return bench
