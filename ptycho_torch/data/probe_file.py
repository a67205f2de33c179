"""A probe from a file of its own, for scans that hold none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import DataError, expected, require
from ptycho_torch.damage import damage_told
from ptycho_torch.data.cxi import CXI_PROBES
from ptycho_torch.data.hdf5_values import find_array, one_mode
from ptycho_torch.data.npz_source import NpzSource
from ptycho_torch.data.schema import PROBE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NPZ_PROBES = (PROBE.key, "probe")
"""Names of a probe in NPZ files: that of scans, and that of results."""

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
NPY_MAGIC = b"\x93NUMPY"


def load_probe(path: Path) -> NDArray[np.generic]:
    """Read a probe.

    Args:
        path: An NPY file; an NPZ scan or result; a CXI file or a Ptychodus product.

    Returns:
        The array (y, x); whether it can be a probe is for the contract to say.

    Raises:
        DataError: If there is none, or it has several modes.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no file there"
        raise DataError(expected(str(path), "hold a probe", got, "Check the path."))
    with path.open("rb") as file:
        magic = file.read(8)
    if magic == HDF5_MAGIC:
        require("h5py", group="hdf5")
        import h5py  # noqa: PLC0415 - only for files that need it

        whole = damage_told(path, "be a whole HDF5 file", "Copy the file again.")
        with whole, h5py.File(path, "r") as file:
            place, probe = find_array(file, (*CXI_PROBES, "probe"), path, "probe")
            return one_mode(np.asarray(probe[()]), f"{place} in {path}")
    if magic.startswith(NPY_MAGIC):
        with damage_told(path, "hold a plain numeric array", "Write it with numpy.save."):
            return one_mode(np.load(path, allow_pickle=False), str(path))
    source = NpzSource(path)
    for key in NPZ_PROBES:
        if key in source.headers:
            return one_mode(source.read(key), source.name(key))
    to = f"hold a probe under {' or '.join(NPZ_PROBES)}"
    raise DataError(expected(str(path), to, "none of these names", "Add the probe."))
