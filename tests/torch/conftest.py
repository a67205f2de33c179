"""What the tests of ``ptycho_torch`` share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.checks import TorchMissing, require_torch
from ptycho_torch.data.npz import load_object, save_object, save_scan
from ptycho_torch.data.scan import PlacedObject, Scan
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.metrics import ReconstructionScore, same_pixels, score_reconstruction
from ptycho_torch.simulate import SimulationConfig, simulate_scan

ROOT = Path(__file__).parents[2]

CORRELATION_MINIMUM = 0.85
MARGIN_MINIMUM = 0.4


def _is_ci() -> bool:
    return any(os.environ.get(name, "").lower() in {"1", "true"} for name in ("PTYREG_CI", "CI"))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In a CI without PyTorch, skip the modules that import it; elsewhere their error stays."""
    report = yield
    text = str(report.longrepr)
    if report.failed and "TorchMissing: " in text and _is_ci():
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: {text.splitlines()[-1][4:]}")
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In a CI without PyTorch, skip what needs it; anywhere else fail with the remedy."""
    if item.get_closest_marker("torch") is None:
        return
    try:
        require_torch()
    except TorchMissing as missing:
        if _is_ci():
            pytest.skip(str(missing))
        pytest.fail(str(missing), pytrace=False)


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command() -> Command:
    """Run a module of the package in a child process, as a user would."""

    def run(module: str, *arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", f"ptycho_torch.{module}", *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def score(placed: PlacedObject, truth: PlacedObject, scan: Scan) -> ReconstructionScore:
    """Score an object against the truth, wherever its canvas lies."""
    shape = (truth.object_.shape[0], truth.object_.shape[1])
    object_ = same_pixels(placed.object_, placed.origin_px, shape, truth.origin_px)
    return score_reconstruction(object_, truth.object_, scan.positions_px)


def prove_reconstruction(
    found: ReconstructionScore, untrained: ReconstructionScore, mirrored: ReconstructionScore
) -> None:
    """Accept a reconstruction, or say what it lacks. Every negative control meets this function."""
    correlation = found.phase_correlation
    assert correlation >= CORRELATION_MINIMUM
    assert correlation >= untrained.phase_correlation + MARGIN_MINIMUM
    assert correlation >= mirrored.phase_correlation + MARGIN_MINIMUM


@pytest.fixture(name="score")
def score_fixture() -> Callable[[PlacedObject, PlacedObject, Scan], ReconstructionScore]:
    return score


@pytest.fixture(name="prove_reconstruction")
def prove_reconstruction_fixture() -> Callable[..., None]:
    return prove_reconstruction


@pytest.fixture(scope="session")
def small_scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan that trains in a second, with its truth beside it as ``truth.npz``."""
    folder = tmp_path_factory.mktemp("scan")
    scan, truth = simulate_scan(SimulationConfig(n_patterns=24, size_px=32, seed=11))
    save_scan(folder / "scan.npz", scan)
    save_object(folder / "truth.npz", truth)
    return folder / "scan.npz"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, small_scan_file: Path) -> Path:
    """The folder of a short training on the small scan; not to be changed."""
    from ptycho_torch.config import TrainingConfig
    from ptycho_torch.train import write_training

    folder = tmp_path_factory.mktemp("trained") / "run"
    write_training(small_scan_file, folder, TrainingConfig(max_epochs=1, accelerator="cpu"))
    return folder


@pytest.fixture
def scan() -> Scan:
    """Seven patterns of 12 × 8 px, no two alike: whatever is exchanged or left out shows."""
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 500, (7, 12, 8))
    probe = rng.normal(size=(12, 8)) + 1j * rng.normal(size=(12, 8))
    positions = rng.random((7, 2)) * (30, 20)
    return Scan(
        diffraction_amplitude=np.sqrt(counts).astype(np.float32),
        positions_px=positions - positions.min(axis=0) + (6, 4),
        probe=probe.astype(np.complex64),
    )


@pytest.fixture(scope="session")
def small_scan(small_scan_file: Path) -> Scan:
    return load_scan(small_scan_file)


@pytest.fixture(scope="session")
def small_truth(small_scan_file: Path) -> PlacedObject:
    return load_object(small_scan_file.with_name("truth.npz"))
