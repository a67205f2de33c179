"""Networks that know no physics: images in, images out."""

from ptycho_torch.checks import require_torch

require_torch()
