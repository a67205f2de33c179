"""A scan in HDF5 under the contract's keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.damage import damage_told
from ptycho_torch.data.npz_source import Header, NpzSource

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SCATTERED = 4
"""Patterns that lie over more than this many times their number of rows are read one by one."""


@dataclass(slots=True, kw_only=True)
class Hdf5Source:
    """A scan in an HDF5 file, under the contract's keys.

    Attributes:
        path: The file.
        format: What kind of file it is.
        headers: The header of each array.
        places: File and name in it of the arrays that are read from there as they are.
        arrays: Arrays that were small enough to be converted at once.
        names: What those are called in an error, if they have a name of their own.
        picked: Row of the pattern to each position; as they come if ``None``.
        counts: Patterns are counts.
        notes: What a reader should know about how the file was read.
    """

    path: Path
    format: str
    headers: dict[str, Header] = field(default_factory=dict)
    places: dict[str, tuple[Path, str]] = field(default_factory=dict)
    arrays: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    picked: NDArray[np.int64] | None = None
    counts: bool = True
    notes: list[str] = field(default_factory=list)

    def name(self, key: str) -> str:
        """Give the name of an array for an error."""
        if key in self.names:
            return self.names[key]
        path, place = self.places.get(key, (self.path, key))
        return f"{place} in {path}"

    def read(self, key: str) -> NDArray[np.generic]:
        """Read an array."""
        if key in self.arrays:
            return self.arrays[key]
        return self.rows(key, slice(None))

    def rows(self, key: str, part: slice) -> NDArray[np.generic]:
        """Read some of the patterns."""
        path, place = self.places[key]
        if path.suffix == ".npz":
            array = NpzSource(path).read(place)
            return array[part] if self.picked is None else array[self.picked[part]]
        import h5py  # noqa: PLC0415 - only for files that need it

        whole = damage_told(path, "be a whole HDF5 file", "Copy the file again.")
        with whole, h5py.File(path, "r") as file:
            if self.picked is None:
                return np.asarray(file[place][part])
            picked = self.picked[part]
            first, last = int(picked.min()), int(picked.max())
            if last - first < SCATTERED * len(picked):
                return np.asarray(file[place][first : last + 1])[picked - first]
            return np.stack([file[place][row] for row in picked])

    def map(self, key: str) -> RowReader | None:
        """Give a view that reads patterns when they are asked for; ``None`` if that cannot be."""
        if key not in self.places or self.places[key][0].suffix == ".npz":
            return None
        return RowReader(self, key)

    def hold(self, key: str, array: NDArray[np.generic], name: str | None = None) -> None:
        """Keep a converted array, or one from elsewhere, under what it is called in an error."""
        self.places.pop(key, None)
        if name is not None:
            self.names[key] = name
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
