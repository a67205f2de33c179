"""``ptyreg doctor``: what is here to run or to replay."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sphinx_ptyreg import environment, installation
from sphinx_ptyreg.installation import torch_build
from sphinx_ptyreg.record import Machine


def test_a_measured_project_is_ready_for_both(measured, ptyreg):
    status, out, err = ptyreg("doctor")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "to run here: ok   to replay: ok"
    assert "would run as class laptop" in out
    assert "3 in .ptyreg" in out


def test_without_what_a_selector_requires_it_replays(measured, ptyreg):
    toml = (measured.root / "pyproject.toml").read_text().replace('pytest>=7"]', 'no-such>=2"]')
    measured.write("pyproject.toml", toml)
    status, out, _ = ptyreg("doctor")
    assert status == 0
    assert "cannot run here: no-such>=2 (found none)" in out
    assert out.splitlines()[-1] == "to run here: no   to replay: ok"
    assert ptyreg("doctor", "--for", "replay")[0] == 0
    assert ptyreg("doctor", "--for", "run")[0] == 3


def test_without_the_extra_for_runs_it_says_what_to_install(measured, ptyreg, monkeypatch):
    monkeypatch.setattr(
        installation, "unmet", lambda wanted: ["x"] if "psutil" in wanted[0] else []
    )
    _, out, _ = ptyreg("doctor")
    assert "Install sphinx-ptyreg[run]." in out
    assert ptyreg("doctor", "--for", "run")[0] == 3


def test_a_store_that_cannot_be_written_is_told(measured, ptyreg, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(installation.tempfile, "NamedTemporaryFile", refuse)
    status, out, _ = ptyreg("doctor", "--for", "run")
    assert status == 3
    assert "fail  writable" in out
    assert "Permission denied" in out


def test_a_broken_record_is_named(measured, ptyreg):
    path = measured.store.entries("quick")[0].path
    path.write_bytes(b"{")
    assert path.name in ptyreg("doctor")[1]


def test_what_is_stale_or_was_never_run_is_told(measured, ptyreg):
    measured.write("src.py", "ANSWER = 43\n")
    out = ptyreg("doctor")[1]
    assert "warn  quick  stale (file changed: src.py" in out
    assert "Run: ptyreg run quick" in out


def test_variables_that_change_what_happens_are_told(measured, ptyreg, monkeypatch):
    for name in ("CI", "OMP_NUM_THREADS"):  # tox passes them on
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PTYREG_MAX_MODE", "replay")
    items = json.loads(ptyreg("doctor", "--json")[1])["items"]
    assert {i["name"]: i["told"] for i in items if i["topic"] == "variables"} == {
        "PTYREG_MAX_MODE": "replay", "PTYREG_CLASS": "laptop",
    }  # fmt: skip


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Install the metadata of some build of PyTorch, and nothing that could be imported."""

    def install(version: str, source: str = "") -> None:
        info = tmp_path / f"torch-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch" / "__init__.py").write_text("raise RuntimeError('imported')")
        if source:
            (tmp_path / "torch" / "version.py").write_text(source)
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    return install


PYPI = (
    "from typing import Optional\n__version__ = '2.8.0'\ncuda: Optional[str] = '12.8'\nhip = None\n"
)


@pytest.mark.parametrize(
    ("version", "source", "build"),
    [
        ("2.13.0+cpu", "", "cpu"),
        ("2.8.0+cu128", "", "cu128"),
        ("2.8.0", PYPI, "cuda 12.8"),
        ("2.8.0", "cuda: Optional[str] = None\nhip: Optional[str] = None\n", "cpu"),
        ("2.8.0", "cuda = None\nhip = '6.1'\n", "hip 6.1"),
        ("2.8.0", "", "unknown build"),
    ],
)
def test_the_build_of_torch_is_read_without_importing_it(wheel, version, source, build):
    wheel(version, source)
    assert torch_build() == (version, build)


@pytest.mark.parametrize(
    ("version", "accelerator", "warned"),
    [
        ("2.8.0+cu128", "none", True),
        ("2.8.0+cu128", "NVIDIA H200", False),
        ("2.8.0+cpu", "none", False),
    ],
)
def test_a_cuda_build_without_a_gpu_is_a_warning(
    measured, ptyreg, wheel, monkeypatch, version, accelerator, warned
):
    wheel(version)
    facts = Machine(system="Linux", architecture="x86_64", cpu="c", isa="AVX2", cores=2,
                    memory_mib=1, accelerator=accelerator)  # fmt: skip
    monkeypatch.setattr(environment, "machine", lambda: facts)
    out = ptyreg("doctor")[1]
    assert ("this machine shows no GPU" in out) is warned
    assert version in out


def test_neither_home_nor_user_is_printed(measured, ptyreg, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", str(Path.home() / "x"))
    assert str(Path.home()) + "/x" not in ptyreg("doctor")[1]
