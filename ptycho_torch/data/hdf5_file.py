"""Open an HDF5 file as a scan, by what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho_torch.checks import DataError, expected, require
from ptycho_torch.damage import damage_told
from ptycho_torch.data.cxi import open_cxi
from ptycho_torch.data.ptychodus import PATTERNS, open_product

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho_torch.data.hdf5 import Hdf5Source


def open_hdf5(path: Path, patterns: Path | None, *, probe_apart: bool = False) -> Hdf5Source:
    """Open an HDF5 file by what is in it.

    Args:
        path: A CXI file, or a Ptychodus product.
        patterns: A file with the patterns to a product, HDF5 or NPZ.
        probe_apart: Whether the probe comes from elsewhere.

    Raises:
        DependencyMissing: If h5py is not installed.
        DataError: If it is neither, or damaged.
    """
    require("h5py", group="hdf5")
    import h5py  # noqa: PLC0415 - only for files that need it

    whole = damage_told(path, "be a whole HDF5 file", "Copy the file again.")
    with whole, h5py.File(path, "r") as file:
        if "probe_position_x_m" in file:
            return open_product(path, file, patterns, probe_apart=probe_apart)
        if "entry_1" in file:
            refuse_patterns(patterns)
            return open_cxi(path, file, probe_apart=probe_apart)
        got = f"the groups {', '.join(sorted(file)) or 'none'}"
        remedy = "Convert it to an NPZ scan (DATA-001)."
        if any(place in file for place in PATTERNS):
            remedy = "It holds patterns alone: give them by --patterns to a Ptychodus product."
    to = "hold entry_1 (CXI) or probe_position_x_m (a Ptychodus product)"
    raise DataError(expected(str(path), to, got, remedy))


def refuse_patterns(patterns: Path | None) -> None:
    """Refuse a file of patterns beside a scan that has its own.

    Raises:
        DataError: If there is one.
    """
    if patterns is not None:
        remedy = "This scan holds its patterns: leave the flag out."
        raise DataError(expected("--patterns", "go with a Ptychodus product", patterns, remedy))
