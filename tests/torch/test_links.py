"""Which patterns share light: everything that can be joined is, and what cannot is told."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ptycho_torch.data import links as linking
from ptycho_torch.data.links import link_patterns, shared_light


def disc(height: int = 15, width: int = 19, radius: float = 5.0) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (np.hypot(y - height // 2, x - width // 2) <= radius) * 1.0


def raster(rows: int, columns: int, step_y: float, step_x: float, seed: int = 0) -> np.ndarray:
    y, x = np.divmod(np.arange(rows * columns), columns)
    jitter = np.random.default_rng(seed).uniform(-0.1, 0.1, (rows * columns, 2))
    return np.stack([y * step_y, x * step_x], axis=1) + jitter


def parts(count: int, pairs: np.ndarray) -> int:
    """Count connected parts, one pattern after the other."""
    part = list(range(count))
    for first, second in pairs.tolist():
        old, new = part[first], part[second]
        part = [new if number == old else number for number in part]
    return len(set(part))


def sharing_pairs(positions: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Give all pairs that share light, by brute force."""
    shared = shared_light(light)
    middle = np.array(shared.shape) // 2
    apart = np.rint(positions[None] - positions[:, None]).astype(int)
    inside = (np.abs(apart) <= middle).all(axis=2)
    place = np.where(inside[..., None], apart + middle, 0)
    found = inside & (shared[place[..., 0], place[..., 1]] >= linking.SHARED_LIGHT)
    return np.argwhere(np.triu(found, 1))


@pytest.mark.parametrize("seed", range(6))
def test_all_that_share_light_hang_together_by_few_links(seed, monkeypatch) -> None:
    monkeypatch.setattr(linking, "BLOCK", 37)
    rng = np.random.default_rng(seed)
    positions = rng.random((150, 2)) * (60.0, 25.0 * (seed + 1))
    links = link_patterns(positions, disc())
    every = sharing_pairs(positions, disc())
    assert links.islands == parts(150, every) == parts(150, links.pairs)
    known = {tuple(pair) for pair in every.tolist()}
    assert all(tuple(pair) in known for pair in links.pairs.tolist())
    assert len(links.pairs) <= 150 * (linking.SECTORS + 2)
    sizes = np.bincount(links.island)
    assert (np.diff(sizes) <= 0).all()


def test_the_lines_of_a_fly_scan_are_linked_with_each_other() -> None:
    positions = raster(6, 40, 7.0, 0.3)
    nearest = np.argsort(np.linalg.norm(positions[:, None] - positions[None], axis=2), axis=1)
    neighbours = np.stack([np.repeat(np.arange(240), 8), nearest[:, 1:9].ravel()], axis=1)
    assert parts(240, neighbours) == 6  # what the nearest 8 alone would make of it
    links = link_patterns(positions, disc())
    assert links.islands == 1
    line = np.arange(240) // 40
    assert (line[links.pairs[:, 0]] != line[links.pairs[:, 1]]).sum() >= 5


def test_fields_without_common_light_are_islands_the_largest_first() -> None:
    positions = np.concatenate([raster(3, 3, 2, 2), raster(4, 4, 2, 2) + np.array([0, 40])])
    links = link_patterns(positions, disc())
    assert links.islands == 2
    assert links.island.tolist() == [1] * 9 + [0] * 16
    alone = link_patterns(np.zeros((1, 2)), disc())
    assert (alone.islands, len(alone.pairs)) == (1, 0)


@pytest.mark.torch
def test_ten_thousand_patterns_are_brought_to_one_phase_in_seconds() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")
    from ptycho_torch.synchronisation import synchronise_phases

    positions = torch.from_numpy(raster(100, 100, 3.0, 3.0))
    light = torch.from_numpy(disc(16, 16)).float()
    generator = torch.Generator().manual_seed(0)
    turns = 2 * torch.pi * torch.rand(10_000, generator=generator)
    patches = torch.polar(torch.ones(10_000), turns)[:, None, None].expand(-1, 16, 16)
    began = time.perf_counter()
    turned = synchronise_phases(patches.contiguous(), light, positions)
    assert time.perf_counter() - began < 30
    phase = turned[:, 8, 8]
    assert (phase / phase[0]).angle().abs().max() < 1e-3


@pytest.mark.torch
def test_an_island_keeps_its_light_and_its_own_phase() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")
    from ptycho_torch.reassembly import stitch
    from ptycho_torch.synchronisation import synchronise_phases

    positions = torch.from_numpy(
        np.concatenate([raster(4, 4, 2, 2), raster(3, 3, 2, 2) + np.array([0.0, 60.0])])
    )
    light = torch.from_numpy(disc())
    turns = torch.linspace(0, 20, 25).double()
    patches = torch.polar(torch.ones(25).double(), turns)[:, None, None].expand(-1, 15, 19)
    turned = synchronise_phases(patches, light, positions)
    phase = turned[:, 7, 9]
    for island in (slice(16), slice(16, 25)):
        assert (phase[island] / phase[island][0]).angle().abs().max() < 1e-4
    again = synchronise_phases(turned, light, positions)
    torch.testing.assert_close(again, turned, atol=1e-4, rtol=0)  # what agrees is left as it is
    stitched = stitch(turned, light, positions)
    lit = stitched.coverage > 0.05 * stitched.coverage.max()
    assert stitched.object_[lit].abs().min() > 0.99  # no part fades


@pytest.mark.torch
def test_noisy_overlaps_are_agreed_on_as_well_as_can_be() -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")
    from ptycho_torch.synchronisation import agreeing_phases

    generator = torch.Generator().manual_seed(4)
    links = link_patterns(raster(12, 12, 3.0, 3.0), disc())
    pairs = torch.from_numpy(links.pairs)
    true = 2 * torch.pi * torch.rand(144, generator=generator).double()
    noise = 0.6 * torch.randn(len(pairs), generator=generator).double()
    weight = torch.rand(len(pairs), generator=generator).double()
    apart = true[pairs[:, 1]] - true[pairs[:, 0]] + noise
    overlaps = torch.polar(weight, apart)

    def agreement(phase: torch.Tensor) -> float:
        turn = torch.polar(torch.ones(144).double(), phase)
        return float((overlaps * turn[pairs[:, 0]] * turn[pairs[:, 1]].conj()).real.sum())

    found = agreeing_phases(pairs, overlaps, 144)
    assert agreement(found) >= agreement(true)
    for _ in range(20):
        moved = found + 0.05 * torch.randn(144, generator=generator).double()
        assert agreement(moved) < agreement(found)
