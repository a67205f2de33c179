"""Say whether a file is a scan that can be used, and everything that is wrong with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho_torch.checks import CommandParser, DataError, UsageError
from ptycho_torch.commands import run_command
from ptycho_torch.data.sampling import beam_diameter_px, nearest_distance_px
from ptycho_torch.data.scan_file import Examined, examine, open_source
from ptycho_torch.data.schema import IGNORED, READ_ARRAYS, STACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptycho_torch.data.scan import Scan


def inspect(
    path: Path,
    *,
    counts: bool = False,
    patterns: Path | None = None,
    probe: Path | None = None,
) -> dict[str, Any]:
    """Look at a file as the loader does, but do not stop at the first problem.

    Args:
        path: The file.
        counts: Whether its stack holds counts instead of amplitudes.
        patterns: A file that holds the patterns to a Ptychodus product.
        probe: A file whose probe to take instead of the scan's own.

    Returns:
        What was found, plain enough for JSON: ``valid``, ``problems``, ``notes``, ``format``,
        ``arrays``, and for a valid scan its ``scan`` with SHA-256.

    Examples:
        >>> inspect(Path("no/such/file.npz"))["problems"]
        ['Expected no/such/file.npz to be a scan, but got no file there. Check the path.']
    """
    report: dict[str, Any] = {"path": str(path), "valid": False, "problems": [], "notes": []}
    try:
        found = Examined(source=open_source(path, patterns, probe))
        report["format"] = found.source.format
        report["arrays"] = {
            key: {"dtype": str(header.dtype), "shape": list(header.shape)}
            for key, header in found.source.headers.items()
        }
        report["problems"] += examine(found, counts=counts)
    except DataError as problem:
        report["problems"].append(str(problem))
        return report
    if report["problems"] or found.scan is None:
        return report
    counts = counts or found.source.counts
    report |= {"valid": True, "scan": _summary(found.scan)}
    report["notes"] = [*found.source.notes, *_notes(found, counts=counts)]
    return report


def _summary(scan: Scan) -> dict[str, Any]:
    steps = np.linalg.norm(np.diff(scan.positions_px, axis=0), axis=1)
    low, high = scan.positions_px.min(axis=0), scan.positions_px.max(axis=0)
    beam_px = beam_diameter_px(np.square(np.abs(scan.probe)))
    nearest_px = nearest_distance_px(scan.positions_px)
    return {
        "patterns": len(scan.positions_px),
        "pattern_shape": list(scan.probe.shape),
        "y_px": [float(low[0]), float(high[0])],
        "x_px": [float(low[1]), float(high[1])],
        "step_px": float(np.median(steps)) if len(steps) else 0.0,
        "nearest_px": nearest_px,
        "beam_px": beam_px,
        "overlap_ratio": None if nearest_px is None else max(0.0, 1 - nearest_px / beam_px),
        "bad_pixels": 0 if scan.bad_pixels is None else int(scan.bad_pixels.sum()),
        "pixel_size_m": scan.pixel_size_m,
        "mapped": isinstance(scan.diffraction_amplitude.base, np.memmap),
        "sha256": scan.digest(),
    }


def _notes(found: Examined, *, counts: bool) -> list[str]:
    notes = []
    scan, layout = found.scan, found.layout
    if layout is not None and layout.legacy:
        notes.append(f"the stack is kept as ({', '.join(STACK.legacy_axes)}) (FORMAT-001)")
    if (
        scan is not None
        and found.whole_numbers
        and not counts
        and scan.diffraction_amplitude.max() > 1
    ):
        notes.append("the stack holds whole numbers only; if they are counts, say --counts")
    known = {key for spec in (*READ_ARRAYS, *IGNORED) for key in spec.keys}
    unknown = sorted(set(found.source.headers) - known)
    if unknown:
        notes.append(f"not read: {', '.join(unknown)}")
    return notes


def as_text(report: dict[str, Any]) -> str:
    """Write what was found in a valid file for people."""
    scan = report["scan"]
    height, width = scan["pattern_shape"]
    lines = [
        f"{report['path']}: {report['format']}, {scan['patterns']} patterns of {height} × {width}"
    ]
    named = {key: spec for spec in (*READ_ARRAYS, *IGNORED) for key in spec.keys}
    for key, array in report["arrays"].items():
        shape = " × ".join(map(str, array["shape"]))
        meaning = named[key].short if key in named else "not read"
        lines.append(f"  {key:<14} {array['dtype']:<10} {shape:<16} {meaning}")
    (y0, y1), (x0, x1) = scan["y_px"], scan["x_px"]
    lines.append(f"  positions      y {y0:.1f} … {y1:.1f} px, x {x0:.1f} … {x1:.1f} px")
    lines.append(f"  median step    {scan['step_px']:.2f} px")
    if scan["nearest_px"] is not None:
        lines.append(
            f"  overlap        {scan['overlap_ratio']:.0%}: neighbours {scan['nearest_px']:.2f} px "
            f"apart, a beam {scan['beam_px']:.1f} px wide"
        )
    if scan["pixel_size_m"] is not None:
        height_m, width_m = scan["pixel_size_m"]
        lines.append(f"  object pixel   {height_m:.4g} m × {width_m:.4g} m (y, x)")
    lines.append(f"  sha256         {scan['sha256']}")
    lines += [f"note: {note}" for note in report["notes"]]
    return "\n".join([*lines, "valid"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m ptycho_torch.validate",
        description="Say whether a file is a scan that can be used; exit status 2 if it is not.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", type=Path, help="NPZ, CXI or Ptychodus file")
    add("--counts", action="store_true", help="the stack holds counts, not their square roots")
    add("--patterns", type=Path, help="file with the patterns of a Ptychodus product")
    add("--probe", type=Path, help="file whose probe to take instead of the scan's own")
    add("--json", action="store_true", help="write JSON instead of text")

    def command() -> None:
        given = parser.parse(argv)
        report = inspect(
            given.file, counts=given.counts, patterns=given.patterns, probe=given.probe
        )
        if given.json:
            print(json.dumps(report, indent=2))
        elif report["valid"]:
            print(as_text(report))
        if report["problems"]:
            raise UsageError(*report["problems"])

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
