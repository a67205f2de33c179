"""What a bundle holds, read and checked without PyTorch."""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptycho_torch.checks import DataError, expected
from ptycho_torch.damage import damage_told

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE_NAME = "wts.h5.zip"
SCHEMA = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
PICKLES = (".dill", ".pkl", ".pickle", ".pth", ".pt")
MANIFEST_LIMIT = 1_000_000
AGAIN = "Train again, or copy the bundle again."


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """The members of a bundle.

    Attributes:
        path: The file.
        manifest: Everything but the weights, plain JSON.
        weights: The safetensors file with the weights.
        shapes: Shape of each tensor in it.
        gridsize: Width of the groups of patterns that the network sees; 1 for single patterns.
    """

    path: Path
    manifest: dict[str, Any]
    weights: bytes
    shapes: dict[str, tuple[int, ...]]
    gridsize: int


def read_bundle_file(path: Path) -> BundleFile:
    """Read a bundle's members and judge them as far as that goes without PyTorch.

    Args:
        path: The file, or the folder that training wrote it into.

    Raises:
        DataError: If it is missing, damaged, from a newer version, or one of another program.
    """
    path = path / BUNDLE_NAME if path.is_dir() else path
    if not path.is_file():
        remedy = f"Give the folder of python -m ptycho_torch.train, or its {BUNDLE_NAME}."
        raise DataError(expected(str(path), "be a trained bundle", "no file there", remedy))
    with damage_told(path, "be a trained bundle", AGAIN), zipfile.ZipFile(path) as archive:
        _check_members(path, archive)
        manifest = json.loads(archive.read(MANIFEST))
        weights = archive.read(WEIGHTS)
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        found = manifest.get("schema") if isinstance(manifest, dict) else type(manifest).__name__
        remedy = "Use the version of ptycho_torch that wrote it."
        name = f"{MANIFEST} in {path}"
        raise DataError(expected(name, f"have schema {SCHEMA}", found, remedy))
    with damage_told(path, "hold a complete network", AGAIN):
        return BundleFile(
            path=path,
            manifest=manifest,
            weights=weights,
            shapes=_shapes(weights),
            gridsize=int(manifest.get("model", {}).get("gridsize", 1)),
        )


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    pickled = next((name for name in names if name.endswith("/data.pkl")), None)
    if pickled is not None and b"ptycho_torch" in archive.read(pickled)[:MANIFEST_LIMIT]:
        remedy = f"Give the folder of the training, or its {BUNDLE_NAME}; --resume finishes it."
        raise DataError(
            expected(str(path), "be a trained bundle", "a checkpoint of this program", remedy)
        )
    foreign = [name for name in names if name.endswith(PICKLES)]
    if foreign:
        got = f"pickled members ({foreign[0]})"
        remedy = "It comes from another program and is not unpickled: train again here."
        raise DataError(expected(str(path), "hold safetensors and JSON", got, remedy))
    if sorted(names) != [MANIFEST, WEIGHTS]:
        remedy = f"Give a {BUNDLE_NAME} that python -m ptycho_torch.train wrote."
        to = f"hold {MANIFEST} and {WEIGHTS}"
        raise DataError(expected(str(path), to, ", ".join(names[:4]) or "nothing", remedy))
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        remedy = f"Give the {BUNDLE_NAME} as it was written; a small file could unpack to any size."
        raise DataError(expected(str(path), "hold its members as they are", "packed ones", remedy))
    size = archive.getinfo(MANIFEST).file_size
    if size > MANIFEST_LIMIT:
        name = f"{MANIFEST} in {path}"
        raise DataError(expected(name, f"be at most {MANIFEST_LIMIT} bytes", size, "Train again."))


def _shapes(weights: bytes) -> dict[str, tuple[int, ...]]:
    """Read the header of a safetensors file, and hold that all of its data are there."""
    (length,) = struct.unpack("<Q", weights[:8])
    header = json.loads(weights[8 : 8 + length])
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    end = max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
    if 8 + length + end != len(weights):
        message = f"the weights hold {len(weights)} bytes instead of {8 + length + end}"
        raise ValueError(message)
    return {name: tuple(entry["shape"]) for name, entry in tensors.items()}
