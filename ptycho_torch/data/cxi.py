"""Scans in CXI files, and in NeXus files that follow ``NXcxi_ptycho``.

Positions are in metres: those of the beam on the object, y along the rows and x along the columns.
They become pixels by the wavelength, the distance and the detector's pixels. Patterns are counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.hdf5 import Hdf5Source, first_place, one_mode, positive_scalar
from ptycho_torch.data.npz_source import Header
from ptycho_torch.data.schema import PROBE, STACK, X, Y

if TYPE_CHECKING:
    from pathlib import Path

PLANCK_J_S, LIGHT_M_S, ELECTRON_VOLT_J = 6.62607015e-34, 299_792_458.0, 1.602176634e-19
HIGHEST_ENERGY_J = 1e-12
"""A photon of 6 MeV. A greater number in a CXI file is not in joules, whatever it says."""

CXI_PATTERNS = ("entry_1/data_1/data", "entry_1/instrument_1/detector_1/data")
CXI_POSITIONS = (
    "entry_1/data_1/translation",
    "entry_1/sample_1/geometry_1/translation",
    "entry_1/instrument_1/detector_1/translation",
)
CXI_PROBES = (
    "entry_1/instrument_1/source_1/illumination",
    "entry_1/instrument_1/source_1/probe",
    "entry_1/image_1/data",
)
CXI_MASK = "entry_1/instrument_1/detector_1/mask"


def open_cxi(path: Path, file: Any) -> Hdf5Source:
    """Read what is small in a CXI file, and the header of its patterns.

    Args:
        path: The file.
        file: The file, open.

    Raises:
        DataError: If it lacks something, or has it in another shape.
    """
    source = Hdf5Source(path=path, format="CXI")
    place = first_place(file, CXI_PATTERNS, path, "the patterns")
    stack = file[place]
    source.point(STACK.key, path, place, Header(shape=stack.shape, dtype=stack.dtype))
    place = first_place(file, CXI_PROBES, path, "the probe")
    source.hold(PROBE.key, one_mode(np.asarray(file[place][()]), f"{place} in {path}"))
    if stack.ndim != 3:
        remedy = "Write the scan points along one axis, as CXI does."
        name = source.name(STACK.key)
        raise DataError(expected(name, "be (pattern, y, x)", f"shape {stack.shape}", remedy))
    place = first_place(file, CXI_POSITIONS, path, "the positions")
    positions_m = np.asarray(file[place][()], dtype=np.float64)
    if positions_m.ndim == 2 and positions_m.shape[1] not in (2, 3):
        positions_m = positions_m.T
    if positions_m.ndim != 2 or positions_m.shape[1] not in (2, 3):
        got = f"shape {positions_m.shape}"
        remedy = "Give x, y, z in metres for each pattern."
        raise DataError(expected(f"{place} in {path}", "be (pattern, xyz)", got, remedy))
    detector = "entry_1/instrument_1/detector_1"
    wavelength_m = PLANCK_J_S * LIGHT_M_S / _energy_j(file, path)
    distance_m = positive_scalar(file, f"{detector}/distance", path)
    detector_px_m = np.array(
        [positive_scalar(file, f"{detector}/{axis}_pixel_size", path) for axis in "yx"]
    )
    shape = np.array(stack.shape[1:])
    pixel_m = wavelength_m * distance_m / (shape * detector_px_m)
    positions_px = positions_m[:, 1::-1] / pixel_m
    positions_px = positions_px - positions_px.min(axis=0) + shape // 2
    source.hold(Y.key, positions_px[:, 0])
    source.hold(X.key, positions_px[:, 1])
    source.notes.append(f"a pixel of the object is {pixel_m[0]:.4g} m × {pixel_m[1]:.4g} m (y, x)")
    if CXI_MASK in file:
        mask = np.asarray(file[CXI_MASK][()]) != 0
        if mask.shape == tuple(shape) and mask.any():
            source.mask = mask
            source.notes.append(f"{int(mask.sum())} masked pixels count nothing (0)")
    return source


def _energy_j(file: Any, path: Path) -> float:
    place = "entry_1/instrument_1/source_1/energy"
    value = positive_scalar(file, place, path)
    unit = file[place].attrs.get("units", "J")
    unit = unit.decode() if isinstance(unit, bytes) else str(unit)
    factors = {"j": 1.0, "ev": ELECTRON_VOLT_J, "kev": 1e3 * ELECTRON_VOLT_J}
    energy_j = value * factors.get(unit.lower(), float("inf"))
    if energy_j > HIGHEST_ENERGY_J:
        remedy = "CXI keeps joules; write the attribute units as J, eV or keV."
        got = f"{value:g} {unit}"
        raise DataError(expected(f"{place} in {path}", "be a photon's energy", got, remedy))
    return energy_j
