"""Train a reconstructor: Lightning's trainer, set up for one process or several."""

import inspect
import logging
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptycho_torch.checkpoints import Identity, LastCheckpoint
from ptycho_torch.checks import UsageError, expected
from ptycho_torch.config import TrainingConfig
from ptycho_torch.data.datamodule import PatternDataModule
from ptycho_torch.data.dataset import GroupedPatterns, PatternDataset, TaughtPatterns
from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.lightning_module import EpochRecord, ReconstructorModule
from ptycho_torch.needs_lightning import lightning
from ptycho_torch.needs_torch import choose_device, torch, useful_threads
from ptycho_torch.progress import ProgressReport
from ptycho_torch.reconstructor import Reconstructor

CALIBRATION_PIXELS = 2**22
"""Pixels that scales are taken from: 1024 patterns of 64 × 64, and never a whole large scan."""

LESSON_CLIP = 1.0
"""Largest norm of a gradient of the relative distance to a lesson."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A finished training.

    Attributes:
        history: One record per epoch.
        patterns_processed: Patterns that went through an optimiser step.
        rank: Number of this process among those that trained together; only 0 writes files.
    """

    history: list[EpochRecord]
    patterns_processed: int
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where a training is kept while it runs.

    Attributes:
        checkpoint: The file with the last complete epoch.
        identity: What is trained on what.
        resume: Whether to go on from the file.
    """

    checkpoint: Path
    identity: Identity
    resume: bool = False


def calibration_patterns(patterns: PatternDataset | TaughtPatterns) -> torch.Tensor:
    """Give as many patterns (pattern, y, x), picked evenly, as are enough to take scales from."""
    total = len(patterns)
    enough = max(16, CALIBRATION_PIXELS // patterns.diffraction_amplitude[0].numel())
    if total <= enough:
        return patterns.diffraction_amplitude
    return patterns.diffraction_amplitude[pick_evenly(total, enough)]


def fit(
    reconstructor: Reconstructor,
    patterns: PatternDataset | TaughtPatterns,
    config: TrainingConfig,
    *,
    test: PatternDataset | None = None,
    keeping: Keeping | None = None,
    quiet: bool = True,
    report: Callable[[EpochRecord], None] | None = None,
) -> Training:
    """Train a reconstructor in place; afterwards it is on the CPU and ready to predict.

    The same reconstructor, patterns, seed, machine and thread count give the same weights, also
    when the training was interrupted and went on.

    Args:
        reconstructor: What to train, calibrated.
        patterns: What to train on; with lessons the network learns from these, else from counts.
        config: How to train.
        test: Patterns to judge the loss on after each epoch.
        keeping: Where to keep the last complete epoch; nowhere if ``None``.
        quiet: Whether to say nothing on stderr.
        report: Called after each epoch.

    Returns:
        The training.

    Raises:
        UsageError: If the accelerator is not available, or the loss is no number any more.
        KeyboardInterrupt: If Ctrl-C ended the training; its text says how to go on.
    """
    device = choose_device(config.accelerator)
    _check_devices(device, config.devices)
    gridsize = reconstructor.config.gridsize
    training = _grouped(patterns, gridsize)
    judged = None if test is None else _grouped(test, gridsize)
    progress = ProgressReport(len(training) * gridsize**2, config.max_epochs)
    watch = _Watch(None if quiet else progress.note, report)
    module = ReconstructorModule(reconstructor, config, watch.note)
    callbacks: list[lightning.Callback] = [] if quiet else [progress]
    last = None
    if keeping is not None:
        last = LastCheckpoint(keeping.checkpoint, keeping.identity)
        callbacks.append(last)
    clip = LESSON_CLIP
    if isinstance(patterns, PatternDataset):
        clip = config.gradient_clip * float(calibration_patterns(patterns).square().mean())
    window = reconstructor.forward_model.window_probe.numel() * gridsize**2
    with _quiet_lightning(), _threads(config.batch_size * window // config.devices):
        trainer = lightning.Trainer(
            accelerator=device.type,
            devices=config.devices,
            strategy=_strategy(config),
            precision=config.precision,  # type: ignore[arg-type]
            max_epochs=config.max_epochs,
            gradient_clip_val=clip,
            deterministic="warn",
            use_distributed_sampler=False,  # the data module shares out each batch itself
            logger=False,
            callbacks=callbacks,
            enable_checkpointing=keeping is not None,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        batches = PatternDataModule(
            training, judged, config.batch_size, config.seed, config.num_workers
        )
        start: dict[str, Any] = {}
        if keeping is not None and keeping.resume:
            start["ckpt_path"] = keeping.checkpoint
            if "weights_only" in inspect.signature(trainer.fit).parameters:
                start["weights_only"] = True
        try:
            trainer.fit(module, datamodule=batches, **start)
            if trainer.interrupted:  # Lightning before 2.5 returns as if nothing had happened
                raise KeyboardInterrupt
        except (KeyboardInterrupt, SystemExit) as stop:
            # Lightning since 2.5 answers Ctrl-C with SystemExit, after which it ignores SIGINT.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt(_how_to_go_on(last, config)) from stop
    reconstructor.cpu().eval()
    return Training(
        history=module.history,
        patterns_processed=module.patterns_processed,
        rank=trainer.global_rank,
    )


def _strategy(config: TrainingConfig) -> Any:
    if config.strategy != "ddp":
        return config.strategy
    # Each process reads the same scan, so buffers are the same; and Gloo in PyTorch 2.2 cannot send
    # complex ones.
    return lightning.strategies.DDPStrategy(broadcast_buffers=False)


def _grouped(
    patterns: PatternDataset | TaughtPatterns, gridsize: int
) -> PatternDataset | TaughtPatterns | GroupedPatterns:
    return patterns if gridsize == 1 else GroupedPatterns(patterns, gridsize)


@dataclass(slots=True)
class _Watch:
    """Stop a training whose loss is no number, and tell everyone else of each epoch."""

    progress: Callable[[EpochRecord], None] | None
    report: Callable[[EpochRecord], None] | None

    def note(self, record: EpochRecord) -> None:
        if not abs(record.train_loss) < float("inf"):
            raise UsageError(
                expected(
                    "the loss",
                    "be a finite number",
                    f"{record.train_loss} in epoch {record.epoch + 1}",
                    "Lower --learning_rate, or look at the scan with ptycho_torch.validate.",
                )
            )
        for listener in (self.progress, self.report):
            if listener is not None:
                listener(record)


def _how_to_go_on(last: LastCheckpoint | None, config: TrainingConfig) -> str:
    if last is None or not last.epochs:
        return "Interrupted. Nothing was written."
    return (
        f"Interrupted after epoch {last.epochs} of {config.max_epochs}, which is kept in "
        f"{last.path}. To go on, run the same command with --resume."
    )


def _check_devices(device: torch.device, wanted: int) -> None:
    here = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type != "cpu" and wanted > here:
        raise UsageError(
            expected("--devices", f"be at most {here}, what is here", wanted, "Ask for fewer.")
        )


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield


@contextmanager
def _threads(pixels: int) -> Iterator[None]:
    """Use as many threads as operators on so many pixels are worth."""
    before = torch.get_num_threads()
    torch.set_num_threads(useful_threads(pixels))
    try:
        yield
    finally:
        torch.set_num_threads(before)
