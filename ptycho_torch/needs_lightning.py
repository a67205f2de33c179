"""The one door to Lightning, which only training needs and which is costly to import."""

from ptycho_torch.checks import require, require_torch

require_torch()
require("lightning")

import lightning.pytorch as lightning  # noqa: E402 - only after the checks that say what to install

__all__ = ["lightning"]
