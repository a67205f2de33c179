"""Ways in which a read once escaped: each is seen now, or counted for want of seeing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sphinx_ptyreg.child
from sphinx_ptyreg.record import Outcome
from sphinx_ptyreg.trace import read_trace


class Scene(NamedTuple):
    """A test, what else is there, a change that matters, and the cause that must be named."""

    test: str
    files: dict[str, str]
    change: Callable[[Any], object]
    cause: str
    declared: str = ""
    before: Callable[[Any], object] = lambda _: None
    needs: str = ""


def edit(path: str) -> Callable[[Any], object]:
    return lambda project: project.write(path, "other = 2\n")


def grow(path: str) -> Callable[[Any], object]:
    def add(project: Any) -> None:
        with (project.root / path).open("ab") as file:
            file.write(b" ")

    return add


def child(call: str) -> str:
    return f"import os, subprocess, sys\ndef test_q():\n    subprocess.run({call}, check=True)\n"


def body(*lines: str) -> str:
    return "import os\nfrom pathlib import Path\ndef test_q(tmp_path):\n" + "".join(
        f"    {line}\n" for line in lines
    )


def executable(*paths: str) -> Callable[[Any], object]:
    return lambda project: [(project.root / path).chmod(0o755) for path in paths]


def link(path: str, target: str) -> Callable[[Any], object]:
    def make(project: Any) -> None:
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).symlink_to(target)

    return make


def monorepo(project: Any) -> None:
    """Make the project a folder of a larger checkout."""
    outer = project.root.with_name("outer")
    project.root.rename(outer)
    shutil.rmtree(outer / ".git")
    project.root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    outer.rename(project.root / "part")
    (project.root / "shared").mkdir()
    (project.root / "shared/common.py").write_text("X = 1\n")
    (project.root / "shared/data.txt").write_text("1")
    project.root /= "part"


def linked_hdf5(project: Any) -> None:
    import h5py
    import numpy as np

    (project.root / "data").mkdir()
    for name in ("frames", "virtual"):
        with h5py.File(project.root / f"data/{name}.h5", "w") as file:
            file["x"] = np.arange(4)
    with h5py.File(project.root / "data/master.h5", "w") as file:
        file["frames"] = h5py.ExternalLink("frames.h5", "/x")
        layout = h5py.VirtualLayout((4,), dtype="i8")
        layout[:] = h5py.VirtualSource("virtual.h5", "x", (4,))
        file.create_virtual_dataset("v", layout)


def saved_by_torch(project: Any) -> None:
    import torch

    (project.root / "data").mkdir()
    torch.save(1, project.root / "data/x.pt")


DATA = {"data/s.txt": "1"}
SCENES: dict[str, Scene] = {
    "a script that becomes Python": Scene(
        child('["./train.sh"]'),
        {"train.sh": "#!/bin/sh\nexec python train.py --lr 0.1\n", "train.py": ""},
        lambda project: project.write("train.sh", "#!/bin/sh\nexec python train.py --lr 0.2\n"),
        "file changed: train.sh", before=executable("train.sh"),
    ),
    "a script given to a shell": Scene(
        child('["sh", "train.sh"]'),
        {"train.sh": "exec python train.py\n", "train.py": ""},
        edit("train.sh"), "file changed: train.sh",
    ),
    "what a shell reads before it becomes Python": Scene(
        child('"read X < data/s.txt; exec python t.py $X", shell=True'), {**DATA, "t.py": ""},
        edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "a program of the project with a harmless name": Scene(
        child('["tools/id"]'), {"tools/id": "#!/bin/sh\ncat data/s.txt\n", **DATA},
        edit("data/s.txt"), "file changed: data/s.txt", before=executable("tools/id"),
    ),
    "content that git is asked for": Scene(
        child('["git", "hash-object", "data/s.txt"]'), DATA,
        edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "a file that a program is given, in another folder": Scene(
        child('["cc", "-fsyntax-only", "k.c"], cwd="native"'), {"native/k.c": "int x;\n"},
        lambda project: project.write("native/k.c", "int y;\n"), "file changed: native/k.c",
        needs="cc",
    ),
    "a file that git ignores and a program is given": Scene(
        child('["cat", "ignored/s.txt"]'), {"ignored/s.txt": "1"},
        edit("ignored/s.txt"), "file changed: ignored/s.txt",
    ),
    "code beside the project, in the same checkout": Scene(
        "import sys\nsys.path.insert(0, '../shared')\nimport common\ndef test_q(): pass\n", {},
        lambda project: (project.root.parent / "shared/common.py").write_text("X = 2\n"),
        "file changed: ../shared/common.py", before=monorepo,
    ),
    "data beside the project, in the same checkout": Scene(
        body("open('../shared/data.txt').read()"), {},
        lambda project: (project.root.parent / "shared/data.txt").write_text("2"),
        "file changed: ../shared/data.txt", before=monorepo,
    ),
    "a module in a folder that is searched first": Scene(
        "import helpmod\ndef test_q(): pass\n", {"src/helpmod.py": "X = 1\n", "first/other.py": ""},
        edit("first/helpmod.py"), "file added: first/helpmod.py stands in front",
        'nodeids = ["test_q.py"]\n[tool.pytest.ini_options]\npythonpath = ["first", "src"]',
    ),
    "a package beside a module": Scene(
        "from pkg import fast\ndef test_q(): pass\n", {"pkg/__init__.py": "", "pkg/fast.py": ""},
        edit("pkg/fast/__init__.py"), "file added: pkg/fast/__init__.py stands in front",
    ),
    "an extension beside a module": Scene(
        "from pkg import fast\ndef test_q(): pass\n", {"pkg/__init__.py": "", "pkg/fast.py": ""},
        edit("pkg/fast.cpython-311-x86_64-linux-gnu.so"), "stands in front",
    ),
    "a module with the name of the standard library's": Scene(
        "import colorsys\ndef test_q(): pass\n", {}, edit("colorsys.py"),
        "file added: colorsys.py stands in front",
    ),
    "a folder of declared inputs": Scene(
        child('["cat", "/dev/null"]'), DATA, edit("data/s.txt"), "file changed: data/s.txt",
        'inputs = ["data"]',
    ),
    "declared inputs with two stars at the end": Scene(
        child('["cat", "/dev/null"]'), DATA, edit("data/s.txt"), "file changed: data/s.txt",
        'inputs = ["data/**"]',
    ),
    "declared inputs that cover nothing": Scene(
        child('["cat", "/dev/null"]'), DATA, edit("data/s.txt"), "file changed: data/s.txt",
        'inputs = ["dta/*.txt"]',
    ),
    "declared inputs in a folder behind a link": Scene(
        child('["cat", "/dev/null"]'), {"real/s.txt": "1"}, edit("real/s.txt"),
        "file changed: data/in/s.txt", 'inputs = ["data/**/*.txt"]', link("data/in", "../real"),
    ),
    "a variable whose name looks like a secret's": Scene(
        body("pass"), {},
        lambda project: project.write(
            "pyproject.toml",
            '[tool.ptyreg.selectors.q]\nnodeids = ["test_q.py"]\nenv = {MAX_TOKENS = "2048"}\n',
        ),
        "variable changed: MAX_TOKENS (1024 → 2048)", 'env = {MAX_TOKENS = "1024"}',
    ),
    "a file that is opened to append, and read": Scene(
        body("open('data/s.txt', 'a').close()", "assert open('data/s.txt').read()"), DATA,
        edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "a file that os.open might have made": Scene(
        body("f = os.open('data/s.txt', os.O_RDWR | os.O_CREAT)", "os.read(f, 1)"), DATA,
        edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "a file that is opened for both and left alone": Scene(
        body("open('data/s.txt', 'r+').read()"), DATA, edit("data/s.txt"),
        "file changed: data/s.txt",
    ),
    "a memory map that could be written": Scene(
        body("import numpy as np", "np.memmap('data/s.txt', dtype='u1', mode='r+')[0]"), DATA,
        edit("data/s.txt"), "file changed: data/s.txt", needs="numpy",
    ),
    "a file that is moved away and back": Scene(
        body("os.rename('data/s.txt', 'data/t.txt')", "os.rename('data/t.txt', 'data/s.txt')"),
        {**DATA, "data/other.txt": "1"}, edit("data/other.txt"), "file changed: data/other.txt",
    ),
    "a link that the run makes": Scene(
        body("os.makedirs('work', exist_ok=True)", "Path('work/in.txt').unlink(missing_ok=True)",
             "os.symlink('../data/s.txt', 'work/in.txt')", "open('work/in.txt').read()"),
        DATA, edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "a second name that the run gives a file": Scene(
        body("os.link('data/s.txt', tmp_path / 's')", "open(tmp_path / 's').read()"), DATA,
        edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "the file behind an external link of HDF5": Scene(
        body("import h5py", "h5py.File('data/master.h5')['frames'][:]"), {},
        grow("data/frames.h5"),
        "file changed: data/frames.h5", before=linked_hdf5, needs="h5py",
    ),
    "the file behind a virtual dataset of HDF5": Scene(
        body("import h5py", "h5py.File('data/master.h5')['v'][:]"), {},
        grow("data/virtual.h5"),
        "file changed: data/virtual.h5", before=linked_hdf5, needs="h5py",
    ),
    "a database whose name is a URI": Scene(
        body("import sqlite3", "sqlite3.connect('file:data/a%20b.sqlite?mode=ro', uri=True)"), {},
        grow("data/a b.sqlite"),
        "file changed: data/a b.sqlite",
        before=lambda project: project.write("data/a b.sqlite", ""),
    ),
    "names that a library asks for": Scene(
        body("import jinja2", "jinja2.FileSystemLoader('data').list_templates()"), DATA,
        edit("data/t.txt"), "folder changed: data/*",
    ),
    "a new test in a folder of tests": Scene(
        "", {"tests/test_a.py": "def test_a(): pass\n"}, edit("tests/test_b.py"),
        "file added: tests/test_b.py", 'nodeids = ["tests"]',
    ),
    "a new test of another name": Scene(
        "", {"checks/check_a.py": "import pytest\n@pytest.mark.m\ndef test_a(): pass\n",
             "pytest.ini": "[pytest]\nmarkers = m\npython_files = check_*.py\n"},
        edit("checks/check_b.py"), "file added: checks/check_b.py", 'markers = "m"',
    ),
    "a folder with brackets in its name": Scene(
        body("os.listdir('data [1]')"), {"data [1]/a.txt": ""}, edit("data [1]/b.txt"),
        "folder changed: data [[]1]/*",
    ),
    "a pattern below it": Scene(
        body("list(Path('run[1]').glob('*.txt'))"), {"run[1]/a.txt": ""}, edit("run[1]/b.txt"),
        "folder changed: run[[]1]/*.txt",
    ),
    "a file that a link did not lead to": Scene(
        body("os.path.exists('data/link')"), {"data/a.txt": ""}, edit("data/target"),
        "file added: data/link", before=link("data/link", "target"),
    ),
    "a file that a link no longer leads to": Scene(
        body("os.path.exists('data/link')"), {"data/target": ""},
        lambda project: (project.root / "data/target").unlink(),
        "file gone: data/link", before=link("data/link", "target"),
    ),
    "a file that is opened relative to a folder": Scene(
        body("d = os.open('data', os.O_RDONLY)", "f = os.open('s.txt', os.O_RDONLY, dir_fd=d)"),
        DATA, edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "a folder that is listed by its descriptor": Scene(
        body("os.listdir(os.open('data', os.O_RDONLY))"), DATA, edit("data/t.txt"),
        "folder changed: data/*",
    ),
    "dots behind a link": Scene(
        body("open('link/../s.txt').read()"), {"deep/data/x": "", "deep/s.txt": "1"},
        edit("deep/s.txt"), "file changed: deep/s.txt", before=link("link", "deep/data"),
    ),
    "a file whose name breaks the line": Scene(
        body(r"open('data/a\rb.txt').read()"), {"data/a\rb.txt": "1"}, edit("data/a\rb.txt"),
        "file changed: ",
    ),
    "a file in node_modules": Scene(
        body("open('node_modules/x.json').read()"), {"node_modules/x.json": "1"},
        edit("node_modules/x.json"), "file changed: node_modules/x.json",
    ),
    "a library that maps what it needs": Scene(
        body("import mmap", "f = open('data/s.txt', 'rb')",
             "m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)"),
        DATA, edit("data/s.txt"), "file changed: data/s.txt",
    ),
    "metadata that is asked for without an import": Scene(
        body("import importlib.metadata", "importlib.metadata.version('babel')"),
        {"constraints.txt": "babel==1\n"}, lambda project: project.write(
            "constraints.txt", "babel==2\n"),
        "version changed: babel (==1 → ==2)",
    ),
    "a pin of a file that is included": Scene(
        "import babel\ndef test_q(): pass\n",
        {"requirements.txt": "-r more/base.txt\n", "more/base.txt": "babel==1\n"},
        lambda project: project.write("more/base.txt", "babel==2\n"),
        "version changed: babel (==1 → ==2)",
    ),
    "the commit that a lock file names": Scene(
        "import babel\ndef test_q(): pass\n",
        {"uv.lock": '[[package]]\nname = "babel"\nversion = "1"\nsource = { git = "u#a" }\n'},
        lambda project: project.write(
            "uv.lock", '[[package]]\nname = "babel"\nversion = "1"\nsource = { git = "u#b" }\n'),
        "version changed: babel (1 @ u#a → 1 @ u#b)",
    ),
    "a checkpoint that PyTorch reads by itself": Scene(
        "import torch\ndef test_q():\n    torch._C.PyTorchFileReader('data/x.pt')\n", {},
        grow("data/x.pt"),
        "file changed: data/x.pt", needs="torch",
        before=saved_by_torch,
    ),
}  # fmt: skip


def is_here(needs: str) -> bool:
    return (
        not needs or importlib.util.find_spec(needs) is not None or shutil.which(needs) is not None
    )


@pytest.mark.parametrize("name", SCENES)
def test_it_makes_the_measurement_stale(make_project, name):
    scene = SCENES[name]
    if not is_here(scene.needs):
        pytest.skip(f"{scene.needs} is not installed")
    project = make_project(scene.declared)
    if scene.test:
        project.write("test_q.py", scene.test)
    for path, text in scene.files.items():
        project.write(path, text)
    scene.before(project)
    time.sleep(0.05)  # what is there is older than the run, by the coarsest clock
    record = project.run()
    assert record.outcome is Outcome.PASSED, (record.reason, record.output)
    assert project.stale() == [], "before the change"
    scene.change(project)
    reasons = project.stale()
    assert any(scene.cause in reason for reason in reasons), (reasons, record.inputs.unseen)


def test_what_is_outside_the_checkout_is_told(make_project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/common.py").write_text("X = 1\n")
    (tmp_path / "elsewhere/.hidden").write_text("1")
    project = make_project()
    project.write(
        "test_q.py",
        "import sys\nsys.path.insert(0, '../elsewhere')\nimport common\n"
        "def test_q(): open('../elsewhere/.hidden').read()\n",
    )
    assert project.run().inputs.unseen == [
        ".hidden was read from outside the project",
        "common.py was imported from outside the project",
    ]
    project.write("new.txt", "")
    assert project.stale() == ["file added: new.txt"]


def test_links_that_lead_back_up_are_followed_once(make_project):
    project = make_project()
    project.write("test_q.py", body("list(Path('data').rglob('*.txt'))"))
    project.write("data/deep/a.txt", "")
    for name in ("l1", "l2", "deep/l3"):
        (project.root / "data" / name).symlink_to(project.root / "data")
    assert project.run().outcome is Outcome.PASSED
    project.write("data/deep/b.txt", "")
    assert project.stale() == ["folder changed: data/**/*.txt"]


def test_a_pipe_in_a_files_place_holds_nobody_up(make_project):
    project = make_project()
    project.write("test_q.py", body("open('data/s.txt').read()"))
    project.write("data/s.txt", "1")
    project.run()
    (project.root / "data/s.txt").unlink()
    os.mkfifo(project.root / "data/s.txt")
    [entry] = project.evidence.entries
    assert project.stale()[0].startswith("file gone: data/s.txt")
    entry.path.unlink()
    os.mkfifo(entry.path)
    assert project.evidence.measured is None


def test_a_folder_with_the_users_name_raises_no_alarm(make_project, monkeypatch):
    monkeypatch.setenv("USER", "zedkanary")
    project = make_project()
    project.write("test_q.py", body("os.listdir('zedkanary')", "open('zedkanary/s.txt').read()"))
    project.write("zedkanary/s.txt", "1")
    record = project.run()
    assert record.inputs.unseen == []
    assert "zedkanary" not in str(record.inputs)
    assert project.stale() == []
    monkeypatch.setenv("USER", "other")  # where it is judged, nobody is called so
    assert project.stale() == []
    project.write("zedkanary/t.txt", "")
    assert [reason[:24] for reason in project.stale()] == ["folder changed: private:"]
    (project.root / "zedkanary/t.txt").unlink()
    project.write("zedkanary/s.txt", "2")
    assert [reason[:22] for reason in project.stale()] == ["file changed: private:"]


def test_no_trace_is_written_into_somebody_elses_file(make_project):
    project = make_project()
    project.write(
        "child.py",
        "import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))\n"
        "os.closerange(3, 128)\nout = open('work/out.bin', 'w')\n"
        "for n in range(3, 100):\n    os.dup2(out.fileno(), n)\nopen('data/s.txt').read()\n",
    )
    project.write("work/.gitignore", "*\n")
    project.write("data/s.txt", "1")
    project.write("test_q.py", "import sys\n" + child('[sys.executable, "child.py"]'))
    assert project.run().outcome is Outcome.PASSED
    assert (project.root / "work/out.bin").read_text() == ""
    project.write("data/s.txt", "2")
    assert project.stale() == ["file changed: data/s.txt (6b86b273 → d4735e3a)"]


def test_a_trace_that_could_not_be_written_is_partial(tmp_path):
    folder = str(Path(sphinx_ptyreg.child.__file__).parent)
    log = tmp_path / "trace.log"
    code = (
        "import os\nplain = os.write\nfull = [True]\n"
        "def write(fd, data):\n    if full[0]: raise OSError(28)\n    return plain(fd, data)\n"
        "import ptyreg_trace\n"
        f"t = ptyreg_trace.Tracer({str(log)!r}, {str(tmp_path)!r}, 0)\n"
        "os.write = write\nt.write('read', 'a')\nfull[0] = False\nt.write('read', 'b')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": folder})
    trace = read_trace(log)
    assert trace.read == {"b"}
    assert "a part of the trace could not be written" in trace.unseen


def interpreters(version: str) -> list[str]:
    """Return the Pythons of this version on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    return [
        each
        for each in filter(None, found)
        if subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0
    ]


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_other_interpreters_tell_the_same(tmp_path, version):
    found = interpreters(version)
    if not found:
        pytest.skip(f"Python {version} is not installed")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/s.txt").write_text("1")
    log = tmp_path.parent / f"{tmp_path.name}.log"
    code = (
        "import os, pathlib, subprocess, sys\n"
        "path = pathlib.Path('data')\n"
        "folder = os.open('data', os.O_RDONLY)\n"
        "os.close(os.open('s.txt', os.O_RDONLY, dir_fd=folder))\n"
        "path.joinpath('absent').exists(), list(path.rglob('*.npz')), (path / 'new').touch()\n"
        "subprocess.run([sys.executable, '-c', 'open(\"data/s.txt\")'], check=True)\n"
    )
    child = str(Path(sphinx_ptyreg.child.__file__).parent)
    env = {"PYTHONPATH": child, "PTYREG_TRACE": str(log), "PTYREG_TRACE_ROOT": str(tmp_path)}
    subprocess.run([found[0], "-c", code], cwd=tmp_path, env=env, check=True)
    trace = read_trace(log)
    assert trace.read == {"data/s.txt"}
    assert "data/absent" in trace.absent
    assert trace.scanned == {"data/**/*.npz"}
    assert trace.written == {"data/new"}
    assert trace.unseen == ()
