"""The data contract (DATA-001): every array that a scan may hold, said once.

The loaders, ``python -m ptycho_torch.validate``, the texts of errors and the table in the
documentation all come from :data:`SCAN_ARRAYS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = {
    "f": "real",
    "c": "complex",
    "iu": "whole numbers",
    "iuf": "real",
    "biu": "true or false",
}
"""What NumPy's kinds of type are called."""

SMALLEST_PATTERN_PX = 8
"""Least height and width of a pattern: a network halves its window three times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySpec:
    """One array of the contract.

    Attributes:
        key: Its name in an NPZ file.
        aliases: Other names that are read.
        axes: Names of its axes, slowest first.
        legacy_axes: An older order of the axes that is read too; empty if there is none.
        kinds: Kinds of NumPy type that are accepted.
        loads_as: Type in memory.
        unit: Unit of its values.
        meaning: What it is.
        remedy: What to do about an array of that name that is something else.
        required: Whether a scan must have it.
    """

    key: str
    axes: tuple[str, ...]
    kinds: str
    loads_as: str
    unit: str
    meaning: str
    remedy: str
    aliases: tuple[str, ...] = ()
    legacy_axes: tuple[str, ...] = ()
    required: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """Give every name under which the array is looked for, the best first."""
        return (self.key, *self.aliases)

    @property
    def short(self) -> str:
        """Give the meaning in a few words.

        Examples:
            >>> X.short
            'scan position along x'
        """
        return re.split("[,:;]", self.meaning)[0]

    def describe(self) -> str:
        """Say in a few words what the array must be, as errors do.

        Examples:
            >>> PROBE.describe()
            'be complex (y, x)'
        """
        return f"be {KINDS[self.kinds]} ({', '.join(self.axes)})"


STACK = ArraySpec(
    key="diff3d",
    aliases=("diffraction",),
    axes=("pattern", "y", "x"),
    legacy_axes=("y", "x", "pattern"),
    kinds="f",
    loads_as="float32",
    unit="√counts",
    meaning="diffraction amplitude, the square root of counts, zero frequency at pixel size // 2",
    remedy="Store the square roots of the counts as float32, or read counts with --counts.",
)
Y = ArraySpec(
    key="ycoords",
    axes=("pattern",),
    kinds="iuf",
    loads_as="float64",
    unit="px",
    meaning="scan position along y: the patch's centre, from the object's pixel [0, 0]",
    remedy="Give one number per pattern.",
)
X = ArraySpec(
    key="xcoords",
    axes=("pattern",),
    kinds="iuf",
    loads_as="float64",
    unit="px",
    meaning="scan position along x, likewise",
    remedy="Give one number per pattern.",
)
PROBE = ArraySpec(
    key="probeGuess",
    axes=("y", "x"),
    kinds="c",
    loads_as="complex64",
    unit="√counts",
    meaning="probe on the pixels of a patch; the sum of its squared magnitude is the beam's counts",
    remedy="Give one wave, amplitude · exp(i · phase), on the pixels of a pattern.",
)
OBJECT = ArraySpec(
    key="objectGuess",
    axes=("y", "x"),
    kinds="c",
    loads_as="complex64",
    unit="1",
    meaning="object, if one is known; only its shape is used, to check the positions",
    remedy="Give the object's transmission, or leave it out.",
    required=False,
)
BAD_PIXELS = ArraySpec(
    key="bad_pixels",
    axes=("y", "x"),
    kinds="biu",
    loads_as="bool",
    unit="1",
    meaning="pixels that measured nothing: true (or not 0) where the patterns do not count",
    remedy="Give one value per pixel of a pattern, true where it is bad, or leave it out.",
    required=False,
)
PIXEL_SIZE = ArraySpec(
    key="pixel_size_m",
    axes=("yx",),
    kinds="f",
    loads_as="float64",
    unit="m",
    meaning="height and width of a pixel of the object; goes into results as it is",
    remedy="Give two lengths in metres, or leave it out.",
    required=False,
)
IGNORED = (
    ArraySpec(
        key="scan_index",
        axes=("pattern",),
        kinds="iu",
        loads_as="-",
        unit="1",
        meaning="number of the scan that a pattern is from; accepted, not used",
        remedy="Leave it out.",
        required=False,
    ),
    ArraySpec(
        key="ycoords_start",
        axes=("pattern",),
        kinds="iuf",
        loads_as="-",
        unit="px",
        meaning="position where the exposure began; accepted, not used",
        remedy="Leave it out.",
        required=False,
    ),
    ArraySpec(
        key="xcoords_start",
        axes=("pattern",),
        kinds="iuf",
        loads_as="-",
        unit="px",
        meaning="the same along x",
        remedy="Leave it out.",
        required=False,
    ),
)

READ_ARRAYS = (STACK, Y, X, PROBE, OBJECT, BAD_PIXELS, PIXEL_SIZE)
"""The arrays that a loaded scan is made of."""

SCAN_ARRAYS = (*READ_ARRAYS, *IGNORED)
"""Every array of the contract, in the order in which it is documented and checked."""


def as_table() -> str:
    """Write the contract as a Markdown table, as the documentation shows it.

    Examples:
        >>> as_table().splitlines()[0]
        '| array | shape | type | unit | meaning |'
    """
    rows = ["| array | shape | type | unit | meaning |", "|---|---|---|---|---|"]
    for spec in SCAN_ARRAYS:
        name = " or ".join(f"`{key}`" for key in spec.keys)
        name += "" if spec.required else " (optional)"
        shape = f"({', '.join(spec.axes)})"
        if spec.legacy_axes:
            shape += f", older: ({', '.join(spec.legacy_axes)})"
        loads = "" if spec.loads_as == "-" else f", loads as {spec.loads_as}"
        rows.append(
            f"| {name} | {shape} | {KINDS[spec.kinds]}{loads} | {spec.unit} | {spec.meaning} |"
        )
    return "\n".join(rows) + "\n"
