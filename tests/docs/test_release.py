"""This project's own documentation as that of a release: it keeps what its pages show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.frozen import freeze
from sphinx_ptyreg.store import Store

pytest.importorskip("furo")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """Copy what version control has of this project; freeze all that is published of it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("no checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    project = load(tmp_path)
    store = Store(project.store, project.published)
    evidence = Evidence(project, store)
    records = {name: own.samples for name, own in evidence.selectors.items()}
    kept = {record.id for samples in records.values() for record in samples}
    history = {
        name: [record for record in own.attempts if record.id not in kept]
        for name, own in evidence.selectors.items()
    }
    freeze(project, store, "1.2.3", records, history=history,
           frozen="2026-12-01T00:00:00.000000Z", commit=None)  # fmt: skip
    return tmp_path


def test_the_pages_of_a_release_build_without_a_warning(checkout):
    """Whatever became of the project since, and with nothing but what the release keeps."""
    for folder in ("records", "artifacts"):
        shutil.rmtree(checkout / "docs/evidence" / folder)
    conf = checkout / "conf.py"
    conf.write_text(conf.read_text(encoding="utf-8") + "\n# changed since\n", encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PTYREG_", "READTHEDOCS"))}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-c", ".",
         "-D", "ptyreg_release=1.2.3", "docs", "out"],
        cwd=checkout, env=env | {"PTYREG_MODE": "replay"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = (checkout / "out/fix_plan.html").read_text(encoding="utf-8")
    assert "ryzen-9-5950x-2025" in told
