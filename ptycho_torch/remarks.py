"""What a user should know about a reconstruction that a picture does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.data.grouping import pick_evenly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ptycho_torch.config import InferenceConfig
    from ptycho_torch.data.scan import Scan
    from ptycho_torch.reconstruction import Reconstruction

ABSURD = 0.3
"""Misfit beyond photon noise that no trained network leaves on patterns of its own beam."""

UNEXPLAINED, SETTLED = 0.02, 10
"""Misfit beyond noise that a right scan does not keep, and after how many passes."""

BRIGHTER = 1.5
"""More light than this, of the probe's, can be no noise and no error of calibration."""

NOISY = 0.25
"""Variance of amplitudes by photon noise, as a share of their squares, that is worth telling."""


LOOKED_AT = 64
"""Patterns from which the light of a scan is taken, picked evenly."""


def mean_counts(scan: Scan) -> NDArray[np.float64]:
    """Give the mean counts of some patterns on each pixel, real (y, x); 0 on bad ones."""
    total = len(scan.diffraction_amplitude)
    some = scan.diffraction_amplitude[pick_evenly(total, min(LOOKED_AT, total))]
    counts = np.square(some, dtype=np.float64).mean(axis=0)
    return counts if scan.bad_pixels is None else np.where(scan.bad_pixels, 0.0, counts)


def remarks_on(found: Reconstruction, scan: Scan, config: InferenceConfig) -> Iterator[str]:
    """Say what is odd about a reconstruction, one sentence for each thing.

    Args:
        found: What came out.
        scan: What it was made from.
        config: How.
    """
    if found.islands > 1:
        yield (
            f"the scan falls into {found.islands} parts that share no light: nothing tells the "
            "phase of one from that of the next"
        )
    counts = mean_counts(scan)
    light = float(counts.sum())
    photons = float(np.square(np.abs(scan.probe), dtype=np.float64).sum())
    if light > BRIGHTER * photons:
        yield (
            f"the patterns hold {light / photons:.3g} times the light of the probe: the scale of "
            "one of them is wrong"
        )
    noise = float(np.minimum(counts, 0.25).sum()) / light
    misfit = found.misfit
    beyond = misfit.relative - 2 * misfit.noise
    told = f"a misfit of {misfit.relative:.2g} of the light, where noise leaves {misfit.noise:.2g}"
    if noise > NOISY:
        yield f"few photons: noise is about {noise:.0%} of what a pattern shows"
    elif beyond > ABSURD:
        yield (
            f"the image does not explain the patterns ({told}): look at their centre and scale, "
            "and at the probe"
        )
    elif beyond > UNEXPLAINED and config.refinement.passes >= SETTLED and not found.interrupted:
        yield (
            f"the image explains the patterns badly ({told}): look at the positions' order, unit "
            "and direction (convert --flip), or refine probe and positions"
        )
