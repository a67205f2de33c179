"""Scans in CXI files, and in NeXus files that follow ``NXcxi_ptycho``.

Positions are in metres: those of the beam on the object, y along the rows and x along the columns.
They become pixels by the wavelength, the distance and the detector's pixels. Patterns are counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.hdf5 import Hdf5Source
from ptycho_torch.data.hdf5_values import (
    ENERGIES,
    LENGTHS,
    find_array,
    one_mode,
    positive_number,
    unit_factor,
)
from ptycho_torch.data.npz_source import Header
from ptycho_torch.data.schema import BAD_PIXELS, PIXEL_SIZE, PROBE, STACK, X, Y

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PLANCK_J_S, LIGHT_M_S = 6.62607015e-34, 299_792_458.0
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
CXI_BAD = 0b111_1101_1111
"""Bits of a mask that say that a pixel measured nothing: invalid, saturated, hot, dead, shadowed,
to be ignored, bad, out of the limits of resolution, missing, noisy. The others, such as 0x1000 (has
a signal) or 0x20 (lies in a peak), tell of pixels that did (Maia, *Nat. Methods* 9, 854 (2012))."""


def open_cxi(path: Path, file: Any, *, probe_apart: bool) -> Hdf5Source:
    """Read what is small in a CXI file, and the header of its patterns.

    Args:
        path: The file.
        file: The file, open.
        probe_apart: Whether the probe comes from elsewhere.

    Raises:
        DataError: If it lacks something, or has it in another shape.
    """
    source = Hdf5Source(path=path, format="CXI")
    place, stack = find_array(file, CXI_PATTERNS, path, "patterns")
    source.point(STACK.key, path, place, Header(shape=stack.shape, dtype=stack.dtype))
    if not probe_apart:
        place, probe = find_array(file, CXI_PROBES, path, "probe")
        name = f"{place} in {path}"
        source.hold(PROBE.key, one_mode(np.asarray(probe[()]), name), name)
    if stack.ndim != 3:
        remedy = "Write the scan points along one axis, as CXI does."
        name = source.name(STACK.key)
        raise DataError(expected(name, "be (pattern, y, x)", f"shape {stack.shape}", remedy))
    pattern = np.array(stack.shape[1:])
    pixel_m = _object_pixel_m(path, file, pattern)
    positions_px = _positions_m(path, file) / pixel_m
    positions_px = positions_px - positions_px.min(axis=0) + pattern // 2
    source.hold(Y.key, positions_px[:, 0])
    source.hold(X.key, positions_px[:, 1])
    source.hold(PIXEL_SIZE.key, pixel_m)
    if CXI_MASK in file:
        _hold_mask(source, file, (int(pattern[0]), int(pattern[1])))
    return source


def _positions_m(path: Path, file: Any) -> NDArray[np.float64]:
    """Read the positions (pattern, yx) in metres; CXI keeps (pattern, xyz)."""
    place, array = find_array(file, CXI_POSITIONS, path, "positions")
    name = f"{place} in {path}"
    positions = np.asarray(array[()], dtype=np.float64)
    if positions.ndim == 2 and positions.shape[1] not in (2, 3):
        positions = positions.T
    if positions.ndim != 2 or positions.shape[1] not in (2, 3):
        got = f"shape {positions.shape}"
        remedy = "Give x, y, z in metres for each pattern."
        raise DataError(expected(name, "be (pattern, xyz)", got, remedy))
    return positions[:, 1::-1] * unit_factor(array, name, LENGTHS)


def _object_pixel_m(path: Path, file: Any, pattern: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the size (yx) of a pixel of the object: wavelength · distance / size of the detector."""
    place = "entry_1/instrument_1/source_1/energy"
    energy_j = positive_number(file, place, path, ENERGIES)
    if energy_j > HIGHEST_ENERGY_J:
        remedy = "CXI keeps joules; write the attribute units as J, eV or keV."
        got = f"{np.ravel(file[place][()])[0]:g} {file[place].attrs.get('units', 'J')}"
        raise DataError(expected(f"{place} in {path}", "be a photon's energy", got, remedy))
    detector = "entry_1/instrument_1/detector_1"
    distance_m = positive_number(file, f"{detector}/distance", path, LENGTHS)
    detector_px_m = [
        positive_number(file, f"{detector}/{axis}_pixel_size", path, LENGTHS) for axis in "yx"
    ]
    wavelength_m = PLANCK_J_S * LIGHT_M_S / energy_j
    return np.asarray(wavelength_m * distance_m / (pattern * np.array(detector_px_m)))


def _hold_mask(source: Hdf5Source, file: Any, pattern: tuple[int, int]) -> None:
    """Read which pixels measured nothing: one mask (y, x), or one for each pattern."""
    name = f"{CXI_MASK} in {source.path}"
    mask = np.asarray(find_array(file, (CXI_MASK,), source.path, "mask")[1][()])
    if mask.shape[-2:] != pattern or mask.dtype.kind not in "biu":
        got = f"{mask.dtype} of shape {mask.shape}"
        to = f"be whole numbers ({pattern[0]}, {pattern[1]}), as the patterns"
        raise DataError(expected(name, to, got, "Crop it like the patterns, or take it out."))
    bits = mask.astype(np.uint64) & np.uint64(CXI_BAD)
    masks = (bits != 0).reshape(-1, *pattern)
    bad = masks.any(axis=0)
    if bad.all():
        remedy = "CXI marks bad pixels with bits and good ones with 0; exchange the two."
        raise DataError(expected(name, "leave some pixels", "all of them bad", remedy))
    if not bad.any():
        return
    source.hold(BAD_PIXELS.key, bad)
    if (masks != bad).any():
        source.notes.append("pixels that are masked in some patterns are taken as bad in all")
