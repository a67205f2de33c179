"""Batches of patterns for Lightning, in one process or shared out among several."""

from collections.abc import Iterator

from ptycho_torch.data.dataset import Group, GroupedPatterns, Lesson, PatternDataset, TaughtPatterns
from ptycho_torch.needs_lightning import lightning
from ptycho_torch.needs_torch import torch


class SharedBatches(torch.utils.data.Sampler[list[int]]):
    """Batches of indices, of each of which one process takes its share.

    The batches are the same however many processes share them, so that their mean gradient is that
    of a single process. A share that would be smaller is filled up from the start of its batch.

    Args:
        count: Number of patterns.
        batch_size: Patterns per batch, over all processes.
        seed: Start of the random order; in order if ``None``.
        rank: Number of this process.
        world_size: Number of processes.
    """

    def __init__(
        self, count: int, batch_size: int, seed: int | None, rank: int = 0, world_size: int = 1
    ) -> None:
        self.count = count
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, which the random order depends on (Lightning calls this)."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(range(0, self.count, self.batch_size))

    def __iter__(self) -> Iterator[list[int]]:
        order = list(range(self.count))
        if self.seed is not None:
            shuffle = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
            order = torch.randperm(self.count, generator=shuffle).tolist()
        for start in range(0, self.count, self.batch_size):
            batch = order[start : start + self.batch_size]
            missing = -len(batch) % self.world_size
            filled = batch + [batch[i % len(batch)] for i in range(missing)]
            yield filled[self.rank :: self.world_size]


class PatternDataModule(lightning.LightningDataModule):
    """Training patterns in a new random order each epoch; test patterns in the scan's order.

    Args:
        training: Patterns to train on.
        test: Patterns to judge the loss on, after each epoch; none if ``None``.
        batch_size: Patterns per batch, over all processes.
        seed: Start of the random order.
        num_workers: Processes that read patterns; this one does if 0.
    """

    def __init__(
        self,
        training: PatternDataset | TaughtPatterns | GroupedPatterns,
        test: PatternDataset | TaughtPatterns | GroupedPatterns | None,
        batch_size: int,
        seed: int,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        self.training = training
        self.test = test
        self.batch_size = batch_size
        self.seed = seed
        self.num_workers = num_workers

    def train_dataloader(self) -> torch.utils.data.DataLoader[torch.Tensor | Lesson | Group]:
        """Give the training batches."""
        return self._loader(self.training, self.seed)

    def val_dataloader(self) -> list[torch.utils.data.DataLoader[torch.Tensor | Lesson | Group]]:
        """Give the test batches; none without a test scan."""
        return [] if self.test is None else [self._loader(self.test, None)]

    def _loader(
        self, patterns: PatternDataset | TaughtPatterns | GroupedPatterns, seed: int | None
    ) -> torch.utils.data.DataLoader[torch.Tensor | Lesson | Group]:
        rank, world_size = 0, 1
        if self.trainer is not None:
            rank, world_size = self.trainer.global_rank, self.trainer.world_size
        batches = SharedBatches(len(patterns), self.batch_size, seed, rank, world_size)
        return torch.utils.data.DataLoader(
            patterns,
            batch_size=None,
            sampler=batches,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
