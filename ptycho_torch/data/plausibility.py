"""Can these arrays be a scan? One sentence for each thing that is wrong.

Problems come one by one, so that a loader stops at the first and ``validate`` tells them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import DataError, expected
from ptycho_torch.data.light import centre_problems, mean_pattern
from ptycho_torch.data.sampling import beam_diameter_px, nearest_distance_px

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptycho_torch.data.scan import Scan

SMALLEST_BEAM_PX = 2.0
"""A beam that is narrower counts as so wide, when steps are compared with it."""

FARTHEST = 1.5
"""How many diameters of the beam neighbours lie apart at most: nothing overlaps from 1 on."""

NEAREST, LEAST_REACH = 1 / 200, 1.0
"""A scan steps by more than this share of the beam's diameter, or reaches farther than that."""

LEAST_REACH_PX = 0.1
"""How far the positions of a scan reach at least, in pixels."""

IN_THE_CORNERS = 10.0
"""How much more light a probe has in its corners than in its middle, if the two are exchanged."""

CHECKED_PATTERNS = 256
"""Patterns of a scan in memory whose values are looked at together."""


def position_problems(
    name: str,
    positions_px: NDArray[np.float64],
    light: NDArray[np.floating] | None,
    object_shape: tuple[int, ...] | None = None,
) -> Iterator[str]:
    """Judge scan positions.

    Args:
        name: What they are called.
        positions_px: Patch centres (pattern, yx).
        light: Intensity of the beam, real (y, x); ``None`` if it is not known.
        object_shape: Height and width of the object that they lie on, if one is known.
    """
    finite = np.isfinite(positions_px).all(axis=1)
    if not finite.all():
        got = f"NaN or infinity at {_which(~finite, 'position')}"
        yield expected(name, "be finite", got, "Drop the patterns without a position.")
        return
    count = len(positions_px)
    low, high = positions_px.min(axis=0), positions_px.max(axis=0)
    constant = [axis for axis, extent in zip("yx", high - low, strict=True) if extent == 0]
    if constant and count > 3 - len(constant):  # two points make a row
        got = f"{' and '.join(f'{axis}coords' for axis in constant)} the same for all patterns"
        yield expected(name, "vary along y and x", got, "Check how the positions were exported.")
        return
    if count > 1 and light is not None:
        yield from _scale_problems(name, positions_px, light)
    if object_shape is None or light is None:
        return
    shape, window = np.array(object_shape), np.array(light.shape)

    def inside(order: slice, margin: NDArray[np.int64]) -> bool:
        return bool((low[order] >= margin).all() and (high[order] <= shape - 1 - margin).all())

    as_given, swapped = slice(None), slice(None, None, -1)
    got = f"y from {low[0]:g} to {high[0]:g}, x from {low[1]:g} to {high[1]:g}"
    lie = f"lie inside objectGuess of {shape[0]} × {shape[1]} pixels (y, x)"
    if not inside(as_given, window // 4) and inside(swapped, window // 2 - 1):
        remedy = "They fit with x and y swapped: exchange the two."
        yield expected(name, lie, got, remedy)
    elif not inside(as_given, 0 * window):
        remedy = "Give centres of patches in the object's pixels, or leave objectGuess out."
        yield expected(name, lie, got, remedy)


def _scale_problems(
    name: str, positions_px: NDArray[np.float64], light: NDArray[np.floating]
) -> Iterator[str]:
    """Judge whether positions can be in pixels, by the beam that has to cover what lies between.

    Metres and micrometres step by next to nothing, nanometres from one beam into the void.
    """
    beam_px = max(beam_diameter_px(light), SMALLEST_BEAM_PX)
    step_px = nearest_distance_px(positions_px)
    reach_px = float(np.ptp(positions_px, axis=0).max())
    if step_px is None:
        return
    dense = step_px < NEAREST * beam_px and reach_px < LEAST_REACH * beam_px
    if dense or reach_px < LEAST_REACH_PX or step_px > FARTHEST * beam_px:
        to = f"be in pixels, and neighbours to share a beam of {beam_px:.3g} px"
        got = f"a reach of {reach_px:.3g} in steps of {step_px:.3g}"
        remedy = "Divide the positions by the size of an object pixel, in the same unit."
        yield expected(name, to, got, remedy)


def probe_problems(name: str, probe: NDArray[np.generic]) -> Iterator[str]:
    """Judge a probe (y, x)."""
    if not np.isfinite(probe).all() or not probe.any():
        got = "zeros only" if np.isfinite(probe).all() else "NaN or infinity"
        remedy = "Give the wave that lights the sample, with the energy of the beam."
        yield expected(name, "be finite and not all zero", got, remedy)
        return
    light = np.square(np.abs(probe))
    middle = tuple(slice(size // 4, size // 4 + (size + 1) // 2) for size in light.shape)
    inside, outside = light[middle].sum(), np.fft.fftshift(light)[middle].sum()
    if outside > IN_THE_CORNERS * inside:
        remedy = "Exchange corners and centre: numpy.fft.fftshift."
        yield expected(name, "have its light around pixel size // 2", "it in the corners", remedy)


def bad_pixel_problems(name: str, bad_pixels: NDArray[np.bool_]) -> Iterator[str]:
    """Judge the pixels (y, x) that measured nothing."""
    if bad_pixels.all():
        remedy = "True, or not 0, means that a pixel measured nothing."
        yield expected(name, "leave some pixels", "all of them bad", remedy)


def stack_problems(
    name: str, lowest: NDArray[np.float32], highest: NDArray[np.float32]
) -> Iterator[str]:
    """Judge a stack by the least and greatest value of each pattern."""
    finite = np.isfinite(lowest) & np.isfinite(highest)
    for wrong, to, what, remedy in (
        (~finite, "be finite", "NaN or infinity",
         "Mark what was not measured in bad_pixels, or drop the patterns."),
        (finite & (lowest < 0), "have no value below 0", "negative ones",
         "Subtract no background below 0, and mark what was not measured in bad_pixels."),
        (finite & (highest == 0) & (lowest == 0), "hold some light in each pattern", "only zeros",
         "Drop the dark patterns and their positions."),
    ):  # fmt: skip
        if wrong.any():
            yield expected(name, to, f"{what} in {_which(wrong, 'pattern')}", remedy)


def check_scan(scan: Scan, name: str = "the scan") -> None:
    """Refuse a scan in memory whose values cannot be right, as a loader refuses a file.

    Raises:
        DataError: At the first problem.
    """
    parts = [
        scan.diffraction_amplitude[start : start + CHECKED_PATTERNS]
        for start in range(0, len(scan.diffraction_amplitude), CHECKED_PATTERNS)
    ]
    if scan.bad_pixels is not None:
        parts = [np.where(scan.bad_pixels, np.float32(0) * part, part) for part in parts]
    lowest, highest = (
        np.concatenate([getattr(part, extreme)(axis=(1, 2)) for part in parts])
        for extreme in ("min", "max")
    )
    guess = None if scan.object_guess is None else scan.object_guess.shape
    wrong = list(probe_problems(f"probe of {name}", scan.probe))
    light = None if wrong else np.square(np.abs(scan.probe))
    problems = [
        *wrong,
        *stack_problems(f"diffraction_amplitude of {name}", lowest, highest),
        *position_problems(f"positions_px of {name}", scan.positions_px, light, guess),
    ]
    if scan.bad_pixels is not None:
        problems += bad_pixel_problems(f"bad_pixels of {name}", scan.bad_pixels)
    if not problems:
        mean = mean_pattern(scan.diffraction_amplitude)
        problems += centre_problems(
            f"diffraction_amplitude of {name}", mean, scan.probe, scan.bad_pixels
        )
    if problems:
        raise DataError(problems[0])


def _which(wrong: Any, what: str) -> str:
    """Count the wrong ones and name the first.

    Examples:
        >>> _which(np.array([False, True, True]), "pattern")
        '2 of 3 patterns, the first is pattern 1'
    """
    count, first = int(wrong.sum()), int(wrong.argmax())
    return f"{count} of {len(wrong)} {what}s, the first is {what} {first}"
