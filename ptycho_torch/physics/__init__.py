"""Differentiable physics of a ptychographic measurement, in native PyTorch."""

from ptycho_torch.checks import require_torch

require_torch()
