"""A scan and an object in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIGESTED_BYTES = 2**24
"""Bytes of the stack that are digested at once, so that a mapped one is never held whole."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A measured scan.

    Attributes:
        diffraction_amplitude: Roots of counts, float32 (pattern, y, x); of a large file a read-only
            map, so that only what is looked at is in memory.
        positions_px: Patch centres in the object's pixels, float64 (pattern, yx).
        probe: Complex64 (y, x), centred, with the energy of the beam in photons.
        object_guess: Complex64 (y, x), or ``None``.
    """

    diffraction_amplitude: NDArray[np.float32]
    positions_px: NDArray[np.float64]
    probe: NDArray[np.complex64]
    object_guess: NDArray[np.complex64] | None = None

    def digest(self) -> str:
        """Give the SHA-256 of what a network learns from: patterns, positions and probe."""
        digest = hashlib.sha256()
        for array in (self.diffraction_amplitude, self.positions_px, self.probe):
            digest.update(str((array.dtype.str, array.shape)).encode())
            rows = max(1, DIGESTED_BYTES * len(array) // max(array.nbytes, 1))
            for start in range(0, len(array), rows):
                digest.update(array[start : start + rows].tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedObject:
    """An object, and where it lies.

    Attributes:
        object_: Complex64 (y, x).
        origin_px: Position (y, x) of its pixel [0, 0], in the pixels in which scans are given.
    """

    object_: NDArray[np.complex64]
    origin_px: tuple[float, float]
