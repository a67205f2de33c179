"""A scan in HDF5 under the contract's keys, and what the readers of its formats share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.damage import damage_told
from ptycho_torch.data.npz_source import Header, NpzSource

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(slots=True, kw_only=True)
class Hdf5Source:
    """A scan in an HDF5 file, under the contract's keys.

    Attributes:
        path: The file.
        format: What kind of file it is.
        headers: The header of each array.
        places: File and name in it of the arrays that are read from there as they are.
        arrays: Arrays that were small enough to be converted at once.
        mask: Pixels (y, x) that count nothing; ``None`` if all do.
        picked: Patterns that have a position; all of them if ``None``.
        counts: Patterns are counts.
        notes: What a reader should know about how the file was read.
    """

    path: Path
    format: str
    headers: dict[str, Header] = field(default_factory=dict)
    places: dict[str, tuple[Path, str]] = field(default_factory=dict)
    arrays: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    mask: NDArray[np.bool_] | None = None
    picked: NDArray[np.int64] | None = None
    counts: bool = True
    notes: list[str] = field(default_factory=list)

    def name(self, key: str) -> str:
        """Give the name of an array for an error."""
        path, place = self.places.get(key, (self.path, key))
        return f"{place} in {path}"

    def read(self, key: str) -> NDArray[np.generic]:
        """Read an array."""
        if key in self.arrays:
            return self.arrays[key]
        return self.rows(key, slice(None))

    def rows(self, key: str, part: slice) -> NDArray[np.generic]:
        """Read some of the patterns, masked."""
        path, place = self.places[key]
        if path.suffix == ".npz":
            array = NpzSource(path).read(place)
            return array[part] if self.picked is None else array[self.picked[part]]
        import h5py  # noqa: PLC0415 - only for files that need it

        whole = damage_told(path, "be a whole HDF5 file", "Copy the file again.")
        with whole, h5py.File(path, "r") as file:
            picked = None if self.picked is None else self.picked[part]
            array = np.asarray(file[place][part] if picked is None else file[place][()][picked])
        if self.mask is not None:
            array[:, self.mask] = 0
        return array

    def map(self, key: str) -> RowReader | None:
        """Give a view that reads patterns when they are asked for; ``None`` if that cannot be."""
        if (
            key not in self.places
            or self.places[key][0].suffix == ".npz"
            or self.picked is not None
        ):
            return None
        return RowReader(self, key)

    def hold(self, key: str, array: NDArray[np.generic]) -> None:
        """Keep a converted array."""
        self.arrays[key] = array
        self.headers[key] = Header(shape=array.shape, dtype=array.dtype)

    def point(self, key: str, path: Path, place: str, header: Header) -> None:
        """Note where an array is to be read from."""
        self.places[key] = (path, place)
        self.headers[key] = header


@dataclass(frozen=True, slots=True)
class RowReader:
    """The patterns of an HDF5 file, read when they are sliced.

    Attributes:
        source: The file.
        key: The stack's key.
    """

    source: Hdf5Source
    key: str

    @property
    def nbytes(self) -> int:
        """Give the bytes of all patterns."""
        header = self.source.headers[self.key]
        return int(np.prod(header.shape)) * header.dtype.itemsize

    @property
    def shape(self) -> tuple[int, ...]:
        """Give the shape of all patterns."""
        return self.source.headers[self.key].shape

    def __getitem__(self, part: slice) -> NDArray[np.generic]:
        return self.source.rows(self.key, part)


def first_place(file: Any, places: tuple[str, ...], path: Path, what: str) -> str:
    """Find the first of some places that a file has; refuse one that has none of them."""
    for place in places:
        if place in file:
            return place
    to = f"hold {what} under {' or '.join(places)}"
    raise DataError(expected(str(path), to, "none of these names", f"Add the {what}."))


def positive_scalar(file: Any, place: str, path: Path) -> float:
    """Read one number above 0, or refuse."""
    if place not in file or np.size(file[place]) != 1 or not float(np.ravel(file[place])[0]) > 0:
        got = "no such number" if place not in file else file[place][()]
        remedy = "It is needed to turn metres into pixels."
        raise DataError(expected(f"{place} in {path}", "be one number above 0", got, remedy))
    return float(np.ravel(file[place])[0])


def one_mode(array: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Drop axes of length 1 before (y, x); refuse several modes."""
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 2:
        remedy = "Reconstruct with one mode, or keep the strongest one in the file."
        raise DataError(expected(name, "have one mode (y, x)", f"shape {array.shape}", remedy))
    return array
