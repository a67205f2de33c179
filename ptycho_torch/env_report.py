"""Say what a run of this package would run on. No host and no user is named.

Versions come from metadata, the machine from the system; PyTorch is imported only for what it alone
knows (its linear algebra, instruction set, threads and accelerator).
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch.checks import (
    CommandParser,
    TorchMissing,
    installed_version,
    one_of,
    require_torch,
)
from ptycho_torch.commands import run_command
from ptycho_torch.machine import cpu_model, memory_gib, usable_cores

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_INSTALLED = "not installed"
DISTRIBUTIONS = ("torch", "lightning", "numpy", "safetensors", "pillow", "h5py")
FORMATS = ("text", "markdown", "json")

Facts = dict[str, str | int]


def facts(*, quick: bool = False) -> Facts:
    """Collect the facts.

    Args:
        quick: Whether to leave out what only PyTorch itself can say.

    Returns:
        Names and values; without PyTorch, ``torch`` says so and nothing about a device follows.

    Examples:
        >>> facts(quick=True)["numpy"] == installed_version("numpy")
        True
    """
    memory = memory_gib()
    found: Facts = {
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "memory": "unknown" if memory is None else f"{memory} GiB",
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS", "not set"),
    }
    found |= {name: installed_version(name) or NOT_INSTALLED for name in DISTRIBUTIONS}
    try:
        require_torch()
    except TorchMissing:
        older = "" if found["torch"] == NOT_INSTALLED else f"{found['torch']}, too old; need 2.2; "
        found["torch"] = f"{older or NOT_INSTALLED + ' '}(POLICY-001)"
        return found
    if quick:
        return found | {"torch_build": torch_build()}
    return found | device_facts()


def torch_build() -> str:
    """Say what PyTorch was built for, without importing it.

    Returns:
        ``CUDA 12.4``, ``ROCm 6.1`` or ``CPU``; ``unknown`` if its files do not tell.
    """
    try:
        place = str(metadata.distribution("torch").locate_file("torch/version.py"))
        text = Path(place).read_text(encoding="utf-8")
    except (metadata.PackageNotFoundError, OSError):
        return "unknown"
    for name, platform_name in (("cuda", "CUDA"), ("hip", "ROCm")):
        found = re.search(rf"^{name}\b[^=\n]*= *'([^']+)'", text, re.MULTILINE)
        if found:
            return f"{platform_name} {found[1]}"
    return "CPU"


def device_facts() -> Facts:
    """Collect what PyTorch computes with; it is imported for that.

    Returns:
        Names and values, none of them the version of a distribution.
    """
    import torch  # noqa: PLC0415 - its facts can be had from itself only

    settings = torch.__config__.show()
    blas = re.search(r"BLAS_INFO=(\w+)", settings)
    return {
        "torch_build": torch_build(),
        "torch_blas": blas[1].upper() if blas else "unknown",
        "torch_isa": str(torch.backends.cpu.get_cpu_capability()),
        "torch_threads": torch.get_num_threads(),
        "accelerator": _accelerator(),
    }


def _accelerator() -> str:
    """Name the accelerator, or say why there is none."""
    import torch  # noqa: PLC0415 - its facts can be had from itself only

    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        name = torch.cuda.get_device_name(0)
        return name if count == 1 else f"{count} × {name}"
    if torch.backends.mps.is_available():
        return "Apple GPU (mps)"
    build = torch_build()
    if build == "CPU":
        return "none: this is a CPU build of PyTorch"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return "none: CUDA_VISIBLE_DEVICES hides it"
    return f"none: a build for {build}, but no such device here; the CPU build is far smaller"


def report(found: Facts, form: str = "text") -> str:
    """Write facts.

    Args:
        found: The facts.
        form: ``text`` (aligned lines), ``markdown`` (a table) or ``json``.

    Examples:
        >>> print(report({"cores": 2, "torch": "2.13.0"}))
        cores: 2
        torch: 2.13.0
        >>> print(report({"cores": 2}, "markdown"))
        | fact | value |
        |---|---|
        | cores | 2 |
    """
    if form == "json":
        return json.dumps(found, indent=2)
    if form == "markdown":
        rows = [f"| {name} | {str(value).replace('|', '∣')} |" for name, value in found.items()]
        return "\n".join(["| fact | value |", "|---|---|", *rows])
    width = max(map(len, found)) + 1
    return "\n".join(f"{name + ':':<{width}} {value}" for name, value in found.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m ptycho_torch.env_report",
        description="Report the versions and the device that ptycho_torch would use.",
        allow_abbrev=False,
    )
    forms = ", ".join(FORMATS)
    parser.add_argument(
        "--format", type=one_of("--format", FORMATS), default="text", help=f"one of {forms}"
    )
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--quick", action="store_true", help="do not import PyTorch")

    def command() -> None:
        given = parser.parse(argv)
        print(report(facts(quick=given.quick), "json" if given.json else given.format))

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
