"""A training's last complete epoch on disk, and how to go on from it."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ptycho_torch.checks import DataError, SystemFailure, UsageError, expected
from ptycho_torch.config import TrainingConfig
from ptycho_torch.lightning_module import EpochRecord
from ptycho_torch.needs_lightning import lightning
from ptycho_torch.needs_torch import torch

KEY = "ptycho_torch"
"""Where a checkpoint keeps what Lightning does not know of."""

FREE_SETTINGS = frozenset({"accelerator", "devices", "strategy", "num_workers"})
"""Settings that say where to compute, and may differ when a training goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes two trainings the same one.

    Attributes:
        config: The settings, plain JSON.
        scan_sha256: Digest of the scan.
    """

    config: dict[str, Any]
    scan_sha256: str

    @classmethod
    def of(cls, config: TrainingConfig, scan_sha256: str) -> "Identity":
        """Give the identity of a training with these settings on this scan."""
        return cls(config=asdict(config), scan_sha256=scan_sha256)


class LastCheckpoint(lightning.callbacks.Checkpoint):
    """Write a checkpoint after each epoch, in one move, so that it is whole at every moment.

    Args:
        path: The file.
        identity: What is trained on what.

    Attributes:
        epochs: Number of epochs that the file holds.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        super().__init__()
        self.path = path
        self.identity = identity
        self.epochs = 0

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Write the checkpoint; the module has noted its epoch by then."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        new = [place for place in (partial.parent, partial.parent.parent) if not place.exists()]
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            trainer.save_checkpoint(partial)
            if trainer.is_global_zero:
                partial.replace(self.path)
        except BaseException as problem:
            partial.unlink(missing_ok=True)
            with suppress(OSError):  # another process may have put something there
                for place in new:
                    place.rmdir()
            # PyTorch tells of a disk that takes no more by a RuntimeError of its own.
            if isinstance(problem, (OSError, RuntimeError)):
                raise SystemFailure(self._lost(len(pl_module.history), problem)) from problem
            raise
        self.epochs = len(pl_module.history)

    def _lost(self, epoch: int, problem: OSError | RuntimeError) -> str:
        got = problem.strerror if isinstance(problem, OSError) else None
        go_on = "run again"
        if self.epochs:
            go_on = f"run the same command with --resume: epoch {self.epochs} is kept"
        return expected(
            str(self.path),
            f"take the checkpoint of epoch {epoch}",
            got or str(problem).splitlines()[0],
            f"Free what is missing, then {go_on}.",
        )

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Add the history, the identity and the state of the random numbers.

        PyTorch before 2.4 puts a function into the state of a one-cycle schedule; with it, the file
        could not be read as weights only. The schedule that is built anew has it anyway.
        """
        del trainer
        for schedule in checkpoint["lr_schedulers"]:
            schedule.pop("anneal_func", None)
        checkpoint[KEY] = {
            "history": [asdict(record) for record in pl_module.history],
            "patterns_processed": pl_module.patterns_processed,
            "identity": asdict(self.identity),
            "random": torch.get_rng_state(),
        }

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Take up the history and the random numbers where they were."""
        del trainer
        kept = checkpoint[KEY]
        pl_module.history[:] = [EpochRecord(**record) for record in kept["history"]]
        pl_module.patterns_processed = kept["patterns_processed"]
        torch.set_rng_state(kept["random"])
        self.epochs = len(pl_module.history)


def check_resumable(path: Path, identity: Identity) -> None:
    """Refuse to go on from a checkpoint that is missing, damaged, or of another training.

    Args:
        path: The checkpoint.
        identity: What is to be trained on what.

    Raises:
        DataError: If there is no whole checkpoint.
        UsageError: If it belongs to another scan or to other settings.
    """
    if not path.is_file():
        remedy = "Leave out --resume to train from the start."
        raise DataError(expected(str(path), "be a checkpoint", "no file there", remedy))
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)[KEY]
        known = Identity(**kept["identity"])
    except Exception as problem:  # the unpickler raises whatever a damaged file leads it to
        text = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise DataError(
            expected(
                str(path),
                "be a whole checkpoint of python -m ptycho_torch.train",
                f"one that cannot be read ({text[:80]})",
                "Train anew with --overwrite instead of --resume.",
            )
        ) from problem
    if known.scan_sha256 != identity.scan_sha256:
        raise UsageError(
            expected(
                "--train_data_file",
                "be the scan that the checkpoint was trained on",
                "another scan",
                "Give that scan, or train anew with --overwrite.",
            )
        )
    settings = asdict(TrainingConfig()) | known.config
    for name, value in identity.config.items():
        if name not in FREE_SETTINGS and settings[name] != value:
            raise UsageError(
                expected(
                    f"--{name}",
                    f"be {'all' if settings[name] is None else settings[name]} as in the "
                    "checkpoint",
                    value,
                    "The learning rate falls over all the epochs that were asked for at first, so "
                    "a training cannot be made longer: train anew."
                    if name == "max_epochs"
                    else "Give the same settings, or train anew with --overwrite.",
                )
            )
