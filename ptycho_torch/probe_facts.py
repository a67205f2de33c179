"""What a probe is like, so that a wrong one can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFacts:
    """Plain figures of a probe.

    Attributes:
        photons: Its energy.
        transmitted: Mean counts of a pattern per photon of the probe; above 1 the sample would
            shine, so a probe of another scale than the counts is found out here.
        centre_px: Centre of its light (y, x) from pixel ``size // 2``.
        diameter_px: Diameter of the circle around that centre that holds 90 % of its light.
        edge_share: Share of its light on the outermost pixels; much of it means too small a window.
        mode_shares: Energy of each mode, of the whole, after making the modes orthogonal. Refined
            modes take up noise and errors of the model as well, so this is no degree of coherence.
    """

    photons: float
    transmitted: float
    centre_px: tuple[float, float]
    diameter_px: float
    edge_share: float
    mode_shares: tuple[float, ...]


def probe_facts(
    probe: NDArray[np.complexfloating], diffraction_amplitude: NDArray[np.floating]
) -> ProbeFacts:
    """Measure a probe.

    Args:
        probe: Complex (y, x) or (mode, y, x).
        diffraction_amplitude: Roots of counts, real (pattern, y, x).

    Returns:
        The figures.

    Examples:
        >>> probe = np.zeros((8, 8), dtype=complex)
        >>> probe[4, 3] = 10.0
        >>> facts = probe_facts(probe, np.full((5, 8, 8), 1.0))
        >>> facts.photons, facts.transmitted, facts.centre_px, facts.mode_shares
        (100.0, 0.64, (0.0, -1.0), (1.0,))
    """
    modes = probe.reshape(-1, *probe.shape[-2:])
    light = np.square(np.abs(modes)).sum(axis=0, dtype=np.float64)
    photons = float(light.sum())
    height, width = light.shape
    y, x = np.arange(height)[:, None] - height // 2, np.arange(width) - width // 2
    centre = (float((light * y).sum() / photons), float((light * x).sum() / photons))
    radius = np.hypot(y - centre[0], x - centre[1]).ravel()
    order = np.argsort(radius)
    held = np.cumsum(light.ravel()[order])
    inner = light[1:-1, 1:-1].sum()
    shares = np.square(np.linalg.svd(modes.reshape(len(modes), -1), compute_uv=False))
    counts = float(
        np.mean([np.square(row, dtype=np.float64).sum() for row in diffraction_amplitude])
    )
    return ProbeFacts(
        photons=photons,
        transmitted=counts / photons,
        centre_px=centre,
        diameter_px=float(2 * radius[order][np.searchsorted(held, 0.9 * photons)]),
        edge_share=float(1 - inner / photons),
        mode_shares=tuple(float(share) for share in shares / shares.sum()),
    )
