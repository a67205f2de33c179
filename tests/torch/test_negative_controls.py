"""What must not pass as a reconstruction: each control meets the proof of the regression."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.config import (  # noqa: E402
    InferenceConfig,
    ModelConfig,
    SimulationConfig,
    TrainingConfig,
)
from ptycho_torch.reconstruction import reconstruct  # noqa: E402
from ptycho_torch.reconstructor import Reconstructor  # noqa: E402
from ptycho_torch.simulate import simulate_scan  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.torch]

ON_CPU = InferenceConfig(accelerator="cpu")


@pytest.fixture(scope="module")
def simulated():
    return simulate_scan(SimulationConfig())


def new_network(scan) -> Reconstructor:
    torch.manual_seed(0)
    network = Reconstructor(torch.from_numpy(scan.probe), ModelConfig())
    network.calibrate(torch.from_numpy(scan.diffraction_amplitude))
    return network


def trained_network(scan) -> Reconstructor:
    from ptycho_torch.training import train_scan

    return train_scan(scan, TrainingConfig(max_epochs=6, accelerator="cpu"))[0].reconstructor


@pytest.fixture(scope="module")
def network(simulated) -> Reconstructor:
    return trained_network(simulated[0])


def mirrored_scan(scan):
    ends = scan.positions_px.min(axis=0) + scan.positions_px.max(axis=0)
    return replace(scan, positions_px=ends - scan.positions_px)


@pytest.fixture(scope="module")
def scored(simulated, network):
    """Score a scan's reconstruction by a network against the truth of the simulation."""
    from ptycho_torch.metrics import same_pixels, score_reconstruction

    scan, truth = simulated

    def score(by: Reconstructor, of):
        placed = reconstruct(by, of, ON_CPU).placed
        object_ = same_pixels(placed.object_, placed.origin_px, truth.object_.shape)
        return score_reconstruction(object_, truth.object_, scan.positions_px)

    return score


@pytest.fixture(scope="module")
def baselines(simulated, scored, network):
    scan, _ = simulated
    return {
        "untrained": scored(new_network(scan), scan),
        "mirrored": scored(network, mirrored_scan(scan)),
    }


def rejected(prove_reconstruction, control, baselines, name: str) -> None:
    print(f"{name}: {control}")
    with pytest.raises(AssertionError):
        prove_reconstruction(control, **baselines)


def test_the_reconstruction_itself_is_accepted(
    simulated, network, scored, baselines, prove_reconstruction
) -> None:
    prove_reconstruction(scored(network, simulated[0]), **baselines)


def test_mirrored_places_are_rejected(baselines, prove_reconstruction) -> None:
    rejected(prove_reconstruction, baselines["mirrored"], baselines, "mirrored")


def test_untrained_weights_are_rejected(baselines, prove_reconstruction) -> None:
    rejected(prove_reconstruction, baselines["untrained"], baselines, "untrained")


def test_swapped_axes_are_rejected(
    simulated, network, scored, baselines, prove_reconstruction
) -> None:
    scan, _ = simulated
    swapped = replace(scan, positions_px=np.ascontiguousarray(scan.positions_px[:, ::-1]))
    rejected(prove_reconstruction, scored(network, swapped), baselines, "swapped")


def test_a_probe_that_is_shifted_by_half_a_pattern_is_rejected(
    simulated, scored, baselines, prove_reconstruction
) -> None:
    scan, _ = simulated
    half = (scan.probe.shape[0] // 2, scan.probe.shape[1] // 2)
    shifted = replace(scan, probe=np.roll(scan.probe, half, axis=(0, 1)))
    control = scored(trained_network(shifted), shifted)
    rejected(prove_reconstruction, control, baselines, "shifted probe")
