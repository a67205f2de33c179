"""Scans and truths as NPZ files: the only module that knows the names in them.

The contract (DATA-001): ``diff3d`` is a stack (pattern, y, x) of diffraction amplitudes, the roots
of counts, as float32; ``ycoords`` and ``xcoords`` are the scan positions in the object's pixels;
``probeGuess`` is the complex probe (y, x), its energy in photons; ``objectGuess`` may be there.
Older files keep the stack as (y, x, pattern), often as float64 and under ``diffraction``
(FORMAT-001); they load to the same arrays. Nothing is ever unpickled.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import DataError, expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

STACK_KEYS = ("diff3d", "diffraction")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """A measured scan.

    Attributes:
        diffraction_amplitude: Roots of counts, float32 (pattern, y, x).
        positions_px: Patch centres in the object's pixels, float64 (pattern, yx).
        probe: Complex64 (y, x), centred, with the energy of the beam in photons.
        object_guess: Complex64 (y, x), or ``None``.
    """

    diffraction_amplitude: NDArray[np.float32]
    positions_px: NDArray[np.float64]
    probe: NDArray[np.complex64]
    object_guess: NDArray[np.complex64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedObject:
    """An object, and where it lies.

    Attributes:
        object_: Complex64 (y, x).
        origin_px: Position (y, x) of its pixel [0, 0], in the pixels in which scans are given.
    """

    object_: NDArray[np.complex64]
    origin_px: tuple[float, float]


def load_scan(path: Path) -> Scan:
    """Read a scan, whatever its age.

    Args:
        path: An NPZ file that follows DATA-001, or FORMAT-001.

    Returns:
        The scan in the canonical layout and types.

    Raises:
        DataError: If the file is missing, no NPZ, or breaks the contract.
    """
    arrays = _read_arrays(path, (*STACK_KEYS, "ycoords", "xcoords", "probeGuess", "objectGuess"))
    found = [key for key in STACK_KEYS if key in arrays]
    if len(found) != 1:
        raise DataError(
            expected(
                str(path),
                f"hold the patterns under one of {' or '.join(STACK_KEYS)}",
                "both" if found else "neither",
                "Keep one stack of amplitudes, as diff3d.",
            )
        )
    positions_px = _positions(path, arrays)
    amplitude = _canonical_stack(path, found[0], arrays[found[0]], len(positions_px))
    probe = _require(path, arrays, "probeGuess")
    if probe.shape != amplitude.shape[1:] or not np.isfinite(probe).all() or not probe.any():
        raise DataError(
            expected(
                f"probeGuess in {path}",
                f"be a finite probe of shape {amplitude.shape[1:]}",
                f"shape {probe.shape}",
                "Give the probe on the pixels of the patterns.",
            )
        )
    guess = arrays.get("objectGuess")
    return Scan(
        diffraction_amplitude=amplitude,
        positions_px=positions_px,
        probe=probe.astype(np.complex64),
        object_guess=None if guess is None else guess.astype(np.complex64),
    )


def save_scan(path: Path, scan: Scan) -> None:
    """Write a scan in the canonical layout, completely or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {
        "diff3d": scan.diffraction_amplitude,
        "ycoords": scan.positions_px[:, 0],
        "xcoords": scan.positions_px[:, 1],
        "probeGuess": scan.probe,
    }
    if scan.object_guess is not None:
        arrays["objectGuess"] = scan.object_guess
    write_npz(path, arrays)


def load_object(path: Path) -> PlacedObject:
    """Read an object that :func:`save_object` or inference wrote.

    Raises:
        DataError: If the file is missing, no NPZ, or holds no placed object.
    """
    arrays = _read_arrays(path, ("object", "origin"))
    object_, origin = _require(path, arrays, "object"), _require(path, arrays, "origin")
    if object_.ndim != 2 or origin.shape != (2,):
        raise DataError(
            expected(
                str(path),
                "hold object (y, x) and origin (yx)",
                f"shapes {object_.shape} and {origin.shape}",
                "Write it with this package.",
            )
        )
    return PlacedObject(
        object_=object_.astype(np.complex64), origin_px=(float(origin[0]), float(origin[1]))
    )


def save_object(path: Path, placed: PlacedObject, **more: NDArray[np.generic]) -> None:
    """Write an object and its origin, with further arrays beside it."""
    write_npz(path, {"object": placed.object_, "origin": np.array(placed.origin_px), **more})


def write_npz(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays to a temporary file beside ``path``, then move it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read_arrays(path: Path, keys: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    """Read those of the named arrays that an NPZ file holds."""
    if not path.is_file():
        raise DataError(expected(str(path), "be an NPZ file", "no file there", "Check the path."))
    if not zipfile.is_zipfile(path):
        raise DataError(
            expected(
                str(path),
                "be an NPZ file",
                "a file of another kind, or a cut-off one",
                "Write it with numpy.savez.",
            )
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in keys if key in archive.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as problem:
        raise DataError(
            expected(
                str(path),
                "hold plain numeric arrays",
                f"one that cannot be read ({problem})",
                "Write it again with numpy.savez; nothing is unpickled.",
            )
        ) from problem


def _require(
    path: Path, arrays: Mapping[str, NDArray[np.generic]], key: str
) -> NDArray[np.generic]:
    if key not in arrays:
        raise DataError(
            expected(str(path), f"hold the array {key}", "none of that name", "Add it (DATA-001).")
        )
    return arrays[key]


def _positions(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float64]:
    """Join the coordinates to positions (pattern, yx)."""
    y, x = _require(path, arrays, "ycoords"), _require(path, arrays, "xcoords")
    if y.ndim != 1 or y.shape != x.shape or not len(y):
        raise DataError(
            expected(
                f"ycoords and xcoords in {path}",
                "be two lists of one length",
                f"shapes {y.shape} and {x.shape}",
                "Give one (y, x) per pattern.",
            )
        )
    positions = np.stack([y, x], axis=1).astype(np.float64)
    if not np.isfinite(positions).all():
        raise DataError(
            expected(
                f"ycoords and xcoords in {path}",
                "be finite",
                "NaN or infinity",
                "Drop the patterns without a position.",
            )
        )
    return positions


def _canonical_stack(
    path: Path, key: str, stack: NDArray[np.generic], count: int
) -> NDArray[np.float32]:
    """Bring a stack of amplitudes to float32 (pattern, y, x)."""
    name = f"{key} in {path}"
    if stack.ndim != 3 or count not in (stack.shape[0], stack.shape[2]):
        raise DataError(
            expected(
                name,
                f"be a stack of {count} patterns, as many as there are positions",
                f"shape {stack.shape}",
                "Give one pattern per position, as (pattern, y, x).",
            )
        )
    if stack.shape[0] == stack.shape[2]:
        raise DataError(
            expected(
                name,
                "have one axis of patterns",
                f"shape {stack.shape}, which can be read twice",
                "Leave out one pattern and its position, so that the axes differ.",
            )
        )
    if stack.dtype.kind != "f":
        raise DataError(
            expected(
                name,
                "hold real amplitudes",
                f"type {stack.dtype}",
                "Store the roots of the counts as float32.",
            )
        )
    if stack.shape[0] != count:
        stack = np.moveaxis(stack, -1, 0)
    amplitude = np.ascontiguousarray(stack, dtype=np.float32)
    if not np.isfinite(amplitude).all() or amplitude.min() < 0 or not amplitude.any():
        raise DataError(
            expected(
                name,
                "hold finite amplitudes, none negative and not all zero",
                "some that are not",
                "Mask or repair the patterns; amplitudes are roots of counts.",
            )
        )
    return amplitude
