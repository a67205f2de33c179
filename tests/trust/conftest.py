"""A project that reads in every way, in an environment of its own, measured once for real."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.ensure import record_now
from sphinx_ptyreg.evidence import SelectorEvidence, fingerprints_of
from sphinx_ptyreg.record import RunRecord
from sphinx_ptyreg.store import Entry, Store

collect_ignore = ["project"]

SOURCE = Path(__file__).parent / "project"

#: Judges in a fresh process each time, without starting an interpreter each time.
_JUDGE = """
import json, os, sys
from pathlib import Path
from sphinx_ptyreg.config import load
from sphinx_ptyreg.ensure import stands_here
from sphinx_ptyreg.evidence import SelectorEvidence, fingerprints_of
from sphinx_ptyreg.store import Store
for line in sys.stdin:
    root, name, here = json.loads(line)
    sys.stdout.flush()
    if os.fork() == 0:
        project = load(Path(root))
        store = Store(project.store, project.published)
        prints = fingerprints_of(store, project)
        own = SelectorEvidence(project, project.selector(name), store, prints)
        fresh = stands_here(own) if here else own.freshness
        print(json.dumps([fresh.state, [str(reason) for reason in fresh.reasons]]), flush=True)
        os._exit(0)
    os.wait()
"""


class Scene:
    """The measured project; what a row changes is put back after it."""

    def __init__(self, base: Path) -> None:
        self.base, self.root, self.venv = base, base / "project", base / "venv"
        self.python = self.venv / "bin" / "python"
        self.site = Path(
            sysconfig.get_path("purelib", vars={"base": str(self.venv)})
        )  # fmt: skip
        self._undo: list[Callable[[], object]] = []
        self._judge: subprocess.Popen[str] | None = None

    def run(self, *argv: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PTYREG", "PYTEST"))}
        return subprocess.run(
            [str(self.python), *argv], cwd=options.pop("cwd", self.root), env=environ, text=True,
            capture_output=True, check=False, timeout=300, **options,
        )  # fmt: skip

    def judge(
        self, name: str, root: Path | None = None, here: bool = True
    ) -> tuple[str, list[str]]:
        if self._judge is None:
            self._judge = subprocess.Popen(
                [str(self.python), "-c", _JUDGE], cwd=self.base, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self._judge.stdin is not None
        assert self._judge.stdout is not None
        self._judge.stdin.write(json.dumps([str(root or self.root), name, here]) + "\n")
        self._judge.stdin.flush()
        state, reasons = json.loads(self._judge.stdout.readline())
        return state, reasons

    def record(self, name: str, root: Path | None = None) -> dict[str, Any]:
        folder = (root or self.root) / ".ptyreg" / "records" / name
        return json.loads(max(folder.iterdir()).read_text(encoding="utf-8"))

    # What rows do; each knows how to take itself back.

    def write(self, path: str | Path, text: str | bytes, mode: str = "w") -> None:
        file = self.root / path
        before = file.read_bytes() if file.is_file() else None
        new = [p for p in file.parents if not p.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode() if isinstance(text, str) else text
        file.write_bytes((before or b"") + data if mode == "a" else data)
        if before is not None:
            self._undo.append(lambda: file.write_bytes(before))
        elif new:
            self._undo.append(lambda: shutil.rmtree(new[-1]))
        else:
            self._undo.append(file.unlink)

    def append(self, path: str | Path, text: str | bytes = " ") -> None:
        self.write(path, text, "a")

    def replace(self, path: str | Path, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def move(self, path: str | Path) -> None:
        file = self.root / path
        aside = self.base / "aside"
        file.rename(aside)
        self._undo.append(lambda: aside.rename(file))

    def link(self, path: str, target: str) -> None:
        file = self.root / path
        before = file.readlink()
        file.unlink()
        file.symlink_to(target)

        def undo() -> None:
            file.unlink()
            file.symlink_to(before)

        self._undo.append(undo)

    def later(self, undo: Callable[[], object]) -> None:
        self._undo.append(undo)

    def restore(self) -> None:
        while self._undo:
            self._undo.pop()()

    def close(self) -> None:
        if self._judge is not None and self._judge.stdin is not None:
            self._judge.communicate(timeout=10)


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Build the project and its environment, and measure each selector once."""
    scene = Scene(tmp_path_factory.mktemp("trust"))
    build_project(scene.root)
    _build_venv(scene)
    names = ["everything", "rewriting", "partial", "marked"]
    names += ["worker"] if importlib.util.find_spec("torch") else []
    answer = scene.run("-m", "sphinx_ptyreg.cli", "run", *names)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    yield scene
    scene.close()


def build_project(root: Path) -> None:
    """Lay the project out, with the data that is no text."""
    shutil.copytree(SOURCE, root, ignore=shutil.ignore_patterns("__pycache__"))
    data = root / "data"
    texts = [
        "open", "read_text", "target", "target2", "exists", "size", "fixture", "forked", "spawned",
        "empty_env", "exited", "killed", "posix", "shell", "grandchild", "from_site", "catted",
        "isolated", "shelled", "never_read", "worker", "globbed/a", "tree/deep/a", "nested/one/x",
        "listed/a", "listed/b", "iterated/a", "walked/deep/a", "folder/kept",
    ]  # fmt: skip
    texts += [f"threads/{number}-{part}" for number in range(8) for part in range(10)]
    for name in texts:
        file = data / f"{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name, encoding="utf-8")
    for name in ("memmap", "os_open", "mmap", "fromfile"):
        (data / f"{name}.bin").write_bytes(b"12345678")
    (data / "packed.gz").write_bytes(gzip.compress(b"packed", mtime=0))
    (data / "seed.json").write_text('{"seed": 1}', encoding="utf-8")
    (data / "linked.txt").symlink_to("target.txt")
    (data / "pointer").symlink_to("nowhere")
    with sqlite3.connect(data / "base.sqlite") as base:
        base.execute("create table t (x)")
    base.close()
    _numerical(data)
    (root / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    (root / "work").mkdir()
    (root / "work" / "counter.txt").write_text("x", encoding="utf-8")
    (root / "native").mkdir()
    module = importlib.util.find_spec("_json")  # a file of its own in all builds of Python
    assert module is not None
    assert module.origin is not None
    library = Path(module.origin)
    shutil.copy(library, root / "native" / library.name)
    shutil.copy(library, root / "native" / "dlopened.so.1")
    shutil.make_archive(str(root / "lib" / "zipped"), "zip", _folder_of(root, "in_zip"))
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=root, check=True)


