"""Train a reconstructor on a scan."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch import __version__
from ptycho_torch.checks import (
    CommandParser,
    UsageError,
    expected,
    one_of,
    positive_number,
    require,
    require_torch,
    run_command,
    whole_number,
)
from ptycho_torch.config import ModelConfig, TrainingConfig
from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.data.npz import write_npz
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.env_report import facts
from ptycho_torch.outputs import RunLog, check_output_dir, complete_folder
from ptycho_torch.pictures import save_curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptycho_torch.lightning_module import EpochRecord

CHECK_PATTERNS = 8
"""How many patterns' predictions are kept, to compare a loaded bundle with the trained network."""

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


def write_training(
    training_file: Path,
    output_dir: Path,
    config: TrainingConfig,
    *,
    test_file: Path | None = None,
    quiet: bool = True,
) -> None:
    """Train on a file and write the bundle, the checkpoint and the records of the run.

    Args:
        training_file: The scan to train on.
        output_dir: Where to write; it is filled when all is done, or not at all.
        config: How to train.
        test_file: A scan to judge the loss on after each epoch.
        quiet: Say nothing while training.

    Raises:
        UsageError: If something asked for cannot be done; nothing is written then.
    """
    require_torch()
    require("lightning", "safetensors", "pillow")
    check_output_dir(output_dir)
    log = RunLog("ptycho_torch.train")
    with log.stage("read"):
        scan = load_scan(training_file)
        test_scan = None if test_file is None else load_scan(test_file)
        picked = len(pick_evenly(len(scan.positions_px), config.n_images))
        if test_scan is not None and test_scan.probe.shape != scan.probe.shape:
            raise UsageError(
                expected(
                    f"the patterns in {test_file}",
                    f"have the shape {scan.probe.shape}",
                    test_scan.probe.shape,
                    "Test on a scan of the same detector.",
                )
            )
    with log.stage("import"):
        # Costly, so after the data's errors, and timed; only training needs Lightning.
        import torch  # noqa: PLC0415

        from ptycho_torch.bundle import BUNDLE_NAME, Bundle, save_bundle  # noqa: PLC0415
        from ptycho_torch.data.dataset import PatternDataset  # noqa: PLC0415
        from ptycho_torch.fitting import fit  # noqa: PLC0415
        from ptycho_torch.reconstructor import Reconstructor  # noqa: PLC0415

    with complete_folder(output_dir) as folder:
        (folder / "checkpoints").mkdir()
        with log.stage("train"):
            torch.manual_seed(config.seed)
            patterns = PatternDataset(scan, config.n_images)
            reconstructor = Reconstructor(torch.from_numpy(scan.probe), ModelConfig())
            reconstructor.calibrate(patterns.diffraction_amplitude)
            training = fit(
                reconstructor,
                patterns,
                config,
                test=None if test_scan is None else PatternDataset(test_scan),
                checkpoint=folder / "checkpoints" / "last.ckpt",
                report=None if quiet else _print_epoch,
            )
        with log.stage("save"):
            about = {
                "config": asdict(config),
                "scan_sha256": scan.digest(),
                "loss": training.history[-1].train_loss,
                "ptycho_torch": __version__,
            }
            bundle = Bundle(reconstructor=reconstructor, training=about)
            save_bundle(folder / BUNDLE_NAME, bundle)
            first = torch.from_numpy(scan.diffraction_amplitude[:CHECK_PATTERNS])
            patches = reconstructor.predict(first, CHECK_PATTERNS)
            write_npz(folder / "check.npz", {"object_patches": patches.numpy()})
            _write_metrics(folder / "metrics.csv", training.history)
            save_curve(folder / "loss.png", [epoch.train_loss for epoch in training.history])
        log.facts.update(
            config=asdict(config),
            seed=config.seed,
            loss=training.history[-1].train_loss,
            patterns_declared=picked * config.max_epochs,
            patterns_processed=training.patterns_processed,
            environment=facts(),
        )
        log.write(folder / "run.json")


def _print_epoch(record: EpochRecord) -> None:
    test = "" if record.test_loss is None else f"  test loss {record.test_loss:.4f}"
    text = f"epoch {record.epoch + 1}  loss {record.train_loss:.4f}{test}  {record.seconds:.1f} s"
    print(text, file=sys.stderr)


def _write_metrics(path: Path, history: list[EpochRecord]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(history[0])])
        writer.writeheader()
        writer.writerows(asdict(record) for record in history)


def _parser() -> CommandParser:
    default = TrainingConfig()
    parser = CommandParser(
        prog="python -m ptycho_torch.train",
        description="Train a reconstructor on a scan with a known probe.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--train_data_file", type=Path, required=True, help="scan to train on (NPZ)")
    add("--test_data_file", type=Path, help="scan to judge the loss on after each epoch (NPZ)")
    add("--output_dir", type=Path, required=True, help="folder to write into")
    add(
        "--max_epochs",
        type=whole_number("--max_epochs", minimum=1),
        default=default.max_epochs,
        help="passes over the patterns (default: %(default)s)",
    )
    add(
        "--n_images",
        type=whole_number("--n_images", minimum=1),
        help="patterns to train on, picked evenly over the scan (default: all)",
    )
    add(
        "--gridsize",
        type=whole_number("--gridsize", minimum=1),
        default=1,
        help="patterns per group; only 1 for now",
    )
    add(
        "--batch_size",
        type=whole_number("--batch_size", minimum=1),
        default=default.batch_size,
        help="patterns per step (default: %(default)s)",
    )
    add(
        "--learning_rate",
        type=positive_number("--learning_rate"),
        default=default.learning_rate,
        help="highest learning rate (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole_number("--seed", minimum=0),
        default=default.seed,
        help="start of every random choice (default: %(default)s)",
    )
    add(
        "--accelerator",
        type=one_of("--accelerator", ACCELERATORS),
        default=default.accelerator,
        help=f"one of {', '.join(ACCELERATORS)} (default: %(default)s)",
    )
    add("--quiet", action="store_true", help="say nothing while training")
    add("--logger", help="accepted for PtychoPINN's users; metrics always go to metrics.csv")
    add("--disable_mlflow", action="store_true", help="accepted for PtychoPINN's users; no MLflow")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""

    def command() -> None:
        given = _parser().parse(argv)
        if given.gridsize > 1:
            raise UsageError(
                expected("--gridsize", "be 1", given.gridsize, "Groups are not supported yet.")
            )
        config = TrainingConfig(
            max_epochs=given.max_epochs,
            batch_size=given.batch_size,
            learning_rate=given.learning_rate,
            n_images=given.n_images,
            seed=given.seed,
            accelerator=given.accelerator,
        )
        write_training(
            given.train_data_file,
            given.output_dir,
            config,
            test_file=given.test_data_file,
            quiet=given.quiet,
        )
        if not given.quiet:
            print(f"wrote {given.output_dir}", file=sys.stderr)

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
