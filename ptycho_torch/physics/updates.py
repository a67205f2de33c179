"""What the detector's wishes for the exit waves mean for object, probe and positions."""

import torch
from torch import Tensor

from ptycho_torch.physics.projection import incoherent_sum
from ptycho_torch.physics.shifts import shift_derivatives, shift_waves

POSITION_STEP_PX = 0.5
"""How far a position moves in one update, at most."""


class UpdateSums:
    """What the patterns of a batch say together about object and probe.

    The updates are those of rPIE (Maiden, Johnson and Li, *Optica* 4, 736 (2017)), for all
    patterns at once: each pixel gets the mean of what the patterns want, weighed by their light.

    Args:
        object_: Complex (y, x).
        probe: Complex (mode, y, x).
    """

    def __init__(self, object_: Tensor, probe: Tensor) -> None:
        self._shape = object_.shape
        self._object = torch.zeros_like(object_).reshape(-1)
        self._light = torch.zeros_like(self._object.real)
        self._probe = torch.zeros_like(probe)
        self._transmission = torch.zeros_like(probe[0].real)

    def add_object(self, probes: Tensor, change: Tensor, indices: Tensor) -> None:
        """Add what patterns want of the object.

        Args:
            probes: Complex (pattern, mode, y, x), or of one pattern for all.
            change: What the detector wants of the exit waves, complex (pattern, mode, y, x).
            indices: Where a patch's pixels lie in the flattened object (pattern, y, x).
        """
        flat = indices.reshape(-1)
        self._object.index_add_(0, flat, (probes.conj() * change).sum(dim=1).reshape(-1))
        self._light.index_add_(0, flat, incoherent_sum(probes).reshape(-1))

    def add_probe(self, patches: Tensor, change: Tensor, offsets_px: Tensor) -> None:
        """Add what patterns want of the probe.

        Args:
            patches: Complex (pattern, y, x).
            change: What the detector wants of the exit waves, complex (pattern, mode, y, x).
            offsets_px: How far each pattern's probe is from a whole pixel, real (pattern, yx).
        """
        back = shift_waves(patches.conj()[:, None] * change, -offsets_px)
        self._probe += back.sum(dim=0)
        self._transmission += patches.abs().square().sum(dim=0)

    def object_step(self, regularisation: float) -> Tensor:
        """Give the step of the object, complex (y, x)."""
        return (self._object / _soften(self._light, regularisation)).reshape(self._shape)

    def probe_step(self, regularisation: float) -> Tensor:
        """Give the step of the probe, complex (mode, y, x)."""
        return self._probe / _soften(self._transmission, regularisation)


def _soften(weight: Tensor, regularisation: float) -> Tensor:
    return (1 - regularisation) * weight + regularisation * weight.max()


def position_steps(probes: Tensor, patches: Tensor, change: Tensor) -> Tensor:
    """Give the moves of the probe that explain the changes of the exit waves best.

    The least-squares solution for each pattern, linear in the move, as Odstrčil et al. find their
    steps (*Opt. Express* 26, 3108 (2018)).

    Args:
        probes: Complex (pattern, mode, y, x).
        patches: Complex (pattern, y, x).
        change: What the detector wants of the exit waves, complex (pattern, mode, y, x).

    Returns:
        Moves in pixels, real (pattern, yx), at most half a pixel each way.
    """
    along = torch.stack(shift_derivatives(probes)) * patches[:, None]
    along = along.flatten(start_dim=2)
    products = torch.einsum("apk,bpk->pab", along.conj(), along).real
    wanted = torch.einsum("apk,pk->pa", along.conj(), change.flatten(start_dim=1)).real
    (yy, yx), (_, xx) = (row.unbind(dim=1) for row in products.unbind(dim=1))
    determinant = (yy * xx - yx.square()).clamp_min(torch.finfo(yy.dtype).tiny)
    along_y = (xx * wanted[:, 0] - yx * wanted[:, 1]) / determinant
    along_x = (yy * wanted[:, 1] - yx * wanted[:, 0]) / determinant
    moves = torch.stack([along_y, along_x], dim=1)
    return moves.clamp(-POSITION_STEP_PX, POSITION_STEP_PX)
