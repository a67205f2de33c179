"""Write any scan that can be read as a canonical NPZ file, which can be mapped."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch.checks import (
    CommandParser,
    one_of,
)
from ptycho_torch.commands import run_command, say
from ptycho_torch.data.npz import save_scan
from ptycho_torch.data.scan_file import Examined, open_source, read_scan
from ptycho_torch.outputs import check_output_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ptycho_torch.data.scan import Scan

FLIPS = ("none", "y", "x", "yx")


def convert(
    source: Path,
    target: Path,
    *,
    counts: bool = False,
    patterns: Path | None = None,
    probe: Path | None = None,
    flip: str = "none",
    note: Callable[[str], None] | None = None,
) -> Scan:
    """Convert a file; the stack goes through a file beside the target, not through memory.

    Args:
        source: The scan.
        target: The NPZ file to write, completely or not at all.
        counts: Whether the stack holds counts instead of amplitudes.
        patterns: A file that holds the patterns to a Ptychodus product.
        probe: A file whose probe to take instead of the scan's own.
        flip: Axes along which the positions are reversed: ``none``, ``y``, ``x`` or ``yx``. Some
            beamlines note where the sample went, others where the beam hit.
        note: Called with each thing that a reader should know about how the file was read.

    Returns:
        The scan as it was written.

    Raises:
        DataError: If the file is no scan.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=f".{target.name}-", dir=target.parent) as scratch:
        opened = open_source(source, patterns, probe)
        found = Examined(source=opened, scratch=Path(scratch.name))
        scan = read_scan(found, counts=counts)
        positions_px = scan.positions_px.copy()
        guess = scan.object_guess
        for axis, name in enumerate("yx"):
            if name in flip.replace("none", ""):
                column = positions_px[:, axis]
                positions_px[:, axis] = column.min() + column.max() - column
                guess = None  # it lies where the positions were
        scan = replace(scan, positions_px=positions_px, object_guess=guess)
        save_scan(target, scan)
    if note is not None:
        for text in opened.notes:
            note(text)
    return scan


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m ptycho_torch.convert",
        description="Write any scan that can be read as a canonical NPZ file.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", type=Path, help="NPZ, CXI or Ptychodus file")
    add("--output", type=Path, required=True, help="NPZ file to write")
    add("--counts", action="store_true", help="the stack holds counts, not their square roots")
    add("--patterns", type=Path, help="file with the patterns of a Ptychodus product")
    add("--probe", type=Path, help="file whose probe to take: NPY, NPZ, CXI or a product")
    add("--flip", type=one_of("--flip", FLIPS), default="none", help="reverse positions along axes")

    def command() -> None:
        given = parser.parse(argv)
        check_output_file("--output", given.output)
        scan = convert(
            given.file,
            given.output,
            counts=given.counts,
            patterns=given.patterns,
            probe=given.probe,
            flip=given.flip,
            note=lambda text: say(f"note: {text}"),
        )
        say(f"wrote {given.output}: {len(scan.positions_px)} patterns")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
