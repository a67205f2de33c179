"""Pixels that measured nothing: nothing that patterns hold there can be seen anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.config import (  # noqa: E402
    InferenceConfig,
    RefinementConfig,
    SimulationConfig,
    TrainingConfig,
)
from ptycho_torch.metrics import phase_difference, same_pixels, scored_region  # noqa: E402
from ptycho_torch.physics.detector import (  # noqa: E402
    fill_bad_pixels,
    mean_counts,
    transmitted_amplitude,
)
from ptycho_torch.physics.losses import poisson_nll  # noqa: E402
from ptycho_torch.physics.projection import project_amplitude  # noqa: E402
from ptycho_torch.reconstruction import reconstruct  # noqa: E402
from ptycho_torch.simulate import simulate_scan  # noqa: E402
from ptycho_torch.training import train_scan  # noqa: E402

pytestmark = pytest.mark.torch

QUICK = TrainingConfig(max_epochs=1, accelerator="cpu")
REFINED = InferenceConfig(accelerator="cpu", refinement=RefinementConfig(passes=4))


def spoiled(scan, value: float):
    """Give the scan with a gap, and something in it."""
    bad = np.zeros((32, 32), bool)
    bad[14:18], bad[3, 29] = True, True
    stack = scan.diffraction_amplitude.copy()
    stack[:, bad] = value
    return replace(scan, diffraction_amplitude=stack, bad_pixels=bad)


@pytest.fixture(scope="module")
def pair():
    scan, truth = simulate_scan(SimulationConfig(n_patterns=49, size_px=32, step_px=3.0, seed=5))
    return (spoiled(scan, 0.0), spoiled(scan, 123.0)), truth


@pytest.mark.parametrize("gridsize", [1, 2])
def test_training_and_inference_do_not_see_what_a_bad_pixel_holds(pair, gridsize) -> None:
    (dark, bright), _ = pair
    config = replace(QUICK, gridsize=gridsize)
    networks = [train_scan(scan, config)[0].reconstructor for scan in (dark, bright)]
    first, second = (network.state_dict() for network in networks)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any("bad_pixels" in name for name in first)  # it belongs to the scan
    plain = InferenceConfig(accelerator="cpu")
    images = [reconstruct(networks[0], scan, plain) for scan in (dark, bright)]
    np.testing.assert_allclose(images[0].object_, images[1].object_, atol=1e-6)
    assert images[0].misfit == images[1].misfit


def phase_error_rad(found, truth, scan) -> float:
    image = same_pixels(found.object_, found.origin_px, truth.object_.shape)
    region = scored_region(scan.positions_px, truth.object_.shape, 3.0)
    return float(phase_difference(image[region], truth.object_[region]).std())


def test_refinement_does_not_see_it_and_is_as_good_as_without_a_gap(pair) -> None:
    (dark, bright), truth = pair
    images = [reconstruct(None, scan, REFINED) for scan in (dark, bright)]
    assert np.array_equal(images[0].object_, images[1].object_)
    longer = replace(REFINED, refinement=RefinementConfig(passes=40))
    known = reconstruct(None, dark, longer)
    believed = reconstruct(None, replace(dark, bad_pixels=None), longer)
    assert phase_error_rad(known, truth, dark) < 0.02
    assert phase_error_rad(believed, truth, dark) > 5 * phase_error_rad(known, truth, dark)


def test_the_next_scan_has_its_own_bad_pixels(pair) -> None:
    (dark, _), _ = pair
    network = train_scan(dark, QUICK)[0].reconstructor
    plain = InferenceConfig(accelerator="cpu")
    reconstruct(network, dark, plain)
    assert network.forward_model.bad_pixels is not None
    reconstruct(network, replace(dark, bad_pixels=None), plain)
    assert network.forward_model.bad_pixels is None


def test_a_test_scan_is_judged_whatever_its_exposure_and_its_bad_pixels(pair) -> None:
    (dark, bright), _ = pair
    plain = replace(dark, bad_pixels=None)
    longer = replace(
        dark, diffraction_amplitude=3 * dark.diffraction_amplitude, probe=3 * dark.probe
    )
    losses = [
        train_scan(plain, QUICK, test=test)[1].history[-1].test_loss
        for test in (dark, bright, longer)
    ]
    assert losses[1] == losses[0]
    assert losses[2] == pytest.approx(losses[0], rel=1e-4)


def test_what_was_not_measured_asks_for_no_change_and_costs_nothing() -> None:
    torch.manual_seed(0)
    bad = torch.tensor([[True, False, False]])
    waves = torch.randn(2, 4, 1, 3, dtype=torch.complex64)
    change = project_amplitude(waves, torch.rand(2, 1, 3), bad)
    assert change[..., 0].abs().max() == 0
    assert change[..., 1:].abs().min() > 0
    counts = torch.tensor([[[1e9, 3.0, 4.0]]])
    known = poisson_nll(torch.tensor([[[5.0, 5.0]]]), counts[..., 1:])
    predicted = torch.full((1, 1, 3), 5.0)
    torch.testing.assert_close(poisson_nll(predicted, counts, bad), known)


def test_an_empty_beam_has_amplitude_1_whatever_is_hidden() -> None:
    from ptycho_torch.physics.detector import beam_on_detector

    torch.manual_seed(0)
    probe = torch.randn(7, 11, dtype=torch.complex64)
    bad = torch.zeros(7, 11, dtype=torch.bool)
    bad[3, :5] = True
    pattern = beam_on_detector(probe).sqrt()[None]
    pattern[:, bad] = 99
    photons = mean_counts(pattern, bad)
    assert transmitted_amplitude(photons, probe, bad).item() == pytest.approx(1, abs=1e-5)


def test_a_gap_is_filled_from_around_and_a_wide_one_from_the_beam() -> None:
    bad = torch.zeros(31, 37, dtype=torch.bool)
    bad[10, :], bad[20:31, 20:37] = True, True
    ramp = torch.arange(37.0).expand(2, 31, 37)
    filled = fill_bad_pixels(torch.where(bad, -7.0, ramp), bad, torch.full((31, 37), 5.0))
    assert torch.equal(filled[:, ~bad], ramp[:, ~bad])
    assert (filled - ramp)[:, 10, 6:31].abs().max() < 0.5
    assert filled[0, 28, 34].item() == pytest.approx(5.0, abs=1e-3)
