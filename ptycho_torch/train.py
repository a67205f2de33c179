"""Train a reconstructor on a scan: the command line, and what it writes."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch.bundle_file import BUNDLE_NAME
from ptycho_torch.checks import (
    SEED_MAXIMUM,
    CommandParser,
    SystemFailure,
    UsageError,
    expected,
    one_of,
    positive_number,
    require,
    require_torch,
    whole_number,
)
from ptycho_torch.commands import is_first_process, run_command, say
from ptycho_torch.config import TrainingConfig, plain_settings
from ptycho_torch.data.npz import write_npz
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.env_report import device_facts
from ptycho_torch.outputs import RunLog, check_output_dir, complete_folder
from ptycho_torch.pictures import save_curve
from ptycho_torch.training import PRECISIONS, STRATEGIES, check_training, train_scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptycho_torch.data.scan import Scan
    from ptycho_torch.fitting import Training

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
CHECKPOINT = Path("checkpoints") / "last.ckpt"


def write_training(
    training_file: Path,
    output_dir: Path,
    config: TrainingConfig,
    *,
    test_file: Path | None = None,
    counts: bool = False,
    probe_file: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    quiet: bool = True,
) -> bool:
    """Train on a file and write the bundle, the checkpoint and the records of the run.

    Args:
        training_file: The scan to train on.
        output_dir: Where to write. The checkpoint of the last complete epoch lies there from the
            first one on; everything else appears when all is done, or not at all.
        config: How to train.
        test_file: A scan to judge the loss on after each epoch.
        counts: Whether the files hold counts instead of amplitudes.
        probe_file: A file whose probe to take instead of the scans' own.
        resume: Whether to go on from the checkpoint in ``output_dir``.
        overwrite: Whether a training that lies there already may be lost.
        quiet: Say nothing while training.

    Returns:
        Whether this process wrote the results; of those that train together, only the first does.

    Raises:
        UsageError: If something asked for cannot be done; nothing is written then.
        SystemFailure: If the results cannot be written; the checkpoint is kept.
        KeyboardInterrupt: If Ctrl-C ended the training; its text says how to go on.
    """
    require_torch()
    require("lightning", "safetensors", "pillow")
    check_output_dir(output_dir)
    if not (resume or overwrite):
        _check_nothing_is_lost(output_dir)
    log = RunLog("ptycho_torch.train")
    with log.stage("read"):

        def load(path: Path) -> Scan:
            silent = quiet or not is_first_process()
            note = None if silent else lambda text: say(f"note: {text}")
            return load_scan(path, counts=counts, probe=probe_file, note=note)

        scan = load(training_file)
        test = None if test_file is None else load(test_file)
        check_training(scan, config, test)
        if resume and not (output_dir / CHECKPOINT).is_file():
            remedy = "Leave out --resume to train from the start."
            name = str(output_dir / CHECKPOINT)
            raise UsageError(expected(name, "be a checkpoint", "no file there", remedy))
    with log.stage("import"):
        # Costly, so after the data's errors, and timed; only training needs Lightning.
        import torch  # noqa: F401, PLC0415

        from ptycho_torch.bundle import save_bundle  # noqa: PLC0415
    with log.stage("train"):
        bundle, training = train_scan(
            scan,
            config,
            test=test,
            checkpoint=output_dir / CHECKPOINT,
            resume=resume,
            quiet=quiet,
        )
    if training.rank > 0:
        return False
    log.facts.update(
        config=plain_settings(config),
        seed=config.seed,
        data=bundle.training["data"],
        loss=training.history[-1].train_loss,
        patterns_declared=bundle.training["data"]["patterns"]
        * config.gridsize**2
        * config.max_epochs,
        patterns_processed=training.patterns_processed,
        environment=device_facts(),
    )
    try:
        with complete_folder(output_dir) as folder:
            with log.stage("save"):
                save_bundle(folder / BUNDLE_NAME, bundle)
                patches = bundle.reconstructor.first_patches(scan)
                write_npz(folder / "check.npz", {"object_patches": patches.numpy()})
                _write_metrics(folder / "metrics.csv", training)
                save_curve(folder / "loss.png", [epoch.train_loss for epoch in training.history])
            log.write(folder / "run.json")
    except KeyboardInterrupt as stop:
        told = (
            f"Interrupted while the results were written. The whole training is kept in "
            f"{output_dir / CHECKPOINT}. To write them, run the same command with --resume."
        )
        raise KeyboardInterrupt(told) from stop
    except OSError as problem:
        got = problem.strerror or problem
        remedy = (
            "Free what is missing, then run the same command with --resume: the training is kept "
            f"in {output_dir / CHECKPOINT}."
        )
        raise SystemFailure(expected(str(output_dir), "take the results", got, remedy)) from problem
    return True


def _check_nothing_is_lost(output_dir: Path) -> None:
    """Refuse a folder in which a training lies already."""
    for kept in (output_dir / BUNDLE_NAME, output_dir / CHECKPOINT):
        if kept.is_file():
            remedy = "Give another folder, --resume to go on with it, or --overwrite to lose it."
            raise UsageError(expected("--output_dir", "hold no training yet", kept, remedy))


def _write_metrics(path: Path, training: Training) -> None:
    history = training.history
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

    def number(name: str, minimum: int, meaning: str, value: int | None = None) -> None:
        shown = "all" if value is None else "%(default)s"
        add(
            name,
            type=whole_number(name, minimum=minimum),
            default=value,
            help=f"{meaning} (default: {shown})",
        )

    def choice(name: str, choices: Sequence[str], value: str, meaning: str) -> None:
        add(
            name,
            type=one_of(name, choices),
            default=value,
            help=f"{meaning}: {', '.join(choices)} (default: %(default)s)",
        )

    add("--train_data_file", type=Path, required=True, help="scan to train on")
    add("--test_data_file", type=Path, help="scan to judge the loss on after each epoch")
    add("--probe", type=Path, help="file whose probe to take instead of the scans' own")
    add("--output_dir", type=Path, required=True, help="folder to write into")
    add("--resume", action="store_true", help="go on from the checkpoint in --output_dir")
    add("--overwrite", action="store_true", help="lose the training that lies in --output_dir")
    add("--counts", action="store_true", help="the scans hold counts, not their square roots")
    number("--max_epochs", 1, "passes over the patterns", default.max_epochs)
    number("--n_images", 1, "patterns to train on, picked evenly over the scan")
    number(
        "--gridsize",
        1,
        "width of a group: 2 learns each pattern together with its 3 nearest neighbours; 1: alone",
        default.gridsize,
    )
    number("--batch_size", 1, "patterns (or groups) per step, over all devices", default.batch_size)
    number(
        "--teacher_passes",
        0,
        "passes of refinement whose image teaches the network; 0: learn from the counts alone",
        default.teacher_passes,
    )
    add(
        "--learning_rate",
        type=positive_number("--learning_rate"),
        default=default.learning_rate,
        help="highest learning rate (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole_number("--seed", minimum=0, maximum=SEED_MAXIMUM),
        default=default.seed,
        help="start of every random choice (default: %(default)s)",
    )
    choice("--accelerator", ACCELERATORS, default.accelerator, "where to compute")
    number("--devices", 1, "processes that train together", default.devices)
    choice("--strategy", STRATEGIES, default.strategy, "how they train together")
    choice("--precision", PRECISIONS, default.precision, "numbers to compute with")
    number("--num_workers", 0, "processes that read patterns", default.num_workers)
    add("--quiet", action="store_true", help="say nothing while training")
    add("--logger", help="accepted for PtychoPINN's users; metrics always go to metrics.csv")
    add("--disable_mlflow", action="store_true", help="accepted for PtychoPINN's users; no MLflow")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""

    def command() -> None:
        given = vars(_parser().parse(argv))
        settings = {field.name for field in fields(TrainingConfig)} & given.keys()
        wrote = write_training(
            given["train_data_file"],
            given["output_dir"],
            TrainingConfig(**{name: given[name] for name in settings}),
            test_file=given["test_data_file"],
            counts=given["counts"],
            probe_file=given["probe"],
            resume=given["resume"],
            overwrite=given["overwrite"],
            quiet=given["quiet"],
        )
        if wrote and not given["quiet"]:
            say(f"wrote {given['output_dir']}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
