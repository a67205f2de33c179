"""The figures: what they are blind to, what they are not, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ptycho_torch.checks import DataError
from ptycho_torch.metrics import (
    correlation,
    phase_difference,
    phase_psnr,
    same_pixels,
    score_reconstruction,
    scored_region,
)
from ptycho_torch.simulate import SimulationConfig, simulate_scan


@pytest.fixture(scope="module")
def scan_and_truth():
    return simulate_scan(SimulationConfig(n_patterns=256, size_px=32, seed=9))


@given(turn=st.floats(-10, 10))
def test_a_global_phase_is_removed_wherever_it_wraps(turn) -> None:
    truth = np.exp(1j * np.linspace(-1, 1, 50))
    assert abs(phase_difference(truth * np.exp(1j * turn), truth)).max() < 1e-9


def test_the_truth_scores_as_perfect_whatever_its_global_phase(scan_and_truth) -> None:
    scan, truth = scan_and_truth
    found = score_reconstruction(truth.object_ * np.exp(2.8j), truth.object_, scan.positions_px)
    assert found.phase_correlation > 0.999999
    assert found.amplitude_correlation > 0.999999
    assert found.phase_psnr_db > 90
    assert found.scored_pixels >= 5000


def test_a_ramp_and_a_shift_are_errors(scan_and_truth) -> None:
    scan, truth = scan_and_truth
    ramp = np.exp(0.03j * np.arange(truth.object_.shape[1]))
    for wrong in (truth.object_ * ramp, np.roll(truth.object_, 6, axis=0), truth.object_[::-1]):
        found = score_reconstruction(wrong, truth.object_, scan.positions_px)
        assert found.phase_correlation < 0.85


def test_psnr_is_20_log10_of_range_over_rmse(scan_and_truth) -> None:
    scan, truth = scan_and_truth
    noise = np.random.default_rng(0).normal(0, 0.1, truth.object_.shape)
    found = score_reconstruction(
        truth.object_ * np.exp(1j * noise), truth.object_, scan.positions_px
    )
    assert found.phase_psnr_db == pytest.approx(
        20 * np.log10(found.phase_range_rad / 0.1), abs=0.15
    )
    assert phase_psnr(np.zeros(3), 2.0) == float("inf")


def test_a_constant_predicts_nothing() -> None:
    assert correlation(np.full(9, 2.0), np.arange(9.0)) == 0


def test_scored_pixels_are_those_near_a_position() -> None:
    positions = np.array([[3.5, 20.25], [11.0, 4.0]])
    region = scored_region(positions, (13, 29))
    y, x = np.mgrid[:13, :29]
    near = [np.hypot(y - py, x - px) <= 5 for py, px in positions]
    assert (region == (near[0] | near[1])).all()


def test_small_regions_nan_and_other_shapes_are_refused() -> None:
    truth = np.ones((40, 50), dtype=complex)
    positions = np.array([[20.0, 20.0]])
    with pytest.raises(DataError, match="at least 5000 finite pixels"):
        score_reconstruction(truth, truth, positions)
    with pytest.raises(DataError, match="have the truth's shape"):
        score_reconstruction(truth.T, truth, positions)
    many = np.stack(np.meshgrid(np.arange(100.0), np.arange(100.0)), axis=-1).reshape(-1, 2)
    large = np.ones((100, 100), dtype=complex)
    with pytest.raises(DataError, match="finite"):
        score_reconstruction(large * np.nan, large, many)


@pytest.mark.parametrize("origin", [(0.0, 0.0), (-2.0, 3.0), (4.0, -5.0), (90.0, 0.0)])
def test_same_pixels_puts_each_pixel_where_it_belongs(origin) -> None:
    rng = np.random.default_rng(1)
    object_ = rng.normal(size=(7, 11)) + 0j
    placed = same_pixels(object_, origin, (9, 13), (1.0, 2.0))
    for y in range(9):
        for x in range(13):
            inner = (int(y + 1 - origin[0]), int(x + 2 - origin[1]))
            inside = 0 <= inner[0] < 7 and 0 <= inner[1] < 11
            assert placed[y, x] == (object_[inner] if inside else 0)


def test_a_phase_has_no_zero_wherever_it_wraps() -> None:
    rng = np.random.default_rng(1)
    truth = np.exp(1j * rng.uniform(-1, 1, 400))
    noise = np.where(np.arange(400) < 40, 2.9, 0.0) + rng.normal(0, 0.1, 400)
    error = phase_difference(truth * np.exp(1j * (noise + 2.0)), truth)
    assert abs(error.mean()) < 1e-9  # the circular mean alone leaves an offset


def test_structural_similarity_is_that_of_its_definition() -> None:
    from ptycho_torch.metrics import structural_similarity

    first, second = np.full((40, 40), 2.0), np.full((40, 40), 3.0)
    c1 = (0.01 * 5.0) ** 2
    flat = (2 * 6.0 + c1) / (13.0 + c1)
    assert structural_similarity(first, second, 5.0)[20, 20] == pytest.approx(flat, rel=1e-6)
    stripes = np.tile([1.0, -1.0], (40, 20))
    c2 = (0.03 * 5.0) ** 2
    faint = 0.05 * stripes
    between = structural_similarity(faint, -faint, 5.0)[20, 20]
    variance = 0.05**2
    assert between == pytest.approx((c2 - 2 * variance) / (c2 + 2 * variance), abs=0.02)
