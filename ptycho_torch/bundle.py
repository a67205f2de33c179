"""Trained reconstructors as one file: weights as safetensors, everything else as JSON.

The file is called ``wts.h5.zip`` as in PtychoPINN, but has neither HDF5 nor pickle in it.
"""

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, numpy as safetensors

from ptycho_torch.checks import DataError, UsageError, expected
from ptycho_torch.config import ModelConfig
from ptycho_torch.needs_torch import torch
from ptycho_torch.reconstructor import Reconstructor

BUNDLE_NAME = "wts.h5.zip"
SCHEMA = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
PICKLES = (".dill", ".pkl", ".pickle", ".pth", ".pt")
COMPLEX_SUFFIX = "#complex"
"""Marks a complex tensor, kept as real (…, 2) because the format knows real numbers best."""

MANIFEST_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """A trained reconstructor and what is known of its training.

    Attributes:
        reconstructor: Ready to predict, on the CPU.
        training: The training's facts, plain JSON.
    """

    reconstructor: Reconstructor
    training: dict[str, Any]


def save_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle; the same bundle gives the same bytes."""
    reconstructor = bundle.reconstructor
    arrays = {}
    for name, tensor in reconstructor.state_dict().items():
        key, values = name, tensor
        if tensor.is_complex():
            key, values = name + COMPLEX_SUFFIX, torch.view_as_real(tensor)
        arrays[key] = values.detach().cpu().contiguous().numpy()
    manifest = {
        "schema": SCHEMA,
        "model": asdict(reconstructor.config),
        "pattern_shape": list(reconstructor.forward_model.probe.shape),
        "training": bundle.training,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo(MANIFEST), json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        )
        archive.writestr(zipfile.ZipInfo(WEIGHTS), safetensors.save(arrays))


def load_bundle(path: Path) -> Bundle:
    """Read a bundle.

    Args:
        path: The file, or the folder that training wrote it into.

    Returns:
        The bundle.

    Raises:
        DataError: If it is missing, damaged, from a newer version, or one of another program.
    """
    path = path / BUNDLE_NAME if path.is_dir() else path
    manifest, weights = _read_members(path)
    try:
        config = ModelConfig(**manifest["model"])
        height, width = manifest["pattern_shape"]
        tensors = {}
        for name, array in safetensors.load(weights).items():
            values = torch.tensor(array)
            if name.endswith(COMPLEX_SUFFIX):
                values = torch.view_as_complex(values)
            tensors[name.removesuffix(COMPLEX_SUFFIX)] = values
        probe = tensors["forward_model.probe"]
        if probe.shape != (height, width):
            raise ValueError(f"a probe of shape {tuple(probe.shape)}")
        reconstructor = Reconstructor(probe, config)
        reconstructor.load_state_dict(tensors)
        training = dict(manifest["training"])
    except (UsageError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as problem:
        text = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(
            expected(
                str(path),
                "hold a complete network",
                f"one that does not fit ({text})",
                "Train again, or copy the bundle again.",
            )
        ) from problem
    return Bundle(reconstructor=reconstructor.eval(), training=training)


def _read_members(path: Path) -> tuple[dict[str, Any], bytes]:
    if not path.is_file():
        raise DataError(
            expected(
                str(path),
                "be a trained bundle",
                "no file there",
                f"Give the folder of python -m ptycho_torch.train, or its {BUNDLE_NAME}.",
            )
        )
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            foreign = [name for name in names if name.endswith(PICKLES)]
            if foreign:
                raise DataError(
                    expected(
                        str(path),
                        "hold safetensors and JSON",
                        f"pickled members ({foreign[0]})",
                        "It comes from another program and is not unpickled: train again here.",
                    )
                )
            if sorted(names) != [MANIFEST, WEIGHTS]:
                raise DataError(
                    expected(
                        str(path),
                        f"hold {MANIFEST} and {WEIGHTS}",
                        f"{names[:4]}",
                        f"Give a {BUNDLE_NAME} that python -m ptycho_torch.train wrote.",
                    )
                )
            if archive.getinfo(MANIFEST).file_size > MANIFEST_LIMIT:
                raise DataError(
                    expected(
                        f"{MANIFEST} in {path}",
                        f"be at most {MANIFEST_LIMIT} bytes",
                        archive.getinfo(MANIFEST).file_size,
                        "Train again.",
                    )
                )
            manifest = json.loads(archive.read(MANIFEST))
            weights = archive.read(WEIGHTS)
    except (zipfile.BadZipFile, ValueError, EOFError) as problem:
        raise DataError(
            expected(
                str(path),
                "be a trained bundle",
                f"a damaged file ({problem})",
                "Train again, or copy the bundle again.",
            )
        ) from problem
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        found = manifest.get("schema") if isinstance(manifest, dict) else type(manifest).__name__
        raise DataError(
            expected(
                f"{MANIFEST} in {path}",
                f"have schema {SCHEMA}",
                found,
                "Use the version of ptycho_torch that wrote it.",
            )
        )
    return manifest, weights
