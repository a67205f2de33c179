"""Reconstruct an object from a scan, with a trained bundle, by iterating, or both."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.bundle_file import BUNDLE_NAME, read_bundle_file
from ptycho_torch.checks import (
    CommandParser,
    UsageError,
    expected,
    one_of,
    require,
    require_torch,
    whole_number,
)
from ptycho_torch.commands import run_command, say
from ptycho_torch.config import InferenceConfig, RefinementConfig
from ptycho_torch.data.grouping import check_gridsize, pick_evenly
from ptycho_torch.data.npz import save_object, write_npz
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.data.schema import PIXEL_SIZE
from ptycho_torch.figure import save_figure, what_fell
from ptycho_torch.figures import centred_phase, shown_pixels
from ptycho_torch.halves import check_halves, correlate_halves
from ptycho_torch.outputs import RunLog, check_output_dir, complete_folder
from ptycho_torch.pass_report import PassReport
from ptycho_torch.pictures import AMPLITUDE_COLOURS, PHASE_COLOURS, save_picture
from ptycho_torch.probe_facts import probe_facts
from ptycho_torch.reconstruction import check_inference, check_probe, reconstruct
from ptycho_torch.remarks import remarks_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ptycho_torch.data.scan import Scan
    from ptycho_torch.reconstruction import Reconstruction
    from ptycho_torch.reconstructor import Reconstructor
    from ptycho_torch.refinement import PassRecord

NO_MODEL = "none"
"""What ``--model_path`` says where there is no network."""

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


def write_reconstruction(
    model_path: Path | None,
    scan_file: Path,
    output_dir: Path,
    config: InferenceConfig,
    *,
    counts: bool = False,
    probe_file: Path | None = None,
    figure: bool = False,
    report: Callable[[PassRecord], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> None:
    """Reconstruct a scan from a file and write the object, its pictures and the run's record.

    Args:
        model_path: A bundle, or the folder that training wrote; ``None`` to refine from a flat
            start.
        scan_file: The scan.
        output_dir: Where to write; it is filled when all is done, or not at all.
        config: How to reconstruct.
        counts: Whether the file holds counts instead of amplitudes.
        probe_file: A file whose probe to take instead of the scan's own.
        figure: Whether to draw ``figure.png`` and to note the resolution and the probe's figures.
        report: Called at the start of a refinement and after each of its passes.
        note: Called with each thing that a user should know about the scan or the image.

    Raises:
        UsageError: If something asked for cannot be done; nothing is written then.
        KeyboardInterrupt: If Ctrl-C ended the work. After a pass of refinement the image so far is
            written, and its text says so.
    """
    require_torch()
    require("safetensors", "pillow")
    check_inference(config, has_network=model_path is not None)
    check_output_dir(output_dir)
    if (output_dir / BUNDLE_NAME).is_file():
        remedy = "Give another folder: a training's run.json would be lost."
        raise UsageError(expected("--output_dir", "hold no training", output_dir, remedy))
    log = RunLog("ptycho_torch.inference")
    with log.stage("read"):
        scan = load_scan(scan_file, counts=counts, probe=probe_file, note=note)
        log.facts["data"] = {"sha256": scan.digest()}
        count = len(pick_evenly(len(scan.positions_px), config.n_images))
        if figure:
            check_halves(scan, config)
        if model_path is not None:
            # What is wrong with it is said before PyTorch is loaded.
            bundle_file = read_bundle_file(model_path)
            log.facts["bundle"] = {"sha256": sha256(bundle_file.path.read_bytes()).hexdigest()}
            smallest, among = (count // 2, "half of the") if figure else (count, "the")
            check_gridsize(bundle_file.gridsize, smallest, f"{among} patterns in {scan_file}")
    with log.stage("import"):
        import torch  # noqa: F401, PLC0415 - after the data's errors, and timed

        from ptycho_torch.bundle import load_bundle  # noqa: PLC0415
    reconstructor: Reconstructor | None = None
    if model_path is not None:
        with log.stage("load"):
            reconstructor = load_bundle(model_path).reconstructor
            check_probe(reconstructor, scan, str(scan_file))
    with complete_folder(output_dir) as folder:
        if reconstructor is not None:
            check = reconstructor.first_patches(scan)
            write_npz(folder / "check.npz", {"object_patches": check.numpy()})
        found = reconstruct(reconstructor, scan, config, log, report, keep_interrupted=True)
        with log.stage("save"):
            _write_image(folder, found, scan)
        if figure and not found.interrupted:
            with log.stage("figure"):
                rings = correlate_halves(reconstructor, scan, config)
                save_figure(folder / "figure.png", found, rings, what_fell(log, model_path))
                probe = scan.probe if found.probe is None else found.probe
                log.facts["probe"] = asdict(probe_facts(probe, scan.diffraction_amplitude))
                log.facts["resolution"] = {
                    "half_bit_cycles_per_px": rings.cutoff(),
                    "one_seventh_cycles_per_px": rings.cutoff(1 / 7),
                }
        remarks = list(remarks_on(found, scan, config))
        log.facts["remarks"] = remarks
        log.facts.update(config=asdict(config), patterns_declared=count, patterns_processed=count)
        log.write(folder / "run.json")
    if found.interrupted:
        raise KeyboardInterrupt(f"Interrupted. The image so far is in {output_dir}.")
    if note is not None:
        for remark in remarks:
            note(remark)


def _write_image(folder: Path, found: Reconstruction, scan: Scan) -> None:
    """Write the object with what goes with it, and its two pictures."""
    more = {
        "coverage": found.coverage,
        "probe": found.probe,
        "positions": found.positions_px,
        PIXEL_SIZE.key: None if scan.pixel_size_m is None else np.array(scan.pixel_size_m),
    }
    known = {name: array for name, array in more.items() if array is not None}
    save_object(folder / "reconstruction.npz", found.placed, **known)
    shown = shown_pixels(found.coverage)
    for name, values, colours in (
        ("amplitude", np.abs(found.object_), AMPLITUDE_COLOURS),
        ("phase", centred_phase(found.object_, shown), PHASE_COLOURS),
    ):
        save_picture(folder / f"reconstructed_{name}.png", values, shown, colours)


def _parser() -> CommandParser:
    default = InferenceConfig()
    parser = CommandParser(
        prog="python -m ptycho_torch.inference",
        description="Reconstruct an object from a scan, with a trained bundle, by iterating, or "
        "both.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--model_path",
        type=Path,
        required=True,
        help=f"folder of a training, or its bundle; {NO_MODEL} for a flat start (with --refine)",
    )
    add("--test_data", type=Path, required=True, help="scan to reconstruct")
    add("--counts", action="store_true", help="the scan holds counts, not their square roots")
    add("--probe", type=Path, help="file whose probe to take instead of the scan's own")
    add("--output_dir", type=Path, required=True, help="folder to write into")
    add(
        "--n_images",
        type=whole_number("--n_images", minimum=1),
        help="patterns to reconstruct from, picked evenly over the scan (default: all)",
    )
    add(
        "--accelerator",
        type=one_of("--accelerator", ACCELERATORS),
        default=default.accelerator,
        help=f"one of {', '.join(ACCELERATORS)} (default: %(default)s)",
    )
    add(
        "--refine",
        type=whole_number("--refine", minimum=0),
        default=default.refinement.passes,
        metavar="N",
        help="refine the image by N passes over the patterns (default: %(default)s)",
    )
    add("--refine_probe", action="store_true", help="refine the probe too")
    add("--refine_positions", action="store_true", help="refine the scan positions too")
    add(
        "--probe_modes",
        type=whole_number("--probe_modes", minimum=1),
        default=default.refinement.probe_modes,
        help="incoherent modes of the refined probe (default: %(default)s)",
    )
    add(
        "--figure",
        action="store_true",
        help="draw figure.png; reconstructs both halves of the scan once more for its resolution",
    )
    add("--quiet", action="store_true", help="say nothing")
    return parser


def _refinement(given: argparse.Namespace) -> RefinementConfig:
    """Read the settings of a refinement, and refuse those without one."""
    asked = {
        "--refine_probe": given.refine_probe,
        "--refine_positions": given.refine_positions,
        "--probe_modes": given.probe_modes > 1,
        f"--model_path {NO_MODEL}": str(given.model_path) == NO_MODEL,
    }
    for flag, is_asked in asked.items():
        if is_asked and not given.refine:
            raise UsageError(
                expected(flag, "come with --refine", "no pass of it", "Add --refine 50.")
            )
    return RefinementConfig(
        passes=given.refine,
        probe=given.refine_probe,
        positions=given.refine_positions,
        probe_modes=given.probe_modes,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""

    def command() -> None:
        given = _parser().parse(argv)
        config = InferenceConfig(
            n_images=given.n_images,
            accelerator=given.accelerator,
            refinement=_refinement(given),
        )
        report = None if given.quiet else PassReport(given.refine)
        try:
            write_reconstruction(
                None if str(given.model_path) == NO_MODEL else given.model_path,
                given.test_data,
                given.output_dir,
                config,
                counts=given.counts,
                probe_file=given.probe,
                figure=given.figure,
                report=report,
                note=None if given.quiet else lambda text: say(f"note: {text}"),
            )
        finally:
            if report is not None:
                report.close()
        if not given.quiet:
            say(f"wrote {given.output_dir}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
