"""Say what a run of this package would run on.

Only what the package itself depends on: PyTorch, its build and what it computes with. No host and
no user is named.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from ptycho_torch.checks import (
    CommandParser,
    TorchMissing,
    installed_version,
    require_torch,
    run_command,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_INSTALLED = "not installed"


def facts() -> dict[str, str | int]:
    """Collect the facts.

    Returns:
        Names and values; without PyTorch, ``torch`` says so and nothing about a device follows.

    Examples:
        >>> "numpy" in facts()
        True
    """
    found: dict[str, str | int] = {
        name: installed_version(name) or NOT_INSTALLED
        for name in ("torch", "lightning", "numpy", "safetensors", "pillow")
    }
    try:
        require_torch()
    except TorchMissing:
        older = "" if found["torch"] == NOT_INSTALLED else f"{found['torch']}, too old; need 2.2; "
        found["torch"] = f"{older or NOT_INSTALLED + ' '}(POLICY-001)"
        return found
    import torch  # noqa: PLC0415 - its facts can be had from itself only

    found["torch_build"] = (
        f"CUDA {torch.version.cuda}"
        if torch.version.cuda
        else f"ROCm {torch.version.hip}"
        if torch.version.hip
        else "CPU"
    )
    settings = torch.__config__.show()
    found["torch_blas"] = "MKL" if "BLAS_INFO=mkl" in settings else "other"
    found["torch_isa"] = str(torch.backends.cpu.get_cpu_capability())
    found["torch_threads"] = torch.get_num_threads()
    if torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name(0)
    elif torch.backends.mps.is_available():
        found["accelerator"] = "Apple GPU (mps)"
    else:
        found["accelerator"] = "none"
    return found


def report(as_json: bool) -> str:
    """Write the facts as aligned lines, or as JSON."""
    found = facts()
    if as_json:
        return json.dumps(found, indent=2)
    width = max(map(len, found)) + 1
    return "\n".join(f"{name + ':':<{width}} {value}" for name, value in found.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m ptycho_torch.env_report",
        description="Report the versions and the device that ptycho_torch would use.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of text")

    def command() -> None:
        arguments = parser.parse(argv)
        print(report(arguments.json))

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
