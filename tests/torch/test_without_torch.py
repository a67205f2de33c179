"""Where PyTorch is missing: skipped in CI with the reason, failed anywhere else with the remedy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: A plugin that hides PyTorch from whoever asks for its version, as on a machine without it.
HIDDEN = """
import importlib.metadata
known = importlib.metadata.version

def version(name):
    if name == "torch":
        raise importlib.metadata.PackageNotFoundError(name)
    return known(name)

importlib.metadata.version = version
"""


def collected_without_torch(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    (folder / "hidden_torch.py").write_text(HIDDEN)
    clean = {k: v for k, v in os.environ.items() if k not in {"CI", "PTYREG_CI"}}
    clean |= {"PYTHONPATH": str(folder)} | env
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "hidden_torch", "-p", "no:cacheprovider", "-n0",
         "tests/torch/test_integration_workflow_torch.py", "tests/torch/test_bundle.py"],
        cwd=ROOT, env=clean, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("variable", ["CI", "PTYREG_CI"])
def test_in_ci_it_is_skipped_and_says_why(tmp_path, variable):
    done = collected_without_torch(tmp_path, **{variable: "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 skipped" in done.stdout  # a test, and a module that imports it
    assert len(re.findall(r"SKIPPED \[1\] .*torch>=2\.2", done.stdout)) == 2


@pytest.mark.parametrize("told", ["", "false", "0"])
def test_anywhere_else_it_fails_and_says_what_to_install(tmp_path, told):
    done = collected_without_torch(tmp_path, CI=told)
    assert done.returncode != 0, done.stdout + done.stderr
    assert "Install the dependency group `torch`" in done.stdout
    assert "skipped" not in done.stdout
