"""Arrays, numbers and units of HDF5 files, each refused by its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ELECTRON_VOLT_J = 1.602176634e-19
LENGTHS = {
    "m": 1.0, "meter": 1.0, "metre": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6,
    "micron": 1e-6, "nm": 1e-9, "pm": 1e-12, "å": 1e-10, "angstrom": 1e-10,
}  # fmt: skip
"""Metres in each unit of length, by its name in small letters."""

ENERGIES = {"j": 1.0, "ev": ELECTRON_VOLT_J, "kev": 1e3 * ELECTRON_VOLT_J}
"""Joules in each unit of energy, likewise."""


def find_array(file: Any, places: tuple[str, ...], path: Path, what: str) -> tuple[str, Any]:
    """Find the first of some places at which a file has an array.

    Returns:
        The place, and the dataset there.

    Raises:
        DataError: If there is none of the places, a link to nothing, or a group.
    """
    import h5py  # noqa: PLC0415 - the file is open, so it is there

    for place in places:
        link = file.get(place, getlink=True)
        if link is None:
            continue
        name = f"{place} in {path}"
        found = file.get(place)
        if found is None:
            target = getattr(link, "filename", "") or getattr(link, "path", "")
            remedy = "Copy what it links to as well."
            raise DataError(expected(name, f"hold the {what}", f"a link to no {target}", remedy))
        if not isinstance(found, h5py.Dataset):
            got = f"a group of {', '.join(sorted(found)[:4]) or 'nothing'}"
            raise DataError(expected(name, f"hold the {what}", got, "Write an array there."))
        return place, found
    to = f"hold the {what} under {' or '.join(places)}"
    raise DataError(expected(str(path), to, "none of these names", f"Add the {what}."))


def positive_number(file: Any, place: str, path: Path, units: dict[str, float]) -> float:
    """Read one number above 0 in the units of the contract, or refuse.

    Args:
        file: The file, open.
        place: Where it stands.
        path: The file's name.
        units: What its attribute ``units`` may say, see :func:`unit_factor`.
    """
    value = np.ravel(file[place][()]) if place in file else np.empty(0)
    if value.size != 1 or value.dtype.kind not in "iuf" or not float(value[0]) > 0:
        got = "no such number" if place not in file else f"{value[:4]}"
        remedy = "It is needed to turn metres into pixels."
        raise DataError(expected(f"{place} in {path}", "be one number above 0", got, remedy))
    return float(value[0]) * unit_factor(file[place], f"{place} in {path}", units)


def unit_factor(array: Any, name: str, units: dict[str, float]) -> float:
    """Give by what to multiply an array, from its attribute ``units``; 1 without one.

    Raises:
        DataError: If it has another unit than those known.
    """
    unit = np.ravel(array.attrs.get("units", ""))
    text = unit[0].decode() if unit.size and isinstance(unit[0], bytes) else "".join(map(str, unit))
    if not text.strip():
        return 1.0
    lower = text.strip().lower()
    known = units.get(lower, units.get(lower.removesuffix("s")))
    if known is None:
        remedy = "Write the values in SI units, or the attribute units as one of these."
        raise DataError(expected(f"units of {name}", f"be one of {', '.join(units)}", text, remedy))
    return known


def one_mode(array: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Drop axes of length 1 before (y, x); refuse several modes."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 2:
        remedy = "Reconstruct with one mode, or keep the strongest one in the file."
        raise DataError(expected(name, "have one mode (y, x)", f"shape {array.shape}", remedy))
    return array
