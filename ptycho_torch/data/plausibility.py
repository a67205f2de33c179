"""Can these arrays be a scan? One sentence for each thing that is wrong.

Problems come one by one, so that a loader stops at the first and ``validate`` tells them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import expected
from ptycho_torch.data.schema import OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptycho_torch.data.contract import Layout, ScanSource


STEADIER = 2.0
"""How much steadier the light per pattern must be one way than the other to decide."""


LEAST_REACH_PX = 0.1
"""How far the positions of a scan reach at least, in pixels."""

FARTHEST = 4.0
"""How many widths of a pattern the patterns of a scan may lie apart on average."""


def order_by_light(stack: NDArray[np.generic], *, counts: bool) -> bool | None:
    """Tell which axis of an equal-sided stack is that of the patterns, by the light along it.

    Each pattern of a scan holds about as much light as the next: the beam is the same and the
    object takes away its share. A row or a column of the detector does not; most light falls near
    the centre.

    Args:
        stack: Amplitudes or counts, real (n, h, n).
        counts: Whether it holds counts.

    Returns:
        Whether it is the last axis; ``None`` if the light does not tell.

    Examples:
        >>> row = np.array([1.0, 9.0, 1.0])
        >>> order_by_light(np.stack([row[:, None] * row] * 3), counts=False)
        False
        >>> order_by_light(np.ones((3, 3, 3)), counts=False) is None
        True
    """
    values = np.asarray(stack, dtype=np.float64)
    light = values if counts else np.square(values)
    spread = []
    for axes in ((1, 2), (0, 1)):
        sums = light.sum(axis=axes)
        spread.append(float(sums.std() / max(abs(sums.mean()), 1e-300)))
    canonical, legacy = spread
    if STEADIER * canonical < legacy:
        return False
    return True if STEADIER * legacy < canonical else None


def position_problems(
    source: ScanSource,
    positions_px: NDArray[np.float64],
    layout: Layout,
) -> Iterator[str]:
    """Judge scan positions (pattern, yx)."""
    name = f"ycoords and xcoords in {source.path}"
    finite = np.isfinite(positions_px).all(axis=1)
    if not finite.all():
        got = f"NaN or infinity at {_which(~finite, 'position')}"
        yield expected(name, "be finite", got, "Drop the patterns without a position.")
        return
    low, high = positions_px.min(axis=0), positions_px.max(axis=0)
    constant = [axis for axis, extent in zip("yx", high - low, strict=True) if extent == 0]
    if constant and layout.count > 3 - len(constant):  # two points make a row
        got = f"{' and '.join(f'{axis}coords' for axis in constant)} the same for all patterns"
        yield expected(name, "vary along y and x", got, "Check how the positions were exported.")
        return
    if layout.count > 1:
        yield from _scale_problems(name, high - low, layout)
    if OBJECT.key not in layout.keys:
        return
    shape = np.array(source.headers[layout.keys[OBJECT.key]].shape)
    window = np.array(layout.pattern_shape)

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


def _scale_problems(name: str, extent_px: NDArray[np.float64], layout: Layout) -> Iterator[str]:
    """Judge whether positions can be in pixels by how far a scan reaches, along y and x.

    Metres reach over next to nothing. Nanometres reach so far that patterns, were they spread
    evenly, would lie more than four of their widths apart: nothing would overlap.
    """
    got = f"a reach of {extent_px[0]:g} along y and {extent_px[1]:g} along x"
    remedy = "Divide the positions by the size of an object pixel, in the same unit."
    farthest = FARTHEST**2 * layout.count * np.prod(layout.pattern_shape)
    if extent_px.max() < LEAST_REACH_PX or extent_px.prod() > farthest:
        yield expected(name, "be in pixels", got, remedy)


def probe_problems(name: str, probe: NDArray[np.generic]) -> Iterator[str]:
    """Judge a probe (y, x)."""
    if not np.isfinite(probe).all() or not probe.any():
        got = "zeros only" if np.isfinite(probe).all() else "NaN or infinity"
        remedy = "Give the wave that lights the sample, with the energy of the beam."
        yield expected(name, "be finite and not all zero", got, remedy)


def stack_problems(
    name: str, lowest: NDArray[np.float32], highest: NDArray[np.float32]
) -> Iterator[str]:
    """Judge a stack by the least and greatest value of each pattern."""
    finite = np.isfinite(lowest) & np.isfinite(highest)
    for wrong, to, what, remedy in (
        (~finite, "be finite", "NaN or infinity", "Set masked pixels to 0, or drop the patterns."),
        (finite & (lowest < 0), "have no value below 0", "negative ones",
         "Subtract no background below 0; amplitudes are roots of counts."),
        (finite & (highest == 0) & (lowest == 0), "hold some light in each pattern", "only zeros",
         "Drop the dark patterns and their positions."),
    ):  # fmt: skip
        if wrong.any():
            yield expected(name, to, f"{what} in {_which(wrong, 'pattern')}", remedy)


def _which(wrong: Any, what: str) -> str:
    """Count the wrong ones and name the first.

    Examples:
        >>> _which(np.array([False, True, True]), "pattern")
        '2 of 3 patterns, the first is pattern 1'
    """
    count, first = int(wrong.sum()), int(wrong.argmax())
    return f"{count} of {len(wrong)} {what}s, the first is {what} {first}"
