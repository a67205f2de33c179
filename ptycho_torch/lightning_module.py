"""What Lightning adds to a reconstructor: steps, optimiser, schedule, history."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ptycho_torch.config import TrainingConfig
from ptycho_torch.data.dataset import Group, Lesson
from ptycho_torch.needs_lightning import lightning
from ptycho_torch.needs_torch import torch
from ptycho_torch.reconstructor import Reconstructor


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What an epoch came to.

    Attributes:
        epoch: Its number, from 0.
        steps: Optimiser steps so far.
        train_loss: Mean loss over the epoch's patterns.
        test_loss: Mean loss over the test patterns after it; ``None`` without test patterns.
        learning_rate: Rate of its last step.
        seconds: Time since training began.
    """

    epoch: int
    steps: int
    train_loss: float
    test_loss: float | None
    learning_rate: float
    seconds: float


def count_patterns(diffraction_amplitude: torch.Tensor) -> int:
    """Count patterns (…, y, x), those of groups one by one.

    Examples:
        >>> count_patterns(torch.ones(5, 32, 32)), count_patterns(torch.ones(5, 4, 32, 32))
        (5, 20)
    """
    return math.prod(diffraction_amplitude.shape[:-2])


def _parts(
    batch: torch.Tensor | Lesson | Group,
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Give amplitudes, the members' places in their groups, and what is known of the object."""
    if isinstance(batch, Group):
        return batch.diffraction_amplitude, batch.relative_positions_px, batch.object_patches
    if isinstance(batch, Lesson):
        return batch.diffraction_amplitude, None, batch.object_patches
    return batch, None, None


class RunningMean:
    """Mean of a loss over patterns, in one number: a list of them would scatter the memory."""

    def __init__(self) -> None:
        self._total: torch.Tensor | None = None
        self._count = 0

    def add(self, loss: torch.Tensor, count: int) -> None:
        """Add the mean loss of some patterns."""
        exact = torch.float32 if loss.device.type == "mps" else torch.float64
        part = loss.detach().to(exact) * count
        self._total = part if self._total is None else self._total.add_(part)
        self._count += count

    def finish(self, trainer: lightning.Trainer) -> tuple[float, int]:
        """Give the mean over the patterns of all processes, and their number; begin anew."""
        total, count = self._total, self._count
        self._total, self._count = None, 0
        if total is None:
            return float("nan"), 0
        if trainer.world_size > 1:
            sums = torch.stack([total, torch.full_like(total, count)])
            total, counts = trainer.strategy.reduce(sums, reduce_op="sum").unbind()
            count = int(counts)
        return float(total) / count, count


class ReconstructorModule(lightning.LightningModule):
    """Train a reconstructor.

    Args:
        reconstructor: What to train.
        config: How to train it.
        report: Called after each epoch.
    """

    def __init__(
        self,
        reconstructor: Reconstructor,
        config: TrainingConfig,
        report: Callable[[EpochRecord], None] | None = None,
    ) -> None:
        super().__init__()
        self.reconstructor = reconstructor
        self.config = config
        self.report = report
        self.history: list[EpochRecord] = []
        self.patterns_processed = 0
        self._train_loss = RunningMean()
        self._test_loss = RunningMean()
        self._began = 0.0

    def training_step(self, batch: torch.Tensor | Lesson | Group) -> torch.Tensor:
        """Give the loss of a batch of diffraction amplitudes (pattern, y, x), or of lessons.

        What is noted is the loss by the counts in either case, so that it can be compared.
        """
        amplitude, places, known = _parts(batch)
        patches = self.reconstructor.agree(amplitude, places)
        with torch.set_grad_enabled(known is None):
            counts_loss = self.reconstructor.counts_loss(patches, amplitude)
        self._train_loss.add(counts_loss, count_patterns(amplitude))
        return counts_loss if known is None else self.reconstructor.lesson_loss(patches, known)

    def validation_step(self, batch: torch.Tensor | Lesson | Group) -> None:
        """Note the loss of a batch of test patterns."""
        amplitude, places, _ = _parts(batch)
        self._test_loss.add(self.reconstructor.loss(amplitude, places), count_patterns(amplitude))

    def on_train_start(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        """Write the epoch into the history."""
        optimizer = self.optimizers()
        if isinstance(optimizer, list):
            message = "one optimiser is configured, so Lightning gives one"
            raise TypeError(message)
        train_loss, patterns = self._train_loss.finish(self.trainer)
        test_loss, tested = self._test_loss.finish(self.trainer)
        self.patterns_processed += patterns
        self.history.append(
            EpochRecord(
                epoch=self.current_epoch,
                steps=self.global_step,
                train_loss=train_loss,
                test_loss=test_loss if tested else None,
                learning_rate=float(optimizer.param_groups[0]["lr"]),
                seconds=time.perf_counter() - self._began,
            )
        )
        if self.report is not None:
            self.report(self.history[-1])

    def configure_optimizers(self) -> dict[str, object]:  # type: ignore[override]
        """Set up AdamW on a one-cycle schedule over the whole training."""
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.config.learning_rate,
            total_steps=max(int(self.trainer.estimated_stepping_batches), 2),
            pct_start=0.15,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
