"""Refinement: it explains the scan better with every pass, and finds what was not known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.checks import UsageError  # noqa: E402
from ptycho_torch.config import (  # noqa: E402
    InferenceConfig,
    RefinementConfig,
    SimulationConfig,
)
from ptycho_torch.data.dataset import PatternDataset  # noqa: E402
from ptycho_torch.data.npz import load_object  # noqa: E402
from ptycho_torch.data.scan import PlacedObject  # noqa: E402
from ptycho_torch.estimate import placed_object, split_modes  # noqa: E402
from ptycho_torch.metrics import phase_difference, same_pixels, scored_region  # noqa: E402
from ptycho_torch.physics.forward_model import ForwardModel  # noqa: E402
from ptycho_torch.physics.losses import patch_distance  # noqa: E402
from ptycho_torch.physics.patches import extract_patches  # noqa: E402
from ptycho_torch.physics.shifts import shift_waves  # noqa: E402
from ptycho_torch.reconstruction import reconstruct  # noqa: E402
from ptycho_torch.refinement import Refinement, beam_and_patches, begin_refinement  # noqa: E402
from ptycho_torch.simulate import simulate_scan  # noqa: E402
from ptycho_torch.teaching import teach  # noqa: E402

pytestmark = pytest.mark.torch

PASSES = RefinementConfig(passes=15)


def simulated(seed: int = 3):
    return simulate_scan(SimulationConfig(n_patterns=81, size_px=32, step_px=3.0, seed=seed))


@pytest.fixture(scope="module")
def scanned():
    return simulated()


def begin(scan, config=PASSES, image=None, probe=None, positions=None) -> Refinement:
    return begin_refinement(
        torch.from_numpy(scan.diffraction_amplitude),
        torch.from_numpy(scan.positions_px if positions is None else positions),
        torch.from_numpy(scan.probe if probe is None else probe),
        config,
        image,
    )


def phase_error_rad(refinement: Refinement, scan, truth) -> float:
    placed = placed_object(refinement.estimate)[0]
    found = same_pixels(placed.object_, placed.origin_px, truth.object_.shape)
    region = scored_region(scan.positions_px, truth.object_.shape, 3.0)
    return float(np.sqrt(np.square(phase_difference(found[region], truth.object_[region])).mean()))


def misfits(refinement: Refinement) -> list[float]:
    return [record.amplitude_mse for record in refinement.passes()]


@pytest.mark.parametrize("seed", range(10))
def test_every_pass_lowers_the_misfit(seed) -> None:
    scan, truth = simulated(seed)
    refinement = begin(scan, replace(PASSES, seed=seed))
    before = phase_error_rad(refinement, scan, truth)
    found = misfits(refinement)
    assert len(found) == 16
    assert (np.diff(found) < 0).all()
    assert found[-1] < 0.4
    assert phase_error_rad(refinement, scan, truth) < 0.2 * before


def test_a_good_start_needs_fewer_passes_than_a_flat_one(scanned) -> None:
    scan, truth = scanned
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(truth.object_.shape) + 1j * rng.standard_normal(truth.object_.shape)
    rough = replace(truth, object_=(truth.object_ + 0.15 * noise).astype(np.complex64))
    flat, near = misfits(begin(scan)), misfits(begin(scan, image=rough))
    assert near[0] < flat[0]
    reached = flat[10]
    assert next(number for number, value in enumerate(near) if value <= reached) < 8


def test_the_start_is_the_image_where_there_is_one_and_flat_elsewhere(scanned) -> None:
    scan, truth = scanned
    half = PlacedObject(object_=truth.object_[:, :30] * np.exp(1j), origin_px=truth.origin_px)
    start = begin(scan, image=half).estimate
    y, x = start.origin_px
    known = start.object_[:20, : 30 - x].numpy()
    np.testing.assert_allclose(known, half.object_[y : y + 20, x:30], rtol=1e-5)
    rest = start.object_[:, 31 - x :]
    assert (rest - rest[0, 0]).abs().max() < 1e-5
    photons = np.square(scan.diffraction_amplitude).sum(axis=(1, 2)).mean()
    level = np.sqrt(photons / np.square(np.abs(scan.probe)).sum())
    assert abs(rest[0, 0]).item() == pytest.approx(level, rel=1e-5)


def test_what_is_predicted_is_what_the_forward_model_predicts(scanned) -> None:
    scan, _ = scanned
    refinement = begin(scan, replace(PASSES, probe=True, probe_modes=3))
    estimate = replace(refinement.estimate, positions_px=refinement.estimate.positions_px.round())
    probes, patches, _ = beam_and_patches(estimate, torch.arange(5))
    predicted = ForwardModel(estimate.probe, 1.0)(patches)
    amplitude = predicted.sqrt()
    alone = Refinement(amplitude, replace(estimate, positions_px=estimate.positions_px[:5]), PASSES)
    assert probes.shape == (5, 3, 32, 32)
    assert alone.amplitude_mse(alone.estimate) < 1e-6 * amplitude.square().mean()


def test_a_wrong_probe_is_refined(scanned) -> None:
    scan, truth = scanned
    frequency = np.fft.fftfreq(32)
    defocus = np.exp(6j * (frequency[:, None] ** 2 + frequency**2))
    wrong = np.fft.ifft2(np.fft.fft2(scan.probe) * defocus).astype(np.complex64)

    def overlap(probe) -> float:
        return abs(np.vdot(probe, scan.probe)) / np.linalg.norm(scan.probe) ** 2

    fixed = begin(scan, PASSES, probe=wrong)
    refined = begin(scan, replace(PASSES, probe=True, passes=30), probe=wrong)
    left, fitted = misfits(fixed)[-1], misfits(refined)
    assert (np.diff(fitted) < 0).all()
    assert fitted[-1] < 0.7 * left
    assert 1 - overlap(refined.estimate.probe[0].numpy()) < 0.2 * (1 - overlap(wrong))
    assert phase_error_rad(refined, scan, truth) < phase_error_rad(fixed, scan, truth)


def test_wrong_positions_are_refined(scanned) -> None:
    scan, _ = scanned
    error = np.random.default_rng(1).normal(0, 0.5, scan.positions_px.shape)
    config = replace(PASSES, positions=True, passes=40)
    refinement = begin(scan, config, positions=scan.positions_px + error)
    assert (np.diff(misfits(refinement)) < 0).all()
    found = refinement.estimate.positions_px.numpy() + np.array(refinement.estimate.origin_px)
    left = found - scan.positions_px
    left = left - left.mean(axis=0)
    assert np.abs(left).mean() < 0.4 * np.abs(error - error.mean(axis=0)).mean()


def test_refined_positions_keep_their_mean(scanned) -> None:
    scan, _ = scanned
    moved = scan.positions_px + np.random.default_rng(2).normal(0.4, 0.3, scan.positions_px.shape)
    refinement = begin(scan, replace(PASSES, positions=True), positions=moved)
    misfits(refinement)
    found = refinement.estimate.positions_px.numpy() + refinement.estimate.origin_px
    assert np.abs(found - moved).max() > 0.1
    np.testing.assert_allclose(found.mean(axis=0), moved.mean(axis=0), atol=1e-3)


def test_modes_explain_a_beam_that_trembles(scanned) -> None:
    scan, truth = scanned
    still = torch.from_numpy(scan.probe)[None]
    apart = torch.tensor([[0.0, 1.0], [0.0, -1.0]])
    modes = shift_waves(still, apart) / 2**0.5
    exact = begin(scan, image=truth).estimate
    exact = replace(exact, probe=modes)
    probes, patches, _ = beam_and_patches(exact, torch.arange(81))
    intensity = torch.cat(
        [ForwardModel(beam, 1.0)(patch[None]) for beam, patch in zip(probes, patches, strict=True)]
    )
    torch.manual_seed(0)
    trembled = replace(scan, diffraction_amplitude=torch.poisson(intensity).sqrt().numpy())
    config = replace(PASSES, probe=True, passes=30)
    first = begin(trembled, config)
    noise = first.amplitude_mse(exact)
    one, three = misfits(first)[-1], misfits(begin(trembled, replace(config, probe_modes=3)))[-1]
    assert 0 < three - noise < 0.5 * (one - noise)


def test_split_modes_keep_the_energy_and_are_orthogonal(scanned) -> None:
    probe = torch.from_numpy(scanned[0].probe)
    modes = split_modes(probe, 4)
    flat = modes.flatten(start_dim=1)
    products = (flat.conj() @ flat.mT).abs()
    energy = probe.abs().square().sum()
    torch.testing.assert_close(products.diagonal().sum(), energy)
    assert (products - torch.diag(products.diagonal())).max() < 1e-4 * energy
    torch.testing.assert_close(split_modes(probe, 1)[0], probe)
    with pytest.raises(UsageError, match="Expected --probe_modes to be 1 to 10, but got 11"):
        split_modes(probe, 11)


def test_same_seed_same_image(scanned) -> None:
    first, second = begin(scanned[0]), begin(scanned[0])
    assert misfits(first) == misfits(second)
    assert torch.equal(first.estimate.object_, second.estimate.object_)


def test_nothing_left_to_gain_ends_the_refinement(scanned) -> None:
    scan, truth = scanned
    start = begin(scan, image=truth)
    exact = start.estimate
    probes, patches, _ = beam_and_patches(exact, torch.arange(81))
    amplitude = torch.cat(
        [ForwardModel(beam, 1.0)(patch[None]) for beam, patch in zip(probes, patches, strict=True)]
    ).sqrt()
    refinement = Refinement(amplitude, exact, replace(PASSES, passes=10_000))
    assert len(misfits(refinement)) < 2000


def test_the_command_refines_from_a_flat_start_and_says_what_each_pass_came_to(
    command, small_scan_file, small_truth, small_scan, tmp_path
) -> None:
    out = tmp_path / "out"
    child = command(
        "inference", "--model_path", "none", "--test_data", small_scan_file, "--output_dir", out,
        "--refine", 12, "--refine_probe", "--refine_positions", "--accelerator", "cpu",
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert "pass 12/12  amplitude misfit 0." in child.stderr
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    passes = run["refinement"]["passes"]
    assert run["refinement"]["start"] == "flat"
    assert [record["number"] for record in passes] == list(range(13))
    assert (np.diff([record["amplitude_mse"] for record in passes]) < 0).all()
    assert not (out / "check.npz").exists()
    with np.load(out / "reconstruction.npz") as arrays:
        assert arrays["probe"].shape == (1, 32, 32)
        assert arrays["positions"].shape == small_scan.positions_px.shape
        assert arrays["object"].shape == arrays["coverage"].shape
    placed = load_object(out / "reconstruction.npz")
    found = same_pixels(placed.object_, placed.origin_px, small_truth.object_.shape)
    region = scored_region(small_scan.positions_px, small_truth.object_.shape, 3.0)
    error = phase_difference(found[region], small_truth.object_[region])
    assert error.std() < 0.5 * np.angle(small_truth.object_[region]).std()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--model_path", "none"], "Expected --model_path none to come with --refine"),
        (["--model_path", "x", "--refine_probe"], "Expected --refine_probe to come with --refine"),
        (
            ["--model_path", "x", "--refine", "3", "--probe_modes", "2"],
            "Expected --probe_modes to come with --refine_probe",
        ),
        (["--model_path", "x", "--refine", "-1"], "Expected --refine to be a whole number"),
    ],
)
def test_a_refinement_that_cannot_be_is_refused(capsys, flags, text, tmp_path) -> None:
    from ptycho_torch.inference import main

    status = main([*flags, "--test_data", "s.npz", "--output_dir", str(tmp_path / "out")])
    assert status == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_a_network_and_without_passes_there_is_nothing_to_do(scanned) -> None:
    with pytest.raises(UsageError, match="at least 1 pass of refinement"):
        reconstruct(None, scanned[0], InferenceConfig(accelerator="cpu"))


def test_a_teacher_gives_lessons_that_explain_the_patterns(scanned) -> None:
    scan, truth = scanned
    patterns = PatternDataset(scan)
    model = ForwardModel(torch.from_numpy(scan.probe), 0.99)
    lesson = teach(patterns, model, 10, accelerator="cpu")[[3, 40, 77]]
    assert torch.equal(lesson.diffraction_amplitude, patterns.diffraction_amplitude[[3, 40, 77]])
    window = model.window_probe.shape
    assert lesson.object_patches.shape == (3, *window)
    known = extract_patches(
        torch.from_numpy(truth.object_), patterns.positions_px[[3, 40, 77]], tuple(window)
    )
    light = model.window_probe.abs().square()
    assert patch_distance(lesson.object_patches, known, light) < 0.01
    flat = torch.full_like(known, known.abs().mean().item())
    assert patch_distance(flat, known, light) > 0.05


def test_the_distance_to_a_lesson_does_not_see_the_phase_and_reaches_every_pixel() -> None:
    torch.manual_seed(0)
    patches, known = torch.randn(2, 3, 5, 7, dtype=torch.complex128)
    patches.requires_grad_()
    light = torch.rand(5, 7, dtype=torch.float64)
    turns = torch.polar(torch.ones(3, 1, 1), torch.rand(3, 1, 1)).to(patches.dtype)
    distance = patch_distance(patches, known, light)
    torch.testing.assert_close(patch_distance(patches * turns, known, light), distance)
    distance.backward()
    assert (patches.grad.abs() > 0).all()
