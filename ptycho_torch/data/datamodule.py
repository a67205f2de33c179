"""Batches of patterns for Lightning."""

from ptycho_torch.data.dataset import PatternDataset
from ptycho_torch.needs_lightning import lightning
from ptycho_torch.needs_torch import torch


class PatternDataModule(lightning.LightningDataModule):
    """Training patterns in a new random order each epoch; test patterns in the scan's order.

    Args:
        training: Patterns to train on.
        test: Patterns to judge the loss on, after each epoch; none if ``None``.
        batch_size: Patterns per batch.
        seed: Start of the random order.
    """

    def __init__(
        self, training: PatternDataset, test: PatternDataset | None, batch_size: int, seed: int
    ) -> None:
        super().__init__()
        self.training = training
        self.test = test
        self.batch_size = batch_size
        self.order = torch.Generator().manual_seed(seed)

    def train_dataloader(self) -> torch.utils.data.DataLoader[torch.Tensor]:
        """Give the training batches."""
        order = torch.utils.data.RandomSampler(self.training, generator=self.order)
        return self._loader(self.training, order)

    def val_dataloader(self) -> list[torch.utils.data.DataLoader[torch.Tensor]]:
        """Give the test batches; none without a test scan."""
        if self.test is None:
            return []
        return [self._loader(self.test, torch.utils.data.SequentialSampler(self.test))]

    def _loader(
        self, patterns: PatternDataset, order: torch.utils.data.Sampler[int]
    ) -> torch.utils.data.DataLoader[torch.Tensor]:
        batches = torch.utils.data.BatchSampler(order, self.batch_size, drop_last=False)
        return torch.utils.data.DataLoader(patterns, batch_size=None, sampler=batches)
