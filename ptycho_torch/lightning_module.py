"""What Lightning adds to a reconstructor: steps, optimiser, schedule, history."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ptycho_torch.config import TrainingConfig
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
        self._losses: list[tuple[torch.Tensor, int]] = []
        self._test_losses: list[tuple[torch.Tensor, int]] = []
        self._began = 0.0

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        """Give the loss of a batch of diffraction amplitudes (pattern, y, x)."""
        loss = self.reconstructor.loss(batch)
        self._losses.append((loss.detach(), len(batch)))
        return loss

    def validation_step(self, batch: torch.Tensor) -> None:
        """Note the loss of a batch of test patterns."""
        self._test_losses.append((self.reconstructor.loss(batch), len(batch)))

    def on_train_start(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_epoch_end(self) -> None:
        """Write the epoch into the history."""
        optimizer = self.optimizers()
        if isinstance(optimizer, list):
            message = "one optimiser is configured, so Lightning gives one"
            raise TypeError(message)
        train_loss, patterns = self._mean(self._losses)
        self.patterns_processed += patterns
        self.history.append(
            EpochRecord(
                epoch=self.current_epoch,
                steps=self.global_step,
                train_loss=train_loss,
                test_loss=self._mean(self._test_losses)[0] if self._test_losses else None,
                learning_rate=float(optimizer.param_groups[0]["lr"]),
                seconds=time.perf_counter() - self._began,
            )
        )
        self._losses.clear()
        self._test_losses.clear()
        if self.report is not None:
            self.report(self.history[-1])

    def _mean(self, losses: list[tuple[torch.Tensor, int]]) -> tuple[float, int]:
        """Average losses over the patterns of all processes; give the number of these too."""
        total = sum(float(loss) * count for loss, count in losses)
        count = sum(count for _, count in losses)
        if self.trainer.world_size > 1:
            sums = torch.tensor([total, count], dtype=torch.float64, device=self.device)
            total, count = self.trainer.strategy.reduce(sums, reduce_op="sum").tolist()
        return total / count, int(count)

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
