"""What a change does to a measurement: what matters makes it stale and is named; nothing else."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

TEST = "tests/sub/test_everything.py"


class Row(NamedTuple):
    """A change, the cause that must be named, and the selector it is about."""

    change: Callable[..., object]
    cause: str
    selector: str = "everything"
    needs: str = ""


def append(path: str, selector: str = "everything", needs: str = "") -> Row:
    return Row(lambda scene: scene.append(path), f"file changed: {path}", selector, needs)


def add(path: str, text: str, cause: str, selector: str = "everything") -> Row:
    return Row(lambda scene: scene.write(path, text), cause, selector)


def declare(old: str, new: str, cause: str, selector: str = "everything") -> Row:
    return Row(lambda scene: scene.replace("pyproject.toml", old, new), cause, selector)


def install(path: str, old: str, new: str, cause: str) -> Row:
    return Row(lambda scene: scene.replace(scene.site / path, old, new), cause)


def added_pin(scene):
    scene.replace("constraints.txt", "plain-dep==1.0", "plain-dep==1.1")


def arrived(scene):
    distribution = scene.site / "optional_module.py"
    scene.write(distribution, "X = 2\n")


MATTER: dict[str, Row] = {
    "the test itself": append(TEST),
    "a module that the test imports": append("lib/lib_module.py"),
    "a module that a child alone imports": append("lib/only_train.py"),
    "the script of a child": append("lib/train.py"),
    "a module that a grandchild alone imports": append("lib/only_grandchild.py"),
    "the script of a grandchild": append("lib/grandchild.py"),
    "a fixture": append("tests/conftest.py"),
    "the conftest.py of a subfolder": append("tests/sub/conftest.py"),
    "a module that a fixture imports": append("helpers/helper.py"),
    "a file that a fixture reads": append("data/fixture.txt"),
    "a conftest.py appears up the tree": add("conftest.py", "", "file added: conftest.py"),
    "pytest.ini appears": add("pytest.ini", "[pytest]\n", "file added: pytest.ini"),
    "pytest.ini appears beside the test": add(
        "tests/sub/pytest.ini", "[pytest]\n", "file added: tests/sub/pytest.ini"
    ),
    "tox.ini appears, with a section for pytest": add(
        "tests/tox.ini", "[pytest]\naddopts = -x\n", "settings changed: pytest's in tests/tox.ini"
    ),
    "setup.cfg appears, with a section for pytest": add(
        "tests/setup.cfg", "[tool:pytest]\n", "settings changed: pytest's in tests/setup.cfg"
    ),
    "pytest's table in pyproject.toml": declare(
        'pythonpath = ["helpers"]', 'pythonpath = ["helpers", "lib"]',
        "settings changed: pytest's in pyproject.toml",
    ),
    "open": append("data/open.txt"),
    "Path.read_text": append("data/read_text.txt"),
    "np.load": append("data/array.npy"),
    "np.memmap": append("data/memmap.bin"),
    "np.fromfile": append("data/fromfile.bin"),
    "os.open": append("data/os_open.bin"),
    "mmap": append("data/mmap.bin"),
    "gzip": append("data/packed.gz"),
    "sqlite3": append("data/base.sqlite"),
    "HDF5": append("data/five.h5", needs="h5py"),
    "safetensors": append("data/weights.safetensors", needs="safetensors"),
    "the seed in a config file": Row(
        lambda scene: scene.replace("data/seed.json", "1", "2"), "file changed: data/seed.json"
    ),
    "a pyproject.toml that the project reads itself": Row(
        lambda scene: scene.replace("settings/pyproject.toml", "1", "2"),
        "file changed: settings/pyproject.toml",
    ),
    "importlib.resources": append("lib/lib_package/resource.txt"),
    "a package's __init__.py": append("lib/lib_package/__init__.py"),
    "runpy.run_path": append("lib/script.py"),
    "a zip on sys.path": append("lib/zipped.zip"),
    "a library for ctypes": append("native/dlopened.so.1"),
    "an extension module": Row(
        lambda scene: scene.append(next((scene.root / "native").glob("*.so"))),
        "file changed: native/_json",
    ),
    "a file behind a link": Row(
        lambda scene: scene.append("data/target.txt"), "file changed: data/linked.txt"
    ),
    "another file behind a link": Row(
        lambda scene: scene.link("data/linked.txt", "target2.txt"),
        "file changed: data/linked.txt",
    ),
    "the target of a link that leads nowhere": Row(
        lambda scene: scene.link("data/pointer", "elsewhere"), "link changed: data/pointer"
    ),
    "one of 80 files that threads read": append("data/threads/5-7.txt"),
    "another of them": append("data/threads/0-0.txt"),
    "a forked worker's file": append("data/forked.txt"),
    "a spawned worker's file": append("data/spawned.txt"),
    "a grandchild's file": append("data/grandchild.txt"),
    "the file of a child with an empty environment": append("data/empty_env.txt"),
    "the file of a child that leaves by os._exit": append("data/exited.txt"),
    "the file of a child that is killed": append("data/killed.txt"),
    "the file of a child by posix_spawn": append("data/posix.txt"),
    "the file of a child by a shell": append("data/shell.txt"),
    "a file is gone": Row(
        lambda scene: scene.move("data/open.txt"), "file gone: data/open.txt"
    ),
    "a file whose existence alone is asked is gone": Row(
        lambda scene: scene.move("data/exists.txt"), "file gone: data/exists.txt"
    ),
    "one appears": add("data/not_yet.txt", "", "file added: data/not_yet.txt"),
    "a folder whose existence alone is asked is gone": Row(
        lambda scene: scene.move("data/folder"), "file gone: data/folder"
    ),
    "a file whose size alone is asked": append("data/size.txt"),
    "a file that open did not find appears": add(
        "data/absent.txt", "", "file added: data/absent.txt"
    ),
    "an optional module appears": add(
        "lib/optional_module.py", "X = 2\n", "file added: lib/optional_module.py"
    ),
    "an optional package appears": add(
        "lib/optional_module/__init__.py", "X = 2\n",
        "file added: lib/optional_module/__init__.py",
    ),
    "an optional distribution appears": Row(
        arrived, "version changed: import optional_module (none → found)"
    ),
    "glob gains a file": add("data/globbed/b.txt", "", "folder changed: data/globbed/*.txt"),
    "rglob gains a file in a new folder": add(
        "data/tree/new/b.txt", "", "folder changed: data/tree/**/*.txt"
    ),
    "a pattern's folder appears": add(
        "data/nested/two/x.txt", "", "folder changed: data/nested/*/x.txt"
    ),
    "listdir loses a file": Row(
        lambda scene: scene.move("data/listed/b.txt"), "folder changed: data/listed/*"
    ),
    "iterdir gains a file": add("data/iterated/b", "", "folder changed: data/iterated/*"),
    "os.walk gains a file": add(
        "data/walked/deep/b", "", "folder changed: data/walked/deep/*"
    ),
    "a new file below a declared pattern": add(
        "configs/new.yaml", "", "file added: configs/new.yaml"
    ),
    "the content of a local install": install(
        "local_dep.py", "1", "2", "version changed: local-dep (1.0 ("
    ),
    "an editable install outside the project": Row(
        lambda scene: scene.append(scene.base / "outside/edit/edit_dep.py", "\n"),
        "version changed: edit-dep (1.0 (",
    ),
    "a module in site-packages that no distribution owns": install(
        "loose.py", "1", "2", "version changed: module loose.py"
    ),
    "the environment's own sitecustomize": Row(
        lambda scene: scene.append(scene.site / "sitecustomize.py", "\n"),
        "version changed: module sitecustomize.py",
    ),
    "a file that it reads": append("data/from_site.txt"),
    "a package's version": install(
        "plain_dep-1.0.dist-info/METADATA", "Version: 1.0", "Version: 1.1",
        "version changed: plain-dep (1.0 → 1.1)",
    ),
    "a package's pin": Row(added_pin, "version changed: plain-dep (==1.0 → ==1.1)"),
    "a declared variable": declare(
        'DECLARED = "one"', 'DECLARED = "two"', "variable changed: DECLARED (one → two)"
    ),
    "a variable is declared": declare(
        'DECLARED = "one"', 'DECLARED = "one", MORE = "1"', "everything.env"
    ),
    "the node id": declare(
        "::test_everything", "", "declaration changed: everything.nodeids"
    ),
    "the declared inputs": declare(
        "configs/*.yaml", "configs/*.toml", "declaration changed: everything.inputs"
    ),
    "the marker expression": declare(
        'markers = "chosen"', 'markers = "not chosen"',
        "declaration changed: marked.markers (chosen → not chosen)", "marked",
    ),
    "a new test file that the markers might choose": add(
        "tests/test_new.py", "", "file added: tests/test_new.py", "marked"
    ),
    "a non-Python child's file": append("data/catted.txt", "partial"),
    "the file of a child by os.system": append("data/shelled.txt", "partial"),
    "the file of a child with -I": append("data/isolated.txt", "partial"),
    "any file, when the inputs are partly known": append("docs/index.md", "partial"),
    "a new one": add("data/new.txt", "", "file added: data/new.txt", "partial"),
    "the file of a DataLoader's worker": append("data/worker.txt", "worker", "torch"),
}  # fmt: skip

# Debian's Python has a sitecustomize in front of any environment's own, which is then never read.
if (Path(sysconfig.get_path("stdlib")) / "sitecustomize.py").exists():
    del MATTER["the environment's own sitecustomize"], MATTER["a file that it reads"]


def touch(scene, path: str) -> None:
    file = scene.root / path
    status = file.stat()
    os.utime(file, (1, 1))
    scene.later(lambda: os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns)))


def touch_all(scene):
    for file in scene.root.rglob("*"):
        if ".git" not in file.parts:
            os.utime(file, follow_symlinks=False)


def compiled(scene) -> list[Path]:
    return [f for f in scene.root.rglob("*.pyc") if ".venv" not in f.parts]


def upgrade_unused(scene):
    scene.replace(scene.site / "unused_dep-1.0.dist-info/METADATA", "Version: 1.0", "Version: 2.0")


def chmod(scene):
    file = scene.root / "data/open.txt"
    file.chmod(0o600)
    scene.later(lambda: file.chmod(0o644))


def commit(scene):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(
        ["git", *identity, "commit", "-qam", "state"], cwd=scene.root, check=True
    )  # fmt: skip


def environment_in_tox(scene):
    scene.write(".tox/py/lib/python3.11/site-packages/numpy/__init__.py", "")


def new_folder(scene):
    (scene.root / "data/unrelated").mkdir()
    scene.later((scene.root / "data/unrelated").rmdir)


def variable(scene):
    os.environ["UNDECLARED"] = "1"
    scene.later(lambda: os.environ.pop("UNDECLARED"))


MATTERS_NOT: dict[str, Callable[..., object]] = {
    "nothing": lambda scene: None,
    "prose": lambda scene: scene.append("docs/index.md"),
    "the configuration of Sphinx": lambda scene: scene.append("docs/conf.py"),
    "a new page": lambda scene: scene.write("docs/new.md", "# New"),
    "a file that was never read": lambda scene: scene.append("data/never_read.txt"),
    "a new file beside those that were": lambda scene: scene.write("data/other.txt", ""),
    "another test": lambda scene: scene.append("tests/sub/test_other.py"),
    "a new test beside": lambda scene: scene.write("tests/sub/test_new.py", ""),
    "a README": lambda scene: scene.write("README.md", "# Read me"),
    "a time stamp": lambda scene: touch(scene, "data/open.txt"),
    "every time stamp": touch_all,
    "a touched .pyc": lambda scene: [os.utime(f) for f in compiled(scene)],
    "a deleted .pyc": lambda scene: [f.unlink() for f in compiled(scene)],
    "an environment in .tox": environment_in_tox,
    "the title": lambda scene: scene.replace("pyproject.toml", "A title", "Another"),
    "what it proves": lambda scene: scene.replace("pyproject.toml", "something", "more"),
    "a threshold": lambda scene: scene.replace("pyproject.toml", "600 s", "60 s"),
    "another tool's table": lambda scene: scene.replace(
        "pyproject.toml", "threshold = 1", "threshold = 2"
    ),
    "another selector's declaration": lambda scene: scene.replace(
        "pyproject.toml", "tests/test_rewriting.py", "tests/test_other.py"
    ),
    "a comment in pyproject.toml": lambda scene: scene.append("pyproject.toml", "# more\n"),
    "tox.ini without a section for pytest": lambda scene: scene.write("tox.ini", "[tox]\n"),
    "setup.cfg without a section for pytest": lambda scene: scene.write("setup.cfg", "[wheel]\n"),
    "the same in the tests' folder": lambda scene: scene.write("tests/tox.ini", "[tox]\n"),
    "a commit": commit,
    "an upgrade of what is not imported": upgrade_unused,
    "its pin": lambda scene: scene.replace("constraints.txt", "unused-dep==1", "unused-dep==2"),
    "a pin of what is not installed": lambda scene: scene.append("constraints.txt", "new==1\n"),
    "an undeclared variable": variable,
    "what the run wrote": lambda scene: scene.append("work/made.txt"),
    "what the run wrote is gone": lambda scene: scene.move("work/made.txt"),
    "what it wrote into a folder that it lists is gone": lambda scene: scene.move(
        "data/listed/output.txt"
    ),
    ".hypothesis": lambda scene: scene.write(".hypothesis/examples/x", ""),
    ".pytest_cache": lambda scene: scene.write(".pytest_cache/v/x", ""),
    "__pycache__ in a folder that is listed": lambda scene: scene.write(
        "data/listed/__pycache__/x.pyc", ""
    ),
    "a new folder": new_folder,
    "a file's mode": chmod,
    "a file in the declared folder that no pattern covers": lambda scene: scene.write(
        "configs/new.toml", ""
    ),
    "a published record": lambda scene: scene.write("docs/evidence/records/x/y.json", "{}"),
}

detected: set[str] = set()
quiet: set[str] = set()


@pytest.mark.parametrize("name", MATTER)
def test_what_matters_makes_a_measurement_stale_and_is_named(row, name):
    change, cause, selector, needs = MATTER[name]
    if needs and importlib.util.find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    change(row)
    state, reasons = row.judge(selector)
    assert state == "stale"
    assert any(cause in reason for reason in reasons), reasons
    if selector == "everything" and "→" not in cause:
        assert len(reasons) <= 2, reasons
    row.restore()
    assert row.judge(selector) == ("fresh", [])
    detected.add(name)


@pytest.mark.parametrize("name", MATTERS_NOT)
def test_what_does_not_matter_raises_no_alarm(row, name):
    MATTERS_NOT[name](row)
    assert row.judge("everything") == ("fresh", [])
    quiet.add(name)


def test_a_moved_checkout_is_as_fresh(row, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(row.root, moved, symlinks=True)
    for selector in ("everything", "partial", "rewriting", "marked"):
        assert row.judge(selector, moved) == ("fresh", [])
    quiet.add("a moved checkout")


def test_both_tables_are_long_enough_and_all_hold(scene, capsys):
    with capsys.disabled():
        print(f"\n{len(detected)} changes that matter: all detected, each cause named; "
              f"{len(quiet)} that do not: 0 false alarms")  # fmt: skip
    assert len(MATTER) >= 40
    assert len(MATTERS_NOT) >= 20
