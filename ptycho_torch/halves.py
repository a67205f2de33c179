"""How far two halves of a scan agree: a resolution that needs no truth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.checks import UsageError, expected
from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.metrics import same_pixels
from ptycho_torch.reconstruction import reconstruct
from ptycho_torch.resolution import (
    SMALLEST_IMAGE_PX,
    RingCorrelation,
    fourier_ring_correlation,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho_torch.config import InferenceConfig
    from ptycho_torch.data.scan import Scan
    from ptycho_torch.reconstructor import Reconstructor


def check_halves(
    scan: Scan, config: InferenceConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int]]:
    """Find the field over which the halves of a scan can be compared.

    Returns:
        The patterns, the field's first pixel (y, x) and its height and width.

    Raises:
        UsageError: If it is narrower than 16 px.
    """
    picked = np.asarray(pick_evenly(len(scan.positions_px), config.n_images))
    low = np.ceil(scan.positions_px[picked].min(axis=0)).astype(int)
    high = np.floor(scan.positions_px[picked].max(axis=0)).astype(int)
    shape = (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
    if min(shape) < SMALLEST_IMAGE_PX:
        to = f"span a field of at least {SMALLEST_IMAGE_PX} px each way for a resolution"
        got = f"{max(shape[0], 0)} × {max(shape[1], 0)} px of {len(picked)} patterns"
        raise UsageError(expected("the scan positions", to, got, "Leave out --figure."))
    return picked, low, shape


def correlate_halves(
    reconstructor: Reconstructor | None, scan: Scan, config: InferenceConfig
) -> RingCorrelation:
    """Reconstruct every other pattern, and the ones between, and correlate the images.

    Args:
        reconstructor: A trained network; ``None`` to refine from a flat start.
        scan: The scan.
        config: How to reconstruct.

    Returns:
        The correlation over the field that the scan positions span. Each image has half the
        patterns, so the whole scan resolves at least as much.

    Raises:
        UsageError: If that field is narrower than 16 px.
    """
    picked, low, shape = check_halves(scan, config)
    images = []
    for half in (picked[::2], picked[1::2]):
        part = replace(
            scan,
            diffraction_amplitude=scan.diffraction_amplitude[half],
            positions_px=scan.positions_px[half],
        )
        placed = reconstruct(reconstructor, part, replace(config, n_images=None)).placed
        origin = (float(low[0]), float(low[1]))
        images.append(same_pixels(placed.object_, placed.origin_px, shape, origin))
    return fourier_ring_correlation(images[0], images[1])
