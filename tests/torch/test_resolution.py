"""Resolution, similarity and the figures of a probe: laws, and what the command draws of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ptycho_torch.checks import DataError
from ptycho_torch.metrics import structural_similarity
from ptycho_torch.probe_facts import probe_facts
from ptycho_torch.resolution import RingCorrelation, fourier_ring_correlation
from ptycho_torch.simulate import simulate_probe


def noise(seed: int, shape=(61, 83)):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def low_pass(image, cutoff: float):
    frequency = np.hypot(
        np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None, :]
    )
    return np.fft.ifft2(np.fft.fft2(image) * (frequency < cutoff))


def test_independent_noise_does_not_correlate() -> None:
    rings = fourier_ring_correlation(noise(0), noise(1))
    assert rings.frequency.shape == rings.correlation.shape == rings.half_bit.shape
    assert (np.diff(rings.frequency) > 0).all()
    assert abs(rings.correlation[5:].mean()) < 0.05
    assert (rings.cutoff() or 0.0) < 0.1


@pytest.mark.parametrize("cutoff", [0.15, 0.3])
def test_images_agree_up_to_the_frequency_that_they_share(cutoff) -> None:
    shared = 5 * low_pass(noise(0), cutoff)
    rings = fourier_ring_correlation(shared + noise(1), (shared + noise(2)) * np.exp(1j))
    assert rings.correlation[rings.frequency < cutoff - 0.05].min() > 0.9
    assert rings.cutoff() == pytest.approx(cutoff, abs=0.04)
    assert rings.cutoff(1 / 7) == pytest.approx(cutoff, abs=0.04)


def test_correlation_follows_the_signal_to_noise_ratio() -> None:
    shared, ratio = noise(0), 2.0
    first, second = shared + noise(1) / np.sqrt(ratio), shared + noise(2) / np.sqrt(ratio)
    rings = fourier_ring_correlation(first, second)
    assert rings.correlation[8:].mean() == pytest.approx(ratio / (1 + ratio), abs=0.04)


@pytest.mark.parametrize("shapes", [((61, 83), (83, 61)), ((15, 83), (15, 83))])
def test_images_that_cannot_be_correlated_are_refused(shapes) -> None:
    with pytest.raises(DataError, match="Expected two images to have one shape"):
        fourier_ring_correlation(noise(0, shapes[0]), noise(1, shapes[1]))


def test_similarity_falls_with_noise_and_does_not_see_who_is_first() -> None:
    image = low_pass(noise(0), 0.1).real
    image = image / np.ptp(image)
    little, much = (image + amount * noise(1).real for amount in (0.02, 0.2))
    near, far = (structural_similarity(image, other, 1.0).mean() for other in (little, much))
    assert 1 > near > far
    np.testing.assert_allclose(
        structural_similarity(image, much, 1.0), structural_similarity(much, image, 1.0)
    )
    rough = noise(2).real
    assert structural_similarity(9 + rough, 9 - rough, 1.0).mean() < -0.5


def test_facts_of_a_probe_are_those_that_it_was_made_with() -> None:
    probe = 1e3 * np.pad(simulate_probe(32), ((10, 4), (3, 11)))
    counts = np.full((3, 46, 46), 0.5e6 / 46**2)
    facts = probe_facts(probe, np.sqrt(counts))
    still = probe_facts(1e3 * simulate_probe(32), np.sqrt(counts[:, :32, :32]))
    assert facts.photons == pytest.approx(1e6, rel=1e-4)
    assert facts.transmitted == pytest.approx(0.5, rel=1e-4)
    assert facts.diameter_px == pytest.approx(still.diameter_px)
    shift = np.subtract(facts.centre_px, still.centre_px)
    np.testing.assert_allclose(shift, (10 + 16 - 23, 3 + 16 - 23), atol=1e-4)
    assert facts.edge_share < 1e-12 < still.edge_share


def test_modes_are_counted_by_their_orthogonal_shares() -> None:
    probe = simulate_probe(32)
    same = probe_facts(np.stack([probe, 2 * probe]), np.ones((1, 32, 32)))
    np.testing.assert_allclose(same.mode_shares, (1, 0), atol=1e-6)
    apart = np.stack([2 * np.pad(probe, 8), np.roll(np.pad(probe, 8), 24, axis=0)])
    shares = probe_facts(apart, np.ones((1, 48, 48))).mode_shares
    assert shares[0] == pytest.approx(0.8, abs=0.05)


@pytest.mark.torch
def test_the_command_draws_a_figure_and_notes_what_it_shows(
    command, small_scan_file, tmp_path
) -> None:
    from PIL import Image

    out = tmp_path / "out"
    child = command(
        "inference", "--model_path", "none", "--test_data", small_scan_file, "--output_dir", out,
        "--refine", 5, "--figure", "--accelerator", "cpu", "--quiet",
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert 0 <= run["resolution"]["half_bit_cycles_per_px"] <= 0.5
    assert run["probe"]["photons"] == pytest.approx(1e6, rel=1e-3)
    assert 0.3 < run["probe"]["transmitted"] < 1
    figure = np.asarray(Image.open(out / "figure.png").convert("RGB"))
    panel = figure.shape[0] // 2
    for row, column in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)):
        there = figure[row * panel : (row + 1) * panel, column * panel : (column + 1) * panel]
        assert (there != 255).any(axis=2).mean() > 0.01, (row, column)


def test_what_fell_is_the_misfit_or_the_loss_of_the_training(tmp_path) -> None:
    from ptycho_torch.inference import what_fell
    from ptycho_torch.outputs import RunLog

    log = RunLog("")
    assert what_fell(log, None) is None
    assert what_fell(log, tmp_path) is None
    (tmp_path / "metrics.csv").write_text("epoch,train_loss\n0,3.5\n1,2.5\n", encoding="utf-8")
    assert what_fell(log, tmp_path / "wts.h5.zip") == ("Training loss", "epoch", [3.5, 2.5])
    log.facts["refinement"] = {"passes": [{"amplitude_mse": 2.0}, {"amplitude_mse": 1.0}]}
    assert what_fell(log, tmp_path) == ("Amplitude misfit", "pass", [2.0, 1.0])


def test_the_half_bit_curve_is_that_of_half_the_pixels_of_a_ring() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=(48, 48)) + 0j for _ in range(2))
    rings = fourier_ring_correlation(first, second)
    distance = np.hypot(*(np.indices((48, 48)) - 24))
    pixels = np.array([(np.rint(distance) == ring).sum() for ring in range(1, 24)])
    root = np.sqrt(pixels / 2)
    known = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)
    np.testing.assert_allclose(rings.half_bit[:23], known, rtol=0.02)


def test_images_fade_out_so_that_their_edges_are_no_detail() -> None:
    y, x = np.mgrid[:64, :64] / 64
    smooth = [np.exp(1j * (y + turn * x)) for turn in (1.0, 1.2)]  # no detail, but a step at edges
    rng = np.random.default_rng(0)
    noise = [0.02 * rng.normal(size=(64, 64)) for _ in range(2)]
    rings = fourier_ring_correlation(*(image + n for image, n in zip(smooth, noise, strict=True)))
    assert abs(rings.correlation[8:24].mean()) < 0.1


def test_what_agrees_nowhere_has_no_resolution() -> None:
    rings = RingCorrelation(
        frequency=np.array([0.1, 0.2]), correlation=np.array([0.1, 0.9]), half_bit=np.full(2, 0.5)
    )
    assert rings.cutoff() is None


def test_the_diameter_is_that_of_a_circle_around_the_centre_of_light() -> None:
    y, x = np.indices((64, 64))
    disc = (np.hypot(y - 30, x - 37) <= 12) + 0j
    facts = probe_facts(disc, np.ones((1, 64, 64)))
    assert facts.diameter_px == pytest.approx(24 * 0.9**0.5, abs=0.6)
    assert facts.centre_px == pytest.approx((-2.0, 5.0))
