"""The scripts that the guide names run as it says: from the checkout, with nothing installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.torch
@pytest.mark.parametrize("script", ["ptycho_quality", "bad_input_table"])
def test_a_script_starts_from_the_checkout(script) -> None:
    done = subprocess.run(
        [sys.executable, f"tests/benchmarks/{script}.py", "--help"], cwd=ROOT,
        env={name: os.environ[name] for name in os.environ if name != "PYTHONPATH"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage:")
