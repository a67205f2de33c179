"""Reconstruct an object from a scan with a trained bundle."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.bundle_file import read_bundle_file
from ptycho_torch.checks import (
    CommandParser,
    UsageError,
    expected,
    one_of,
    require,
    require_torch,
    run_command,
    whole_number,
)
from ptycho_torch.config import InferenceConfig
from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.data.npz import save_object, write_npz
from ptycho_torch.data.scan import PlacedObject, Scan
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.outputs import RunLog, check_output_dir, complete_folder
from ptycho_torch.pictures import AMPLITUDE_COLOURS, PHASE_COLOURS, save_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ptycho_torch.reconstructor import Reconstructor

CHECK_PATTERNS = 8
"""How many patterns' predictions are kept, to compare with those that training kept."""

SAME_PROBE = 0.9
"""Least overlap of the scan's probe with the trained one: below, the network knows another beam."""

SHOWN_COVERAGE = 0.1
"""Pixels with less than this share of the typical coverage are left out of the pictures."""

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


def check_probe(reconstructor: Reconstructor, scan: Scan, name: str) -> None:
    """Refuse a scan that was made with another probe than the network was trained for.

    Raises:
        UsageError: If the probes' shapes differ, or their overlap is below 0.9.
    """
    known = reconstructor.forward_model.probe.cpu().numpy()
    if scan.probe.shape != known.shape:
        raise UsageError(
            expected(
                f"the patterns in {name}",
                f"have the shape {known.shape} of those trained on",
                scan.probe.shape,
                "Use a bundle that was trained on such patterns.",
            )
        )
    norm = float(np.linalg.norm(known) * np.linalg.norm(scan.probe))
    overlap = abs(complex(np.vdot(known, scan.probe))) / norm
    if overlap < SAME_PROBE:
        raise UsageError(
            expected(
                f"probeGuess in {name}",
                "be the probe that the bundle was trained with",
                f"one of overlap {overlap:.2f}",
                "Train with this probe first.",
            )
        )


def reconstruct(
    reconstructor: Reconstructor, scan: Scan, config: InferenceConfig, log: RunLog | None = None
) -> tuple[PlacedObject, NDArray[np.float32]]:
    """Predict the patches of a scan and stitch them.

    Args:
        reconstructor: A trained network.
        scan: The scan.
        config: How to reconstruct.
        log: Where to note the seconds; nowhere if ``None``.

    Returns:
        The object, and its coverage: the summed light on each pixel, real (y, x).

    Raises:
        UsageError: If the scan has fewer patterns than asked for, or no accelerator is there.
    """
    from ptycho_torch.data.dataset import PatternDataset  # noqa: PLC0415 - needs PyTorch
    from ptycho_torch.needs_torch import choose_device  # noqa: PLC0415 - needs PyTorch

    log = log or RunLog("")
    reconstructor = reconstructor.to(choose_device(config.accelerator))
    patterns = PatternDataset(scan, config.n_images)
    with log.stage("infer"):
        patches = reconstructor.predict(patterns.diffraction_amplitude, config.batch_size)
    with log.stage("stitch"):
        stitched = reconstructor.stitch(patches, patterns.positions_px)
        placed = PlacedObject(
            object_=stitched.object_.cpu().numpy(),
            origin_px=(float(stitched.origin_px[0]), float(stitched.origin_px[1])),
        )
        coverage = stitched.coverage.cpu().numpy()
    return placed, coverage


def write_reconstruction(
    model_path: Path,
    scan_file: Path,
    output_dir: Path,
    config: InferenceConfig,
    *,
    counts: bool = False,
) -> None:
    """Reconstruct a scan from a file and write the object, its pictures and the run's record.

    Args:
        model_path: A bundle, or the folder that training wrote.
        scan_file: The scan.
        output_dir: Where to write; it is filled when all is done, or not at all.
        config: How to reconstruct.
        counts: Whether the file holds counts instead of amplitudes.

    Raises:
        UsageError: If something asked for cannot be done; nothing is written then.
    """
    require_torch()
    require("safetensors", "pillow")
    check_output_dir(output_dir)
    log = RunLog("ptycho_torch.inference")
    with log.stage("read"):
        scan = load_scan(scan_file, counts=counts)
        count = len(pick_evenly(len(scan.positions_px), config.n_images))
        read_bundle_file(model_path)  # what is wrong with it is said before PyTorch is loaded
    with log.stage("import"):
        import torch  # noqa: PLC0415 - after the data's errors, and timed

        from ptycho_torch.bundle import load_bundle  # noqa: PLC0415
    with log.stage("load"):
        reconstructor = load_bundle(model_path).reconstructor
        check_probe(reconstructor, scan, str(scan_file))
    with complete_folder(output_dir) as folder:
        first = torch.tensor(scan.diffraction_amplitude[:CHECK_PATTERNS])
        check = reconstructor.predict(first, CHECK_PATTERNS)
        placed, coverage = reconstruct(reconstructor, scan, config, log)
        if not np.isfinite(placed.object_).all():
            raise UsageError(
                expected(
                    "the reconstruction",
                    "be finite",
                    "NaN or infinity",
                    "Look at the loss in metrics.csv and train again.",
                )
            )
        with log.stage("save"):
            write_npz(folder / "check.npz", {"object_patches": check.numpy()})
            save_object(folder / "reconstruction.npz", placed, coverage=coverage)
            shown = shown_pixels(coverage)
            amplitude = np.abs(placed.object_)
            save_picture(
                folder / "reconstructed_amplitude.png", amplitude, shown, AMPLITUDE_COLOURS
            )
            save_picture(
                folder / "reconstructed_phase.png",
                centred_phase(placed.object_, shown),
                shown,
                PHASE_COLOURS,
            )
        log.facts.update(config=asdict(config), patterns_declared=count, patterns_processed=count)
        log.write(folder / "run.json")


def shown_pixels(coverage: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Mark the pixels that pictures show: those with at least a tenth of the typical coverage.

    Examples:
        >>> shown_pixels(np.array([0.0, 0.05, 1.0, 1.2])).tolist()
        [False, False, True, True]
    """
    return np.asarray(coverage > SHOWN_COVERAGE * float(np.median(coverage[coverage > 0])))


def centred_phase(
    object_: NDArray[np.complexfloating], shown: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give the phase with its circular mean over the shown pixels at 0, in rad.

    Examples:
        >>> centred_phase(np.exp(1j * np.array([3.0, 3.4])), np.array([True, True])).round(3)
        array([-0.2,  0.2])
    """
    mean = np.exp(1j * np.angle(object_[shown])).sum()
    return np.asarray(np.angle(object_ * np.conj(mean)), dtype=np.float64)


def _parser() -> CommandParser:
    default = InferenceConfig()
    parser = CommandParser(
        prog="python -m ptycho_torch.inference",
        description="Reconstruct an object from a scan with a trained bundle.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--model_path", type=Path, required=True, help="folder of a training, or its bundle")
    add("--test_data", type=Path, required=True, help="scan to reconstruct")
    add("--counts", action="store_true", help="the scan holds counts, not their square roots")
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
    add("--quiet", action="store_true", help="say nothing")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""

    def command() -> None:
        given = _parser().parse(argv)
        config = InferenceConfig(n_images=given.n_images, accelerator=given.accelerator)
        write_reconstruction(
            given.model_path, given.test_data, given.output_dir, config, counts=given.counts
        )
        if not given.quiet:
            print(f"wrote {given.output_dir}", file=sys.stderr)

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
