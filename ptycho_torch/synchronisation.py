"""Bring patches to a common phase.

A single far-field pattern fixes its patch only up to a phase factor. Patches that share pixels tell
by what angle they differ; the phases that agree best with all of these angles are looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho_torch.data.links import Links, link_patterns
from ptycho_torch.needs_torch import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 1024
"""Pairs of patches that are compared at once; bounds memory."""

STEPS_MAXIMUM = 100
SMALLEST_TURN_RAD = 1e-5
"""When no phase changes by more than this, the phases agree as well as they can."""

PRECISION = 1e-6
"""Relative residual to which the linear equations of a step are solved."""


def relative_overlaps(
    weighted_patches: torch.Tensor, positions_px: torch.Tensor, pairs: torch.Tensor
) -> torch.Tensor:
    """Give, for pairs of patches, the inner product over the pixels that they share.

    Patches are compared at whole-pixel offsets, near enough for one phase per patch.

    Args:
        weighted_patches: Complex (position, y, x).
        positions_px: Real (position, yx).
        pairs: Indices (pair, 2).

    Returns:
        ``sum(first * conj(second))``, complex (pair).
    """
    height, width = weighted_patches.shape[1:]
    offsets = (positions_px[pairs[:, 1]] - positions_px[pairs[:, 0]]).round().long()
    products = weighted_patches.new_zeros(len(pairs))
    distinct, group = torch.unique(offsets, dim=0, return_inverse=True)
    members = torch.split(group.argsort(), torch.bincount(group, minlength=len(distinct)).tolist())
    for (down, right), those in zip(distinct.tolist(), members, strict=True):
        if abs(down) >= height or abs(right) >= width:
            continue
        first_box = _shared_box(down, height), _shared_box(right, width)
        second_box = _shared_box(-down, height), _shared_box(-right, width)
        for part in torch.split(those, CHUNK):
            first = weighted_patches[pairs[part, 0]][:, *first_box]
            second = weighted_patches[pairs[part, 1]][:, *second_box]
            products[part] = (first * second.conj()).sum(dim=(1, 2))
    return products


def _shared_box(offset: int, size: int) -> slice:
    return slice(max(offset, 0), size + min(offset, 0))


def synchronise_phases(
    patches: torch.Tensor,
    weight: torch.Tensor,
    positions_px: torch.Tensor,
    links: Links | None = None,
) -> torch.Tensor:
    """Turn each patch by one phase, so that neighbours agree where they overlap.

    Islands that share no light with each other each keep the mean phase that their patches have.

    Args:
        patches: Complex (position, y, x).
        weight: Light on a patch's pixels, real (y, x).
        positions_px: Real (position, yx).
        links: Which patterns share light; looked for if ``None``.

    Returns:
        The patches, turned; complex (position, y, x).
    """
    if links is None:
        links = link_patterns(positions_px.double().cpu().numpy(), weight.cpu().numpy())
    weighted = patches * weight
    pairs = torch.from_numpy(links.pairs)
    overlaps = relative_overlaps(weighted, positions_px, pairs.to(patches.device)).cpu()
    energy = weighted.abs().square().sum(dim=(1, 2)).cpu().double()
    phase_rad = agreeing_phases(pairs, overlaps.to(torch.complex128), len(patches))
    island = torch.from_numpy(links.island)
    total = torch.zeros(links.islands, dtype=torch.complex128)
    total = total.index_add(0, island, torch.polar(energy, phase_rad))
    turn = torch.polar(torch.ones_like(energy), phase_rad - total.angle()[island])
    return patches * turn.to(patches.device, patches.dtype)[:, None, None]


def agreeing_phases(pairs: torch.Tensor, overlaps: torch.Tensor, count: int) -> torch.Tensor:
    """Find the phases by which patches must be turned to agree best.

    They maximise ``sum(Re(overlap * turn_first * conj(turn_second)))`` over turns of modulus 1
    (Boumal, *SIAM J. Optim.* 26, 2355 (2016)). The start joins clusters of patches. Each step
    solves a linear least-squares problem whose curvature is nowhere below that of the sum, so that
    no step makes it worse. For little noise this is the leading eigenvector of
    the normalised matrix of overlaps (Singer, *Appl. Comput. Harmon. Anal.* 30, 20 (2011);
    Marchesini, Tu and Wu, the same journal 41, 815 (2016)), whose modulus, unlike that of a turn,
    vanishes away from the best part of a large scan.

    Args:
        pairs: Indices (pair, 2).
        overlaps: Inner product of the first patch with the second, complex (pair).
        count: Number of patches.

    Returns:
        Real (patch) in rad; on each connected part up to a constant.
    """
    first, second = pairs.unbind(dim=1)
    weight, angle = overlaps.abs(), overlaps.angle()
    phase_rad = torch.from_numpy(_join_clusters(pairs.numpy(), overlaps.numpy(), count))
    for _ in range(STEPS_MAXIMUM):
        pull = weight * torch.sin(angle + phase_rad[first] - phase_rad[second])
        downhill = torch.zeros(count, dtype=weight.dtype)
        downhill.index_add_(0, first, -pull).index_add_(0, second, pull)
        step = _solve_laplacian(pairs, weight, downhill)
        phase_rad = phase_rad + step
        if step.abs().max() < SMALLEST_TURN_RAD:
            break
    return phase_rad


def _join_clusters(
    pairs: NDArray[np.int64], overlaps: NDArray[np.complexfloating], count: int
) -> NDArray[np.float64]:
    """Give phases that nearly agree, by joining patches to clusters and those to larger ones.

    In each round half of the clusters, drawn by lot, are turned to agree with the one of the other
    half with which they share most, over all patches that the two share pixels in. So an error
    grows with the number of rounds, the logarithm of the scan, and not with its length.
    """
    first, second = pairs.T
    cluster, phase_rad = np.arange(count), np.zeros(count)
    lot = np.random.default_rng(0)
    while (between := cluster[first] != cluster[second]).any():
        one, other = cluster[first[between]], cluster[second[between]]
        apart = phase_rad[first[between]] - phase_rad[second[between]]
        product = overlaps[between] * np.exp(1j * apart)
        ways = np.concatenate([one * count + other, other * count + one])
        way, where = np.unique(ways, return_inverse=True)
        both = np.concatenate([product, product.conj()])
        shared = np.bincount(where, both.real) + 1j * np.bincount(where, both.imag)
        stays = lot.random(count) < 0.5
        fits = stays[way // count] & ~stays[way % count]
        way, shared = way[fits], shared[fits]
        heaviest = np.lexsort((np.abs(shared), way % count))
        last = np.flatnonzero(np.diff(way[heaviest] % count, append=-1))
        way, shared = way[heaviest[last]], shared[heaviest[last]]
        into, turn = np.arange(count), np.zeros(count)
        into[way % count], turn[way % count] = way // count, np.angle(shared)
        phase_rad += turn[cluster]
        cluster = into[cluster]
    return phase_rad


def _solve_laplacian(
    pairs: torch.Tensor, weight: torch.Tensor, right_side: torch.Tensor
) -> torch.Tensor:
    """Solve ``sum over neighbours of weight * (x - x_neighbour) = right side`` for x.

    By conjugate gradients, preconditioned with the diagonal; the right side sums to 0 on each
    connected part.
    """
    first, second = pairs.unbind(dim=1)
    diagonal = torch.zeros_like(right_side).index_add(0, first, weight)
    diagonal = diagonal.index_add(0, second, weight).clamp_min(torch.finfo(weight.dtype).tiny)
    found, rest = torch.zeros_like(right_side), right_side
    eased = rest / diagonal
    direction, size = eased, torch.dot(rest, eased)
    enough = PRECISION**2 * size
    for _ in range(10 * len(right_side)):
        if size <= enough:
            break
        flow = weight * (direction[first] - direction[second])
        image = torch.zeros_like(found).index_add(0, first, flow).index_add(0, second, -flow)
        length = size / torch.dot(direction, image)
        found, rest = found + length * direction, rest - length * image
        eased = rest / diagonal
        before, size = size, torch.dot(rest, eased)
        direction = eased + size / before * direction
    return found
