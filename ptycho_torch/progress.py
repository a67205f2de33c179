"""Progress of a training: a bar on a terminal, a line per epoch elsewhere."""

import shutil
import sys
import time
from typing import Any, TextIO

from ptycho_torch.commands import say
from ptycho_torch.lightning_module import EpochRecord, count_patterns
from ptycho_torch.needs_lightning import lightning

REFRESH_S = 0.1
BAR = 24


def clock(seconds: float) -> str:
    """Write a time as people read it.

    Examples:
        >>> clock(75), clock(3700), clock(0.4)
        ('1:15', '1:01:40', '0:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def progress_line(
    *,
    done: int,
    total: int,
    epoch: int,
    epochs: int,
    loss: float | None,
    seconds: float,
    bar: bool,
) -> str:
    """Write where a training stands.

    Args:
        done: Patterns processed since training (or its continuation) began.
        total: Patterns to process from there on.
        epoch: Number of the epoch, from 1.
        epochs: Number of epochs.
        loss: Mean loss of the last complete epoch; ``None`` before there is one.
        seconds: Time since training (or its continuation) began.
        bar: Whether to draw a bar.

    Examples:
        >>> progress_line(
        ...     done=50, total=200, epoch=1, epochs=4, loss=0.25, seconds=2.0, bar=False
        ... )
        'epoch 1/4  loss 0.2500  25 patterns/s  0:06 left'
    """
    rate = done / max(seconds, 1e-9)
    left = clock((total - done) / max(rate, 1e-9))
    filled = BAR * done // max(total, 1)
    drawn = f"[{'#' * filled}{'.' * (BAR - filled)}] " if bar else ""
    fallen = "" if loss is None else f"loss {loss:.4f}  "
    return f"epoch {epoch}/{epochs}  {drawn}{fallen}{rate:.0f} patterns/s  {left} left"


class ProgressReport(lightning.Callback):
    """Report the progress of a training on stderr.

    Args:
        patterns: Patterns per epoch.
        epochs: Number of epochs.
        stream: Where to write; standard error if ``None``.
    """

    def __init__(self, patterns: int, epochs: int, stream: TextIO | None = None) -> None:
        self.patterns = patterns
        self.epochs = epochs
        self.stream = stream or sys.stderr
        self.bar = self.stream.isatty()
        self.first_process = True
        self._began = self._shown = 0.0
        self._done = self._first = 0
        self._loss: float | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Start the clock."""
        del pl_module
        self.first_process = trainer.is_global_zero
        self._began, self._done, self._first = time.perf_counter(), 0, trainer.current_epoch

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw the bar anew, at most ten times a second."""
        del pl_module, outputs, batch_idx
        patterns = batch if hasattr(batch, "shape") else batch.diffraction_amplitude
        self._done += count_patterns(patterns) * trainer.world_size
        due = time.perf_counter() - self._shown > REFRESH_S
        if self.bar and self.first_process and due:
            self._draw(trainer.current_epoch)

    def note(self, record: EpochRecord) -> None:
        """Take in a finished epoch, and write its line where there is no bar."""
        self._loss = record.train_loss
        if self.first_process and not self.bar:
            say(self._text(record.epoch), stream=self.stream)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Leave the bar's line."""
        del pl_module
        if self.bar and self.first_process:
            self._draw(max(trainer.current_epoch - 1, 0))
            say("", stream=self.stream)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave the bar's line, so that the message stands alone."""
        del exception
        self.on_train_end(trainer, pl_module)

    def _draw(self, epoch: int) -> None:
        self._shown = time.perf_counter()
        width = shutil.get_terminal_size().columns - 1
        say("\r" + self._text(epoch)[:width].ljust(width), end="", stream=self.stream)

    def _text(self, epoch: int) -> str:
        return progress_line(
            done=self._done,
            total=(self.epochs - self._first) * self.patterns,
            epoch=epoch + 1,
            epochs=self.epochs,
            loss=self._loss,
            seconds=time.perf_counter() - self._began,
            bar=self.bar,
        )
