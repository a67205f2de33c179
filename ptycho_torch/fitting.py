"""Train a reconstructor: Lightning's trainer, set up for one machine or several processes."""

import logging
import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ptycho_torch.config import TrainingConfig
from ptycho_torch.data.datamodule import PatternDataModule
from ptycho_torch.data.dataset import PatternDataset
from ptycho_torch.lightning_module import EpochRecord, ReconstructorModule
from ptycho_torch.needs_lightning import lightning
from ptycho_torch.needs_torch import choose_device, torch, useful_threads
from ptycho_torch.reconstructor import Reconstructor


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A finished training.

    Attributes:
        history: One record per epoch.
        patterns_processed: Patterns that went through an optimiser step.
    """

    history: list[EpochRecord]
    patterns_processed: int


def fit(
    reconstructor: Reconstructor,
    patterns: PatternDataset,
    config: TrainingConfig,
    *,
    test: PatternDataset | None = None,
    checkpoint: Path | None = None,
    report: Callable[[EpochRecord], None] | None = None,
) -> Training:
    """Train a reconstructor in place; afterwards it is on the CPU and ready to predict.

    The same reconstructor, patterns, seed, machine and thread count give the same weights.

    Args:
        reconstructor: What to train, calibrated.
        patterns: What to train on.
        config: How to train.
        test: Patterns to judge the loss on after each epoch.
        checkpoint: Where to write Lightning's checkpoint; nowhere if ``None``.
        report: Called after each epoch.

    Returns:
        The training.

    Raises:
        UsageError: If the accelerator is not available.
        KeyboardInterrupt: If Ctrl-C ended the training.
    """
    device = choose_device(config.accelerator)
    module = ReconstructorModule(reconstructor, config, report)
    counts = float(patterns.diffraction_amplitude.square().mean())
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        trainer = lightning.Trainer(
            accelerator=device.type,
            devices=1,
            max_epochs=config.max_epochs,
            gradient_clip_val=config.gradient_clip * counts,
            deterministic="warn",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        batches = PatternDataModule(patterns, test, config.batch_size, config.seed)
        threads = torch.get_num_threads()
        window = reconstructor.forward_model.window_probe.numel()
        torch.set_num_threads(useful_threads(config.batch_size * window))
        try:
            trainer.fit(module, datamodule=batches)
        except SystemExit as stop:  # Lightning's answer to Ctrl-C, after which it ignores SIGINT
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from stop
        finally:
            torch.set_num_threads(threads)
        if checkpoint is not None:
            trainer.save_checkpoint(checkpoint)
    reconstructor.cpu().eval()
    return Training(history=module.history, patterns_processed=module.patterns_processed)
