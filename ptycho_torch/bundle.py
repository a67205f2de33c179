"""Trained reconstructors as one file: weights as safetensors, everything else as JSON.

The file is called ``wts.h5.zip`` as in PtychoPINN, but has neither HDF5 nor pickle in it.
``python -m ptycho_torch.bundle info FILE`` says what is in one, without PyTorch.
"""

from __future__ import annotations

import json
import math
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho_torch.bundle_file import (
    AGAIN,
    BUNDLE_NAME,
    MANIFEST,
    SCHEMA,
    WEIGHTS,
    BundleFile,
    read_bundle_file,
)
from ptycho_torch.checks import CommandParser, require, require_torch
from ptycho_torch.commands import run_command
from ptycho_torch.config import ModelConfig, plain_settings
from ptycho_torch.damage import damage_told

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from ptycho_torch.reconstructor import Reconstructor

__all__ = ["BUNDLE_NAME", "Bundle", "load_bundle", "read_bundle_file", "save_bundle"]

COMPLEX_SUFFIX = "#complex"
"""Marks a complex tensor, kept as real (…, 2) because the format knows real numbers best."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """A trained reconstructor and what is known of its training.

    Attributes:
        reconstructor: Ready to predict, on the CPU.
        training: The training's facts, plain JSON: ``config``, ``data``, ``metrics``, ``versions``.
    """

    reconstructor: Reconstructor
    training: dict[str, Any]


def save_bundle(path: str | os.PathLike[str], bundle: Bundle) -> None:
    """Write a bundle, completely or not at all; the same bundle gives the same bytes."""
    require("safetensors")
    from safetensors import numpy as safetensors  # noqa: PLC0415 - as late as PyTorch

    from ptycho_torch.needs_torch import torch  # noqa: PLC0415 - `info` needs none

    path = Path(path)
    reconstructor = bundle.reconstructor
    arrays = {}
    for name, tensor in reconstructor.state_dict().items():
        key, values = name, tensor
        if tensor.is_complex():
            key, values = name + COMPLEX_SUFFIX, torch.view_as_real(tensor)
        arrays[key] = values.detach().cpu().contiguous().numpy()
    manifest = {
        "schema": SCHEMA,
        "model": plain_settings(reconstructor.config),
        "pattern_shape": list(reconstructor.forward_model.probe.shape),
        "training": bundle.training,
    }
    partial = path.with_name(f".{path.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            archive.writestr(
                zipfile.ZipInfo(MANIFEST), json.dumps(manifest, indent=2, sort_keys=True) + "\n"
            )
            archive.writestr(zipfile.ZipInfo(WEIGHTS), safetensors.save(arrays))
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read a bundle, wherever and with whatever version of PyTorch it was trained.

    Args:
        path: The file, or the folder that training wrote it into.

    Returns:
        The bundle, on the CPU.

    Raises:
        DataError: If it is missing, damaged, from a newer version, or one of another program.
        DependencyMissing: If PyTorch or safetensors is not installed.
    """
    found = read_bundle_file(Path(path))
    require_torch()
    require("safetensors")
    with damage_told(found.path, "hold a complete network", AGAIN):
        reconstructor, training = _rebuild(found), dict(found.manifest["training"])
    return Bundle(reconstructor=reconstructor.eval(), training=training)


def _rebuild(found: BundleFile) -> Reconstructor:
    from safetensors import numpy as safetensors  # noqa: PLC0415 - after the file's errors

    from ptycho_torch.needs_torch import torch  # noqa: PLC0415 - after the file's errors
    from ptycho_torch.reconstructor import Reconstructor  # noqa: PLC0415 - needs PyTorch

    config = ModelConfig(**found.manifest["model"])
    tensors = {}
    for name, array in safetensors.load(found.weights).items():
        values = torch.tensor(array)
        if name.endswith(COMPLEX_SUFFIX):
            values = torch.view_as_complex(values)
        tensors[name.removesuffix(COMPLEX_SUFFIX)] = values
    probe = tensors["forward_model.probe"]
    if list(probe.shape) != found.manifest["pattern_shape"]:
        message = f"a probe of shape {tuple(probe.shape)}"
        raise ValueError(message)
    reconstructor = Reconstructor(probe, config)
    reconstructor.load_state_dict(tensors)
    return reconstructor


def describe(found: BundleFile) -> dict[str, Any]:
    """Say what a bundle is, plain enough for JSON."""
    return {
        "path": str(found.path),
        "schema": found.manifest["schema"],
        "model": {"gridsize": found.gridsize} | found.manifest.get("model", {}),
        "parameters": sum(
            math.prod(shape) for name, shape in found.shapes.items() if name.startswith("network.")
        ),
        "pattern_shape": found.manifest.get("pattern_shape"),
        "training": found.manifest.get("training", {}),
    }


def as_text(about: dict[str, Any]) -> str:
    """Write what a bundle is for people.

    Examples:
        >>> about = {"path": "b", "schema": 1, "model": {"levels": 2}, "parameters": 7}
        >>> print(as_text(about | {"pattern_shape": [64, 64], "training": {"data": {"n": 3}}}))
        b: bundle, schema 1
          network    7 parameters, levels 2
          patterns   64 × 64
          data       n 3
    """
    rows = [
        ("network", f"{about['parameters']} parameters, {_items(about['model'])}"),
        ("patterns", " × ".join(map(str, about["pattern_shape"] or []))),
        *((name, _items(facts)) for name, facts in about["training"].items()),
    ]
    lines = [f"{about['path']}: bundle, schema {about['schema']}"]
    return "\n".join([*lines, *(f"  {name:<10} {text}" for name, text in rows)])


def _items(facts: Any) -> str:
    if not isinstance(facts, dict):
        return str(facts)
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m ptycho_torch.bundle",
        description="Say with what data, settings and versions a bundle was made, and how well.",
        allow_abbrev=False,
    )
    parser.add_argument("action", choices=["info"], help="what to do")
    parser.add_argument("file", type=Path, help="bundle, or folder of a training")
    parser.add_argument("--json", action="store_true", help="write JSON instead of text")

    def command() -> None:
        given = parser.parse(argv)
        about = describe(read_bundle_file(given.file))
        print(json.dumps(about, indent=2) if given.json else as_text(about))

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
