"""The wheel: this package, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("build")
pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel of a copy of the tree, with a stray package beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sphinx_ptyreg", source / "sphinx_ptyreg", ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    for stray in ("ptycho_torch", "tests", "docs"):
        (source / stray).mkdir()
        (source / stray / "__init__.py").touch()
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), "."],
        cwd=source, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    [built] = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_one_package_and_its_metadata(wheel):
    tops = {name.split("/")[0] for name in wheel}
    [metadata] = [top for top in tops if top != "sphinx_ptyreg"]
    assert metadata.startswith("sphinx_ptyreg-")
    assert metadata.endswith(".dist-info")


@pytest.mark.parametrize(
    "name",
    ["static/ptyreg.css", "child/ptyreg.py", "child/supervise.py", "py.typed", "__init__.py"],
)
def test_the_wheel_has_what_is_needed_at_run_time(wheel, name):
    assert f"sphinx_ptyreg/{name}" in wheel


def test_every_module_of_the_tree_is_in_the_wheel(wheel):
    package = ROOT / "sphinx_ptyreg"
    there = {
        file.relative_to(ROOT).as_posix()
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert there <= set(wheel)


def test_the_wheel_declares_its_entry_points_and_little_else_to_install(wheel):
    [entry_points] = [text for name, text in wheel.items() if name.endswith("entry_points.txt")]
    assert b"[pytest11]\nptyreg = sphinx_ptyreg.child.ptyreg" in entry_points
    assert b"ptyreg = sphinx_ptyreg.cli:main" in entry_points
    [metadata] = [text for name, text in wheel.items() if name.endswith("/METADATA")]
    required = [
        line.removeprefix(b"Requires-Dist: ").decode()
        for line in metadata.splitlines()
        if line.startswith(b"Requires-Dist: ") and b"extra ==" not in line
    ]
    names = sorted(text.split("<")[0].split(">")[0].strip() for text in required)
    assert names == ["msgspec", "packaging", "sphinx"]
    assert not [text for text in required if "docutils" in text]
