"""When is a network worth it? A second scan of the same beam, from its image and from nothing."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from ptycho_torch.config import (
    InferenceConfig,
    RefinementConfig,
    SimulationConfig,
    TrainingConfig,
)
from ptycho_torch.simulate import simulate_scan

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.torch]

EPOCHS = 6
PASSES = (1, 5, 20, 50)
GOOD_DB = 35.0


def refine(scan, truth, image, score):
    """Give, per pass from 0 on, the misfit, the phase PSNR and the seconds without scoring."""
    from ptycho_torch.estimate import placed_object
    from ptycho_torch.refinement import begin_refinement

    refinement = begin_refinement(
        torch.from_numpy(scan.diffraction_amplitude),
        torch.from_numpy(scan.positions_px),
        torch.from_numpy(scan.probe),
        RefinementConfig(passes=max(PASSES)),
        image,
    )
    rows, away = [], 0.0
    for record in refinement.passes():
        now = time.perf_counter()
        found = score(placed_object(refinement.estimate)[0], truth, scan)
        rows.append((record.amplitude_mse, found.phase_psnr_db, record.seconds - away))
        away += time.perf_counter() - now
    return rows


def test_a_second_scan_from_the_network_and_from_nothing(ptyreg, score) -> None:
    from ptycho_torch.reconstruction import reconstruct
    from ptycho_torch.training import train_scan

    first = simulate_scan(SimulationConfig(seed=0))[0]
    scan, truth = simulate_scan(SimulationConfig(seed=1))
    config = TrainingConfig(max_epochs=EPOCHS, accelerator="cpu")
    with ptyreg.stage("train"):
        network = train_scan(first, config)[0].reconstructor
    began = time.perf_counter()
    with ptyreg.stage("infer"):
        image = reconstruct(network, scan, InferenceConfig(accelerator="cpu")).placed
    ptyreg.metric("network_seconds_0", time.perf_counter() - began, unit="s")
    ptyreg.metric("network_psnr_0", score(image, truth, scan).phase_psnr_db, unit="dB")
    rows = {}
    for start, known in (("network", image), ("flat", None)):
        with ptyreg.stage(f"refine-{start}"):
            rows[start] = refine(scan, truth, known, score)
        assert len(rows[start]) == max(PASSES) + 1
        assert all(after[0] < before[0] for before, after in pairwise(rows[start]))
        for number in PASSES:
            misfit, psnr_db, seconds = rows[start][number]
            ptyreg.metric(f"{start}_misfit_{number}", misfit, unit="1")
            ptyreg.metric(f"{start}_psnr_{number}", psnr_db, unit="dB")
            ptyreg.metric(f"{start}_seconds_{number}", seconds, unit="s")
        good = next(number for number, row in enumerate(rows[start]) if row[1] >= GOOD_DB)
        ptyreg.metric(f"{start}_passes_to_35_db", good, unit="1")
        ptyreg.metric(f"{start}_seconds_to_35_db", rows[start][good][2], unit="s")
    for number in (1, 5):
        assert rows["network"][number][1] > rows["flat"][number][1] + 1
    assert rows["network"][20][1] >= GOOD_DB
    assert rows["flat"][50][1] > score(image, truth, scan).phase_psnr_db + 5
