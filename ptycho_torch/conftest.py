"""The examples in docstrings: those that need PyTorch are left out where there is none."""

from __future__ import annotations

from ptycho_torch.checks import DependencyMissing, require, require_torch

collect_ignore_glob: list[str] = []

try:
    require_torch()
    require("lightning", "safetensors")
except DependencyMissing:
    collect_ignore_glob += [
        "physics/*.py", "models/*.py", "needs_*.py", "reassembly.py", "reconstructor.py", "api.py",
        "lightning_module.py", "fitting.py", "checkpoints.py", "progress.py", "refinement.py",
        "estimate.py", "teaching.py",
        "data/dataset.py", "data/datamodule.py",
    ]  # fmt: skip
