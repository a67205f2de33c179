"""Is a file a scan? What its headers say, before any array is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ptycho_torch.checks import expected
from ptycho_torch.data.schema import (
    BAD_PIXELS,
    KINDS,
    PIXEL_SIZE,
    PROBE,
    READ_ARRAYS,
    SMALLEST_PATTERN_PX,
    STACK,
    X,
    Y,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho_torch.data.npz_source import Header
    from ptycho_torch.data.schema import ArraySpec


class ScanSource(Protocol):
    """A file that may hold a scan, whatever its format; arrays go by the contract's keys."""

    path: Path
    format: str
    counts: bool
    headers: dict[str, Header]
    notes: list[str]

    def name(self, key: str) -> str:
        """Give the name of an array for an error."""

    def read(self, key: str) -> NDArray[np.generic]:
        """Read an array."""

    def map(self, key: str) -> Any:
        """Give something that reads rows of the array when it is sliced, or ``None``."""

    def hold(self, key: str, array: NDArray[np.generic], name: str | None = None) -> None:
        """Take an array from elsewhere, and what it is called in an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the headers told.

    Attributes:
        keys: The key under which each array of the contract was found, by its first name.
        count: Number of patterns.
        pattern_shape: Height and width of a pattern.
        legacy: Whether the stack's last axis is that of the patterns; ``None`` if the headers leave
            that open (see :func:`ptycho_torch.data.plausibility.order_by_light`).
    """

    keys: Mapping[str, str]
    count: int
    pattern_shape: tuple[int, int]
    legacy: bool | None


def find_keys(source: ScanSource) -> tuple[dict[str, str], list[str]]:
    """Find each array of the contract under one of its names.

    Returns:
        The keys found, by the first name of the array, and what is wrong with them.
    """
    keys, problems = {}, []
    for spec in READ_ARRAYS:
        found = [key for key in spec.keys if key in source.headers]
        if len(found) == 1:
            keys[spec.key] = found[0]
        elif found or spec.required:
            wanted = " or ".join(spec.keys)
            to = f"hold one array {wanted}" if found else f"hold the array {wanted}"
            got = "both" if found else "neither" if len(spec.keys) > 1 else "none of that name"
            remedy = "Keep one of them." if found else f"Add the {spec.short} (DATA-001)."
            problems.append(expected(str(source.path), to, got, remedy))
    return keys, problems


def _header_problem(source: ScanSource, key: str, spec: ArraySpec, kinds: str) -> str | None:
    header = source.headers[key]
    if header.dtype.hasobject:
        remedy = "Write plain arrays with numpy.savez; nothing is unpickled."
        return expected(source.name(key), "hold plain numeric arrays", "Python objects", remedy)
    if header.dtype.kind not in kinds or len(header.shape) != len(spec.axes):
        what = f"{header.dtype} of shape {header.shape}"
        words = [word for kind, word in KINDS.items() if header.dtype.kind in kind]
        what = f"{words[0]}, {what}" if words else what
        return expected(source.name(key), spec.describe(), what, spec.remedy)
    if 0 in header.shape:
        remedy = "Check how the file was written."
        got = f"the empty shape {header.shape}"
        return expected(source.name(key), "hold something", got, remedy)
    return None


def read_layout(source: ScanSource, *, counts: bool) -> tuple[Layout | None, list[str]]:
    """Judge a file by its headers alone.

    Args:
        source: The file.
        counts: Whether the stack holds counts instead of amplitudes.

    Returns:
        The layout, and the problems; one of the two is empty.
    """
    keys, problems = find_keys(source)
    for spec in READ_ARRAYS:
        if spec.key in keys:
            kinds = "iuf" if spec is STACK and counts else spec.kinds
            problem = _header_problem(source, keys[spec.key], spec, kinds)
            problems += [problem] if problem else []
    if problems:
        return None, problems
    shapes = {key: source.headers[found].shape for key, found in keys.items()}
    if shapes[Y.key] != shapes[X.key]:
        got = f"{shapes[Y.key][0]} and {shapes[X.key][0]} numbers"
        name = f"ycoords and xcoords in {source.path}"
        return None, [expected(name, "be of one length", got, "Give one (y, x) per pattern.")]
    count, stack, probe = shapes[Y.key][0], shapes[STACK.key], shapes[PROBE.key]
    legacy, problem = _order(source.name(keys[STACK.key]), stack, count, probe)
    if problem:
        return None, [problem]
    height, width = stack[:2] if legacy else stack[1:]
    if min(height, width) < SMALLEST_PATTERN_PX:
        to = f"have patterns of at least {SMALLEST_PATTERN_PX} px each way"
        remedy = "A network halves its window three times: pad the patterns, or bin them less."
        name = source.name(keys[STACK.key])
        return None, [expected(name, to, f"{height} × {width}", remedy)]
    for spec, wanted, remedy in (
        (PROBE, (height, width), "Give it on the pixels of a pattern; crop or pad one of them."),
        (BAD_PIXELS, (height, width), "Give it on the pixels of a pattern; crop or pad it."),
        (PIXEL_SIZE, (2,), PIXEL_SIZE.remedy),
    ):
        if spec.key in keys and shapes[spec.key] != wanted:
            to = f"have the shape {wanted}{' of the patterns' if len(wanted) > 1 else ''}"
            problems.append(expected(source.name(keys[spec.key]), to, shapes[spec.key], remedy))
    if problems:
        return None, problems
    return Layout(keys=keys, count=count, pattern_shape=(height, width), legacy=legacy), []


def _order(
    name: str, stack: tuple[int, ...], count: int, probe: tuple[int, ...]
) -> tuple[bool | None, str | None]:
    """Tell (y, x, pattern) from (pattern, y, x) by the positions, then by the probe."""
    canonical, legacy = stack[0] == count, stack[2] == count
    if canonical and legacy and (stack[1:] == probe) != (stack[:2] == probe):
        canonical = stack[1:] == probe
        legacy = not canonical
    if canonical != legacy:
        return legacy, None
    if canonical:
        return None, None
    to = f"be a stack of {count} patterns, as many as there are positions"
    remedy = "Give one pattern per position, as (pattern, y, x)."
    return False, expected(name, to, f"shape {stack}", remedy)
