"""A probe from a file of its own, and what ``validate`` and ``convert`` tell of a scan."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ptycho_torch import convert, validate
from ptycho_torch.checks import DataError
from ptycho_torch.data.npz import save_scan
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.simulate import SimulationConfig, simulate_scan


@pytest.fixture(scope="module")
def scan():
    return simulate_scan(SimulationConfig(n_patterns=25, size_px=32, step_px=4.0, seed=2))[0]


def bare(path, scan):
    """Write the scan without its probe."""
    y, x = scan.positions_px.T
    np.savez(path, diff3d=scan.diffraction_amplitude, ycoords=y, xcoords=x)
    return path


@pytest.mark.parametrize("kind", ["npy", "scan", "result", "cxi", "product"])
def test_a_probe_may_come_from_a_file_of_its_own(tmp_path, scan, kind) -> None:
    place = tmp_path / "probe"
    if kind in {"cxi", "product"}:
        h5py = pytest.importorskip("h5py", reason="needs h5py")
        names = {"cxi": "entry_1/instrument_1/source_1/illumination", "product": "probe"}
        with h5py.File(place, "w") as file:
            file[names[kind]] = scan.probe[None, None]
    elif kind == "npy":
        with place.open("wb") as file:
            np.save(file, scan.probe)
    else:
        with place.open("wb") as file:
            np.savez(file, **{"probeGuess" if kind == "scan" else "probe": scan.probe})
    notes: list[str] = []
    path = bare(tmp_path / "scan.npz", scan)
    found = load_scan(path, probe=place, note=notes.append)
    assert found.digest() == scan.digest()
    assert notes == [f"{path}: the probe is from {place}"]
    assert (
        convert.main([str(path), "--output", str(tmp_path / "o.npz"), "--probe", str(place)]) == 0
    )
    assert load_scan(tmp_path / "o.npz").digest() == scan.digest()
    assert validate.main([str(path), "--probe", str(place)]) == 0


def test_a_probe_file_that_holds_none_is_blamed_and_not_the_scan(tmp_path, scan) -> None:
    path = bare(tmp_path / "scan.npz", scan)
    with pytest.raises(DataError, match="hold the array probeGuess"):
        load_scan(path)
    with pytest.raises(DataError, match=r"probe\.npy to hold a probe, but got no file there"):
        load_scan(path, probe=tmp_path / "probe.npy")
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    with pytest.raises(DataError, match=r"other\.npz to hold a probe under probeGuess or probe"):
        load_scan(path, probe=tmp_path / "other.npz")
    for probe, text in (
        (scan.probe[:16], r"have the shape \(32, 32\)"),
        (abs(scan.probe), "be complex"),
        (0 * scan.probe, "be finite and not all zero"),
    ):
        np.save(tmp_path / "probe.npy", probe)
        with pytest.raises(DataError, match=rf"the probe in .*probe\.npy to {text}"):
            load_scan(path, probe=tmp_path / "probe.npy")


def test_validate_tells_how_neighbours_overlap(tmp_path, capsys) -> None:
    scan, _ = simulate_scan(SimulationConfig(n_patterns=100, size_px=32, step_px=4.0, seed=2))
    y, x = np.divmod(np.arange(100.0), 10)
    bad = np.zeros((32, 32), bool)
    bad[3:5, 2] = True
    save_scan(tmp_path / "scan.npz", type(scan)(
        diffraction_amplitude=scan.diffraction_amplitude,
        positions_px=np.stack([y * 3.0, x * 4.0], axis=1),
        probe=(np.hypot(*(np.indices((32, 32)) - 16)) <= 8).astype(np.complex64),
        bad_pixels=bad,
        pixel_size_m=(2e-8, 3e-8),
    ))  # fmt: skip
    report = validate.inspect(tmp_path / "scan.npz")["scan"]
    assert report["nearest_px"] == pytest.approx(3.0)
    assert report["beam_px"] == pytest.approx(15.2, abs=0.5)
    assert report["overlap_ratio"] == pytest.approx(1 - 3 / report["beam_px"])
    assert (report["bad_pixels"], report["pixel_size_m"]) == (2, (2e-8, 3e-8))
    assert validate.main([str(tmp_path / "scan.npz")]) == 0
    out = capsys.readouterr().out
    assert "overlap        80%: neighbours 3.00 px apart, a beam" in out
    assert "object pixel   2e-08 m × 3e-08 m (y, x)" in out
    assert validate.main([str(tmp_path / "scan.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scan"]["pixel_size_m"] == [2e-8, 3e-8]


def test_counts_that_look_like_amplitudes_are_told(tmp_path, scan, capsys) -> None:
    save_scan(tmp_path / "scan.npz", scan)
    target = str(tmp_path / "out.npz")
    assert convert.main([str(tmp_path / "scan.npz"), "--output", target, "--counts"]) == 0
    assert "numbers that are not whole; are they counts" in capsys.readouterr().err
    assert convert.main([str(tmp_path / "scan.npz"), "--output", target]) == 0
    assert "note:" not in capsys.readouterr().err
