"""A scan and an object in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.schema import (
    BAD_PIXELS,
    OBJECT,
    PIXEL_SIZE,
    PROBE,
    SMALLEST_PATTERN_PX,
    STACK,
    X,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho_torch.data.schema import ArraySpec

DIGESTED_BYTES = 2**24
"""Bytes of the stack that are digested at once, so that a mapped one is never held whole."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A measured scan.

    Arrays of other types of the same kind are converted.

    Attributes:
        diffraction_amplitude: Roots of counts, float32 (pattern, y, x); of a large file a read-only
            map, so that only what is looked at is in memory.
        positions_px: Patch centres in the object's pixels, float64 (pattern, yx).
        probe: Complex64 (y, x), centred, with the energy of the beam in photons.
        object_guess: Complex64 (y, x), or ``None``.
        bad_pixels: Pixels of the detector that measured nothing, boolean (y, x), or ``None`` if all
            did. What patterns hold there does not count, but is finite.
        pixel_size_m: Height and width of a pixel of the object, or ``None`` if nobody knows.

    Raises:
        DataError: If the arrays do not belong together, or one has another kind of values.
    """

    diffraction_amplitude: NDArray[np.float32]
    positions_px: NDArray[np.float64]
    probe: NDArray[np.complex64]
    object_guess: NDArray[np.complex64] | None = None
    bad_pixels: NDArray[np.bool_] | None = None
    pixel_size_m: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Hold every array to the contract, as far as that goes without reading the stack."""

        def keep(name: str, spec: ArraySpec, dtype: type) -> tuple[int, ...]:
            array = _as_contracted(getattr(self, name), f"{name} of a Scan", spec, dtype)
            object.__setattr__(self, name, array)
            return array.shape

        stack = keep("diffraction_amplitude", STACK, np.float32)
        count, pattern = stack[0], stack[1:]
        if count < 1 or min(pattern) < SMALLEST_PATTERN_PX:
            small = f"be at least 1 pattern of {SMALLEST_PATTERN_PX} px each way"
            raise DataError(expected("diffraction_amplitude of a Scan", small, stack, STACK.remedy))
        positions_px = np.ascontiguousarray(self.positions_px)
        if positions_px.shape != (count, 2) or positions_px.dtype.kind not in X.kinds:
            got = f"{positions_px.dtype} of shape {positions_px.shape}"
            to, remedy = f"be real ({count}, 2)", "Give one (y, x) per pattern."
            raise DataError(expected("positions_px of a Scan", to, got, remedy))
        object.__setattr__(self, "positions_px", positions_px.astype(np.float64, copy=False))
        shapes = {"probe": keep("probe", PROBE, np.complex64)}
        if self.object_guess is not None:
            keep("object_guess", OBJECT, np.complex64)
        if self.bad_pixels is not None:
            shapes["bad_pixels"] = keep("bad_pixels", BAD_PIXELS, np.bool_)
        for name, shape in shapes.items():
            if shape != pattern:
                to, remedy = f"have the shape {pattern} of the patterns", "Crop or pad one of them."
                raise DataError(expected(f"{name} of a Scan", to, shape, remedy))
        if self.pixel_size_m is not None:
            height_m, width_m = (float(length) for length in self.pixel_size_m)
            if not (0 < height_m < np.inf and 0 < width_m < np.inf):
                size, to = (height_m, width_m), "be two lengths above 0"
                raise DataError(expected("pixel_size_m of a Scan", to, size, PIXEL_SIZE.remedy))
            object.__setattr__(self, "pixel_size_m", (height_m, width_m))

    def digest(self) -> str:
        """Give the SHA-256 of what a network learns from: patterns, positions and probe."""
        digest = hashlib.sha256()
        seen: list[NDArray[Any]] = [self.diffraction_amplitude, self.positions_px, self.probe]
        if self.bad_pixels is not None:
            seen.append(self.bad_pixels)
        for array in seen:
            digest.update(str((array.dtype.str, array.shape)).encode())
            rows = max(1, DIGESTED_BYTES * len(array) // max(array.nbytes, 1))
            for start in range(0, len(array), rows):
                digest.update(array[start : start + rows].tobytes())
        return digest.hexdigest()


def _as_contracted(array: Any, name: str, spec: ArraySpec, dtype: type) -> NDArray[Any]:
    """Bring an array to its type in memory, or refuse it."""
    array = np.asarray(array)
    if array.dtype.kind not in spec.kinds or array.ndim != len(spec.axes):
        got = f"{array.dtype} of shape {array.shape}"
        raise DataError(expected(name, spec.describe(), got, spec.remedy))
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=dtype)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedObject:
    """An object, and where it lies.

    Attributes:
        object_: Complex64 (y, x).
        origin_px: Position (y, x) of its pixel [0, 0], in the pixels in which scans are given.
    """

    object_: NDArray[np.complex64]
    origin_px: tuple[float, float]
