"""A scan that Python made is held to the contract like one from a file, and results tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch import api  # noqa: E402
from ptycho_torch.checks import DataError, UsageError  # noqa: E402
from ptycho_torch.config import (  # noqa: E402
    InferenceConfig,
    RefinementConfig,
    SimulationConfig,
    TrainingConfig,
)
from ptycho_torch.remarks import remarks_on  # noqa: E402

pytestmark = pytest.mark.torch

PLAIN = InferenceConfig(accelerator="cpu")
REFINED = InferenceConfig(accelerator="cpu", refinement=RefinementConfig(passes=12))


@pytest.fixture(scope="module")
def scan():
    return api.simulate_scan(SimulationConfig(n_patterns=64, size_px=32, step_px=3.0, seed=5))[0]


@pytest.fixture(scope="module")
def bundle(scan):
    return api.train(scan, TrainingConfig(max_epochs=2, accelerator="cpu"))


def test_arrays_of_other_types_are_converted(scan) -> None:
    stack = scan.diffraction_amplitude
    other = replace(
        scan,
        diffraction_amplitude=stack[::-1].astype(np.float64),
        positions_px=scan.positions_px[::-1].astype(np.float32),
        probe=scan.probe.astype(np.complex128),
    )
    assert other.diffraction_amplitude.dtype == np.float32
    assert other.diffraction_amplitude.flags.c_contiguous
    assert other.positions_px.dtype == np.float64
    assert other.probe.dtype == np.complex64
    assert api.reconstruct(None, other, REFINED).object_.dtype == np.complex64


UNFIT = {
    "lengths": (lambda s: {"positions_px": s.positions_px[:9]}, r"be real \(64, 2\)"),
    "axes": (lambda s: {"diffraction_amplitude": s.diffraction_amplitude[0]}, "be real"),
    "counts": (
        lambda s: {"diffraction_amplitude": s.diffraction_amplitude.astype(np.uint16)},
        "uint16",
    ),
    "none": (
        lambda s: {
            "diffraction_amplitude": s.diffraction_amplitude[:0],
            "positions_px": s.positions_px[:0],
        },
        "at least 1 pattern",
    ),
    "small": (
        lambda s: {
            "diffraction_amplitude": s.diffraction_amplitude[:, :7],
            "probe": s.probe[:7],
        },
        "8 px each way",
    ),
    "probe shape": (lambda s: {"probe": s.probe[:16]}, r"have the shape \(32, 32\)"),
    "probe modes": (lambda s: {"probe": np.stack([s.probe] * 2)}, r"complex \(y, x\)"),
    "real probe": (lambda s: {"probe": np.abs(s.probe)}, "be complex"),
    "bad pixels": (lambda s: {"bad_pixels": np.zeros((3, 3), bool)}, "have the shape"),
    "pixel size": (lambda s: {"pixel_size_m": (1e-8, -1e-8)}, "two lengths above 0"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_arrays_that_do_not_belong_together_are_no_scan(scan, case) -> None:
    changed, message = UNFIT[case]
    with pytest.raises(DataError, match=message) as problem:
        replace(scan, **changed(scan))
    assert " of a Scan to " in str(problem.value)


IMPOSSIBLE = {
    "NaN": (lambda s: {"diffraction_amplitude": s.diffraction_amplitude * np.nan}, "be finite"),
    "negative": (lambda s: {"diffraction_amplitude": -s.diffraction_amplitude}, "below 0"),
    "dark": (lambda s: {"diffraction_amplitude": 0 * s.diffraction_amplitude}, "some light"),
    "probe": (lambda s: {"probe": 0 * s.probe}, "not all zero"),
    "positions": (lambda s: {"positions_px": s.positions_px * np.nan}, "be finite"),
    "metres": (lambda s: {"positions_px": s.positions_px * 2e-8}, "be in pixels"),
    "micrometres": (lambda s: {"positions_px": s.positions_px * 0.002}, "be in pixels"),
    "nanometres": (lambda s: {"positions_px": s.positions_px * 20}, "share a beam of"),
    "corner-centred patterns": (
        lambda s: {"diffraction_amplitude": np.fft.ifftshift(s.diffraction_amplitude, (1, 2))},
        "zero frequency at pixel size // 2",
    ),
    "corner-centred probe": (lambda s: {"probe": np.fft.ifftshift(s.probe)}, "its light around"),
    "all bad": (lambda s: {"bad_pixels": np.ones((32, 32), bool)}, "leave some pixels|some light"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_values_that_cannot_be_right_are_refused_by_train_and_reconstruct(scan, case) -> None:
    changed, message = IMPOSSIBLE[case]
    wrong = replace(scan, **changed(scan))
    for work in (
        lambda: api.train(wrong, TrainingConfig(accelerator="cpu")),
        lambda: api.reconstruct(None, wrong, REFINED),
    ):
        with pytest.raises(DataError, match=message):
            work()


def test_bad_pixels_hide_what_cannot_be_right(scan) -> None:
    stack, bad = scan.diffraction_amplitude.copy(), np.zeros((32, 32), bool)
    stack[:, 4, 5], bad[4, 5] = -1, True
    found = api.reconstruct(
        None, replace(scan, diffraction_amplitude=stack, bad_pixels=bad), REFINED
    )
    assert np.isfinite(found.object_).all()


SETTINGS = [
    (InferenceConfig(batch_size=0), "batch_size to be at least 1"),
    (InferenceConfig(refinement=RefinementConfig(passes=-1)), "passes to be at least 0"),
    (InferenceConfig(refinement=RefinementConfig(passes=1, batch_size=0)), "batch_size"),
    (InferenceConfig(refinement=RefinementConfig(passes=1, probe_modes=2)), "--refine_probe"),
    (TrainingConfig(learning_rate=-1.0), "--learning_rate"),
    (TrainingConfig(precision="float"), "--precision"),
    (TrainingConfig(strategy="magic"), "--strategy"),
]


@pytest.mark.parametrize(("config", "message"), SETTINGS)
def test_settings_that_cannot_be_are_refused(scan, bundle, config, message) -> None:
    def work() -> None:
        if isinstance(config, TrainingConfig):
            api.train(scan, config)
        api.reconstruct(bundle, scan, replace(config, accelerator="cpu"))

    with pytest.raises(UsageError, match=message):
        work()


@pytest.mark.parametrize("name", ["n_patterns", "size_px", "step_px", "photons"])
def test_what_cannot_be_simulated_is_refused(name) -> None:
    with pytest.raises(UsageError, match=f"Expected {name} to be (at least|a finite)"):
        api.simulate_scan(replace(SimulationConfig(), **{name: 0}))


def test_a_flat_start_gives_all_that_was_refined(scan) -> None:
    refinement = RefinementConfig(passes=3, probe=True, positions=True, probe_modes=2)
    found = api.reconstruct(None, scan, replace(REFINED, refinement=refinement))
    assert found.probe.shape == (2, 32, 32)
    assert found.positions_px.shape == (64, 2)
    assert found.coverage.shape == found.object_.shape
    assert (found.islands, found.interrupted) == (1, False)
    assert found.origin_px == found.placed.origin_px
    with pytest.raises(UsageError, match="at least 1 pass"):
        api.reconstruct(None, scan, PLAIN)


def test_paths_may_be_plain_text(scan, bundle, tmp_path) -> None:
    place = str(tmp_path / "scan.npz")
    api.save_scan(place, scan)
    assert api.load_scan(place).digest() == scan.digest()
    api.save_bundle(str(tmp_path / "wts.h5.zip"), bundle)
    again = api.load_bundle(str(tmp_path))
    image = api.reconstruct(again, scan, PLAIN)
    api.save_object(str(tmp_path / "object.npz"), image.placed)
    assert np.array_equal(api.load_object(str(tmp_path / "object.npz")).object_, image.object_)


@pytest.mark.parametrize("exposure", [0.01, 100.0])
def test_another_exposure_of_the_same_beam_gives_the_same_image(scan, bundle, exposure) -> None:
    longer = replace(
        scan,
        diffraction_amplitude=scan.diffraction_amplitude * np.float32(exposure**0.5),
        probe=scan.probe * np.float32(exposure**0.5),
    )
    images = [api.reconstruct(bundle, each, PLAIN).object_ for each in (scan, longer)]
    np.testing.assert_allclose(images[1], images[0], atol=1e-4)
    patches = [bundle.reconstructor.first_patches(each) for each in (scan, longer)]
    torch.testing.assert_close(patches[1], patches[0], atol=1e-4, rtol=0)


def said(scan, config=REFINED, bundle=None) -> str:
    return "\n".join(remarks_on(api.reconstruct(bundle, scan, config), scan, config))


def test_what_is_odd_about_an_image_is_said(scan, bundle) -> None:
    assert said(scan) == said(scan, PLAIN, bundle) == ""
    shuffled = np.random.default_rng(0).permutation(scan.positions_px)
    assert "explains the patterns badly" in said(replace(scan, positions_px=shuffled))
    intense = np.square(scan.diffraction_amplitude)
    assert "the scale of one of them is wrong" in said(replace(scan, diffraction_amplitude=intense))
    faint = np.sqrt(np.random.default_rng(0).poisson(intense / 20_000)).astype(np.float32) + 1e-3
    low = replace(scan, diffraction_amplitude=faint, probe=scan.probe / np.float32(20_000**0.5))
    assert "few photons: noise is about" in said(low)
    apart = scan.positions_px + 500.0 * (np.arange(64) % 2)[:, None]
    assert "falls into 2 parts" in said(replace(scan, positions_px=apart))
    turned = replace(scan, diffraction_amplitude=scan.diffraction_amplitude[:, ::-1, ::-1] * 3)
    assert "does not explain the patterns" in said(turned, PLAIN, bundle)
