"""The one door to PyTorch for modules beside those of the ``physics`` and ``models`` packages.

``from ptycho_torch.needs_torch import torch`` is ``import torch`` with POLICY-001 kept: where
PyTorch is missing or too old, it raises :class:`ptycho_torch.checks.TorchMissing`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ptycho_torch.checks import UsageError, expected, require_torch

require_torch()

import torch  # noqa: E402 - only after the check that says what to install

__all__ = ["choose_device", "limit_threads", "torch", "useful_threads"]

PIXELS_PER_THREAD = 40_000
"""Fewer pixels of a batch than this are not worth another thread.

Small operators end at a barrier thousands of times a second. On a busy machine the threads then
mostly wait for each other: with 2 threads on 2 cores and one busy neighbour, training on batches of
8 × 48 × 48 pixels took up to 30 times longer than with 1, and only 25 % less on a quiet one.
"""


def useful_threads(pixels: int) -> int:
    """Give the number of threads worth using for operators on so many pixels.

    Args:
        pixels: Pixels of a batch of images.

    Returns:
        At least 1, at most what PyTorch is set to (``OMP_NUM_THREADS``).

    Examples:
        >>> useful_threads(8 * 48 * 48)
        1
    """
    return max(1, min(torch.get_num_threads(), pixels // PIXELS_PER_THREAD))


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Use at most so many threads within the block, and at least one."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, count)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose_device(accelerator: str) -> torch.device:
    """Turn an accelerator's name into a device that is here.

    Args:
        accelerator: ``auto``, ``cpu``, ``gpu`` (or ``cuda``), or ``mps``.

    Returns:
        The device; for ``auto`` the first of cuda, mps, cpu that works.

    Raises:
        UsageError: If the accelerator is not available.

    Examples:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if accelerator == "auto":
        return torch.device(next(kind for kind, usable in available.items() if usable))
    kind = "cuda" if accelerator == "gpu" else accelerator
    if not available.get(kind, False):
        here = ", ".join(name for name, usable in available.items() if usable)
        raise UsageError(
            expected("--accelerator", f"be available here ({here})", accelerator, "Use auto.")
        )
    return torch.device(kind)