def _folder_of(root: Path, module: str) -> Path:
    folder = root.parent / f"{root.name}-{module}"
    folder.mkdir()
    (folder / f"{module}.py").write_text("X = 1\n", encoding="utf-8")
    return folder


def _numerical(data: Path) -> None:
    import numpy as np

    np.save(data / "array.npy", np.arange(4))
    if importlib.util.find_spec("safetensors"):
        from safetensors.numpy import save_file

        save_file({"x": np.arange(4)}, data / "weights.safetensors")
    if importlib.util.find_spec("h5py"):
        import h5py

        with h5py.File(data / "five.h5", "w") as five:
            five["x"] = np.arange(4)


def _build_venv(scene: Scene) -> None:
    venv.create(scene.venv, with_pip=False, symlinks=True)
    ours = sysconfig.get_path("purelib")
    site, outside = scene.site, scene.base / "outside"
    (site / "all.pth").write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
    distribution(site, "plain_dep", "1.0")
    distribution(site, "unused_dep", "1.0")
    distribution(site, "local_dep", "1.0", url={"url": f"file://{outside}/local", "dir_info": {}})
    outside.mkdir()
    url = {"url": f"file://{outside}/edit", "dir_info": {"editable": True}}
    distribution(site, "edit_dep", "1.0", url=url, code=outside / "edit")
    (site / "edit_dep.pth").write_text(f"{outside}/edit\n", encoding="utf-8")
    (site / "loose.py").write_text("X = 1\n", encoding="utf-8")
    (site / "sitecustomize.py").write_text(
        "import os\nif os.path.isdir('data'):\n    open('data/from_site.txt').close()\n",
        encoding="utf-8",
    )


def distribution(
    site: Path, name: str, version: str, url: dict[str, Any] | None = None, code: Path | None = None
) -> None:
    """Install a distribution of one module, as pip would leave it."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (code or site).mkdir(exist_ok=True)
    ((code or site) / f"{name}.py").write_text("X = 1\n", encoding="utf-8")
    files = [
        f"{info.name}/METADATA",
        f"{info.name}/RECORD",
        f"{name}.pth" if code else f"{name}.py",
    ]
    (info / "top_level.txt").write_text(f"{name}\n", encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{f},,\n" for f in files), encoding="utf-8")
    if url is not None:
        (info / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")


@pytest.fixture
def row(scene: Scene) -> Iterator[Scene]:
    """Yield the scene, and put back what the row changed."""
    yield scene
    scene.restore()


@pytest.fixture
def clean_environ() -> dict[str, str]:
    """Return this process's variables without those of a measurement or of pytest."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PTYREG", "PYTEST"))}


class Small:
    """A project with one small selector, used by its commands in this interpreter."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        self.root, self.environ = root, environ
        root.mkdir(parents=True, exist_ok=True)
        self.write("pyproject.toml", '[tool.ptyreg.selectors.quick]\nnodeids = ["test_quick.py"]\n')
        self.write("test_quick.py", "def test_quick():\n    pass\n")

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    @property
    def store(self) -> Store:
        return Store(self.root / ".ptyreg", self.root / "docs" / "evidence")

    def entries(self) -> list[Entry]:
        return self.store.entries("quick")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=self.root,
            env=self.environ | options.pop("env", {}),
            stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.STDOUT, **options,
        )  # fmt: skip

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        process = self.start(*arguments, **options)
        told, _ = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, told)

    def ptyreg(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return self.run("-m", "sphinx_ptyreg.cli", *arguments, **options)

    def record(self) -> RunRecord:
        return self.entries()[-1].read()


@pytest.fixture
def small(tmp_path: Path, clean_environ: dict[str, str]) -> Small:
    return Small(tmp_path / "project", clean_environ)


@pytest.fixture
def make_small(tmp_path: Path, clean_environ: dict[str, str]) -> Callable[[str], Small]:
    return lambda name: Small(tmp_path / name, clean_environ)


class Project:
    """A project in a folder of its own, with one selector."""

    def __init__(self, root: Path, declared: str = "") -> None:
        self.root = root
        root.mkdir(parents=True)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        text = declared if "nodeids" in declared or "markers" in declared else (
            f'nodeids = ["test_q.py"]\n{declared}'
        )  # fmt: skip
        self.write("pyproject.toml", f"[tool.ptyreg.selectors.q]\n{text}\n")
        self.write(".gitignore", "__pycache__/\n.ptyreg/\nignored/\n")

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def run(self) -> Any:
        project = load(self.root)
        store = Store(project.store, project.published)
        return record_now(project, project.selectors["q"], store)[-1]

    @property
    def evidence(self) -> SelectorEvidence:
        project = load(self.root)
        store = Store(project.store, project.published)
        return SelectorEvidence(
            project, project.selectors["q"], store, fingerprints_of(store, project)
        )

    def stale(self) -> list[str]:
        return [str(reason) for reason in self.evidence.freshness.reasons]


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    return lambda declared="": Project(tmp_path / "checkout", declared)
