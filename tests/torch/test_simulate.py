"""The simulated scan: would a physicist accept it, and is it hard enough to prove something?"""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch.checks import UsageError
from ptycho_torch.metrics import correlation, scored_region
from ptycho_torch.objects import simulate_object
from ptycho_torch.simulate import (
    SimulationConfig,
    sample_patches,
    simulate_positions,
    simulate_probe,
    simulate_scan,
)

SEEDS = [0, 1, 2]


KINDS = ["ellipses", "smooth", "sharp", "experimental"]


@pytest.fixture(scope="module", params=SEEDS)
def simulated(request):
    return simulate_scan(SimulationConfig(seed=request.param))


@pytest.fixture(scope="module", params=[(kind, seed) for kind in KINDS for seed in SEEDS])
def of_each_kind(request):
    kind, seed = request.param
    return simulate_scan(SimulationConfig(seed=seed, object_kind=kind))


def test_every_kind_of_object_is_worth_reconstructing(of_each_kind) -> None:
    scan, truth = of_each_kind
    shape = truth.object_.shape
    region = scored_region(scan.positions_px, shape)
    phase, amplitude = np.angle(truth.object_), np.abs(truth.object_)
    assert region.sum() >= 5000
    assert np.ptp(phase[region]) >= 2
    assert phase[region].std() >= 0.4
    assert amplitude[region].std() / amplitude[region].mean() >= 0.15
    assert amplitude[region].max() <= 1.05
    both = region & region[::-1, ::-1]
    assert abs(correlation(phase[both], phase[::-1, ::-1][both])) <= 0.2


def test_neighbouring_spots_overlap_by_more_than_60_percent(simulated) -> None:
    scan, _ = simulated
    intensity = np.abs(scan.probe) ** 2
    axis = np.arange(64) - 32
    radius = np.hypot(axis[:, None], axis[None, :]).ravel()
    order = np.argsort(radius)
    energy = np.cumsum(intensity.ravel()[order]) / intensity.sum()
    diameter_px = 2 * radius[order][np.searchsorted(energy, 0.9)]
    distance = np.linalg.norm(scan.positions_px[:, None] - scan.positions_px[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert 1 - np.median(distance.min(axis=1)) / diameter_px >= 0.6
    assert 1 - SimulationConfig().step_px / diameter_px >= 0.6


def test_positions_are_between_pixels_and_no_lattice(simulated) -> None:
    scan, truth = simulated
    fraction = scan.positions_px % 1
    assert 0.2 < fraction.std() < 0.4
    assert scan.positions_px.min() >= 32
    assert (scan.positions_px.max(axis=0) + 32 < np.array(truth.object_.shape)).all()
    assert scan.object_guess is None


def test_patterns_are_photon_counts_of_what_the_object_lets_through(simulated) -> None:
    scan, truth = simulated
    counts = scan.diffraction_amplitude.astype(np.float64) ** 2
    assert np.abs(counts - counts.round()).max() < 0.01
    waves = np.fft.fftshift(
        np.fft.fft2(
            scan.probe * sample_patches(truth.object_, scan.positions_px, 64), norm="ortho"
        ),
        axes=(1, 2),
    )
    expected = np.abs(waves) ** 2
    bright = expected > 50
    chi = ((counts - expected) / np.sqrt(expected))[bright]
    assert abs(chi.mean()) < 0.02
    assert chi.var() == pytest.approx(1, abs=0.03)


def test_the_probe_is_a_beam_of_its_own_shape() -> None:
    probe = simulate_probe(64)
    assert (np.abs(probe) ** 2).sum() == pytest.approx(1, abs=1e-5)
    edge = np.abs(probe) ** 2
    edge[8:-8, 8:-8] = 0
    assert edge.sum() < 0.02
    for twin in (probe[::-1, ::-1], probe.T, probe.conj()):
        assert abs(np.vdot(probe, twin)) < 0.8


def test_same_seed_same_scan_and_another_seed_another() -> None:
    config = SimulationConfig(n_patterns=30, size_px=32, seed=4)
    first, second = simulate_scan(config)[0], simulate_scan(config)[0]
    other = simulate_scan(SimulationConfig(n_patterns=30, size_px=32, seed=5))[0]
    assert first.diffraction_amplitude.tobytes() == second.diffraction_amplitude.tobytes()
    assert first.positions_px.tobytes() == second.positions_px.tobytes()
    assert first.diffraction_amplitude.tobytes() != other.diffraction_amplitude.tobytes()


def test_sampling_between_pixels_follows_a_smooth_object() -> None:
    def smooth(y, x):
        return np.exp(1j * (np.sin(y / 3) + np.cos(x / 4 - y / 7)))

    y, x = np.mgrid[:50, :60]
    positions = simulate_positions(9, 5.0, np.random.default_rng(0)) + np.array([17.3, 21.6])
    patches = sample_patches(smooth(y, x), positions, 9)
    axis = np.arange(9) - 4
    for patch, (centre_y, centre_x) in zip(patches, positions, strict=True):
        exact = smooth(centre_y + axis[:, None], centre_x + axis[None, :])
        assert np.abs(patch - exact).max() < 5e-3


def test_a_kind_that_is_not_there_is_refused_with_the_close_one() -> None:
    with pytest.raises(UsageError, match=r"--object_kind to be one of .* Did you mean 'sh"):
        simulate_scan(SimulationConfig(n_patterns=4, size_px=16, object_kind="shrap"))


def test_sharp_objects_have_steeper_edges_than_smooth_ones() -> None:
    def steepness(kind: str) -> float:
        object_ = simulate_object((150, 150), np.random.default_rng(0), kind)
        return float(np.quantile(np.abs(np.diff(np.angle(object_), axis=0)), 0.99))

    assert steepness("sharp") > 3 * steepness("smooth")
