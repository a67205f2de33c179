"""A file that only a worker of a torch DataLoader reads, and weights kept by torch."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="a worker of a DataLoader")

from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return len(Path("data/worker.txt").read_text(encoding="utf-8"))


def test_worker():
    assert len(list(DataLoader(Scans(), num_workers=1, multiprocessing_context="spawn"))) == 2
