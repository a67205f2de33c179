"""Scans in other formats, scans larger than memory, and the commands that look at them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch import convert, validate
from ptycho_torch.checks import DataError
from ptycho_torch.data import scan_file, schema
from ptycho_torch.data.npz import save_scan
from ptycho_torch.data.scan import Scan
from ptycho_torch.data.scan_file import load_scan

COUNT, HEIGHT, WIDTH = 7, 12, 8
ENERGY_J, DISTANCE_M, PIXEL_M = 1.4e-15, 2.0, 55e-6
WAVELENGTH_M = 1.98644586e-25 / ENERGY_J


@pytest.fixture
def scan() -> Scan:
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 500, (COUNT, HEIGHT, WIDTH))
    probe = rng.normal(size=(HEIGHT, WIDTH)) + 1j * rng.normal(size=(HEIGHT, WIDTH))
    positions = rng.random((COUNT, 2)) * (30, 20)
    return Scan(
        diffraction_amplitude=np.sqrt(counts).astype(np.float32),
        positions_px=positions - positions.min(axis=0) + (HEIGHT // 2, WIDTH // 2),
        probe=probe.astype(np.complex64),
    )


def counts_of(scan: Scan) -> np.ndarray:
    return np.square(scan.diffraction_amplitude).round().astype(np.uint32)


def write_cxi(path, scan: Scan, **changed):
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    pixel_m = WAVELENGTH_M * DISTANCE_M / (np.array([HEIGHT, WIDTH]) * PIXEL_M)
    metres = np.zeros((COUNT, 3))
    metres[:, 1::-1] = scan.positions_px * pixel_m
    content = {
        "entry_1/data_1/data": counts_of(scan),
        "entry_1/sample_1/geometry_1/translation": metres,
        "entry_1/instrument_1/source_1/energy": ENERGY_J,
        "entry_1/instrument_1/source_1/illumination": scan.probe[None],
        "entry_1/instrument_1/detector_1/distance": DISTANCE_M,
        "entry_1/instrument_1/detector_1/x_pixel_size": PIXEL_M,
        "entry_1/instrument_1/detector_1/y_pixel_size": PIXEL_M,
    } | changed
    with h5py.File(path, "w") as file:
        for place, value in content.items():
            if value is not None:
                file[place] = value
    return path


def write_product(path, scan: Scan, *, patterns: bool = True):
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    pixel_m, shape, centre_m = (3e-8, 2e-8), (60, 52), (1e-6, -2e-6)
    with h5py.File(path, "w") as file:
        file["probe"] = scan.probe[None]
        file["object"] = np.ones((1, *shape), complex)
        attributes = file["object"].attrs
        for axis, name in enumerate(("height", "width")):
            attributes[f"pixel_{name}_m"] = pixel_m[axis]
        for axis, name in enumerate("yx"):
            attributes[f"center_{name}_m"] = centre_m[axis]
            offset_px = scan.positions_px[:, axis] - shape[axis] / 2
            file[f"probe_position_{name}_m"] = offset_px * pixel_m[axis] + centre_m[axis]
        file["probe_position_indexes"] = np.arange(COUNT)
        if patterns:
            file["dp"] = counts_of(scan)
    return path


def assert_same(found: Scan, scan: Scan) -> None:
    assert found.diffraction_amplitude.tobytes() == scan.diffraction_amplitude.tobytes()
    assert found.probe.tobytes() == scan.probe.tobytes()
    np.testing.assert_allclose(found.positions_px, scan.positions_px, rtol=1e-6)


def test_a_cxi_file_is_a_scan(tmp_path, scan) -> None:
    assert_same(load_scan(write_cxi(tmp_path / "scan.cxi", scan)), scan)


def test_masked_pixels_of_a_cxi_file_count_nothing(tmp_path, scan) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint32)
    mask[3, 5] = 1
    counts = counts_of(scan).astype(np.float32)
    counts[:, 3, 5] = np.nan
    path = write_cxi(
        tmp_path / "scan.cxi",
        scan,
        **{"entry_1/instrument_1/detector_1/mask": mask, "entry_1/data_1/data": counts},
    )
    amplitude = load_scan(path).diffraction_amplitude
    assert not amplitude[:, 3, 5].any()
    assert np.array_equal(amplitude[:, mask == 0], scan.diffraction_amplitude[:, mask == 0])


CXI_FAULTS = {
    "entry_1/data_1/data": (None, "hold the patterns under"),
    "entry_1/instrument_1/source_1/illumination": (None, "hold the probe under"),
    "entry_1/sample_1/geometry_1/translation": (np.zeros((4, 9)), r"be \(pattern, xyz\)"),
    "entry_1/instrument_1/detector_1/distance": (None, "be one number above 0"),
    "entry_1/instrument_1/source_1/energy": (8.7, "be a photon's energy, but got 8.7 J"),
}


@pytest.mark.parametrize("place", CXI_FAULTS)
def test_what_a_cxi_file_lacks_is_named(tmp_path, scan, place) -> None:
    value, message = CXI_FAULTS[place]
    path = write_cxi(tmp_path / "scan.cxi", scan, **{place: value})
    with pytest.raises(DataError, match=message) as problem:
        load_scan(path)
    assert str(path) in str(problem.value)


def test_several_probe_modes_are_refused(tmp_path, scan) -> None:
    modes = {"entry_1/instrument_1/source_1/illumination": np.stack([scan.probe] * 3)}
    with pytest.raises(DataError, match="have one mode"):
        load_scan(write_cxi(tmp_path / "scan.cxi", scan, **modes))


def test_a_ptychodus_product_is_a_scan_with_its_patterns(tmp_path, scan) -> None:
    assert_same(load_scan(write_product(tmp_path / "product.h5", scan)), scan)
    alone = write_product(tmp_path / "alone.h5", scan, patterns=False)
    with pytest.raises(DataError, match=r"ptycho_torch.convert PRODUCT --patterns FILE"):
        load_scan(alone)
    np.savez(tmp_path / "patterns.npz", patterns=counts_of(scan))
    assert_same(load_scan(alone, patterns=tmp_path / "patterns.npz"), scan)
    assert_same(load_scan(alone, patterns=tmp_path / "product.h5"), scan)


def test_other_hdf5_files_are_refused(tmp_path) -> None:
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(DataError, match="but got the groups weights"):
        load_scan(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DataError, match="be a whole HDF5 file"):
        load_scan(path)


def test_a_large_stack_is_mapped_and_never_held(tmp_path, scan, monkeypatch) -> None:
    large = np.abs(np.random.default_rng(0).normal(size=(500, 128, 128))).astype(np.float32)
    positions = np.random.default_rng(1).random((500, 2)) * 50
    probe = np.ones((128, 128), np.complex64)
    path = tmp_path / "large.npz"
    save_scan(path, Scan(diffraction_amplitude=large, positions_px=positions, probe=probe))
    monkeypatch.setattr(scan_file, "MAPPED_BYTES", 2**20)
    monkeypatch.setattr(scan_file, "CHUNK_BYTES", 2**20)
    monkeypatch.setattr("ptycho_torch.data.scan.DIGESTED_BYTES", 2**20)
    tracemalloc.start()
    try:
        mapped = load_scan(path)
        digest = mapped.digest()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < large.nbytes / 3
    assert isinstance(mapped.diffraction_amplitude.base, np.memmap)
    monkeypatch.undo()
    assert load_scan(path).digest() == digest


def test_damage_in_a_mapped_stack_is_found(tmp_path, scan, monkeypatch) -> None:
    path = tmp_path / "scan.npz"
    longer = Scan(
        diffraction_amplitude=np.repeat(scan.diffraction_amplitude, 20, axis=0),
        positions_px=np.random.default_rng(0).random((20 * COUNT, 2)),
        probe=scan.probe,
    )
    save_scan(path, longer)
    monkeypatch.setattr(scan_file, "MAPPED_BYTES", 1)
    load_scan(path)
    data = bytearray(path.read_bytes())
    data[30_000] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="be undamaged"):
        load_scan(path)


def test_numpy_reads_what_is_written_and_the_bytes_repeat(tmp_path, scan) -> None:
    for name in ("one.npz", "two.npz"):
        save_scan(tmp_path / name, scan)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as arrays:
        assert arrays["diff3d"].tobytes() == scan.diffraction_amplitude.tobytes()
        assert arrays["xcoords"].tolist() == scan.positions_px[:, 1].tolist()


@pytest.mark.parametrize("large", [False, True])
def test_convert_writes_the_same_scan(tmp_path, scan, monkeypatch, large) -> None:
    if large:
        monkeypatch.setattr(scan_file, "MAPPED_BYTES", 1)
        monkeypatch.setattr(scan_file, "CHUNK_BYTES", 3 * HEIGHT * WIDTH * 4)
    source = write_cxi(tmp_path / "scan.cxi", scan)
    target = tmp_path / "out" / "scan.npz"
    assert convert.main([str(source), "--output", str(target), "--flip", "x"]) == 0
    found = load_scan(target)
    assert found.diffraction_amplitude.tobytes() == scan.diffraction_amplitude.tobytes()
    x = scan.positions_px[:, 1]
    np.testing.assert_allclose(found.positions_px[:, 1], x.min() + x.max() - x, rtol=1e-6)
    assert [path.name for path in target.parent.iterdir()] == ["scan.npz"]


def test_convert_that_fails_writes_nothing(tmp_path, scan, capsys) -> None:
    source = write_cxi(tmp_path / "scan.cxi", scan, **{"entry_1/data_1/data": None})
    assert convert.main([str(source), "--output", str(tmp_path / "scan.npz")]) == 2
    assert capsys.readouterr().err.startswith("Expected ")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.cxi"]


def test_validate_tells_what_a_file_holds(tmp_path, scan, capsys) -> None:
    path = tmp_path / "scan.npz"
    save_scan(path, scan)
    assert validate.main([str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"{path}: NPZ, 7 patterns of 12 × 8\n")
    assert out.endswith("\nvalid\n")
    assert scan.digest() in out
    assert validate.main([str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["valid"]
    assert report["scan"]["sha256"] == scan.digest()
    assert report["arrays"]["diff3d"] == {"dtype": "float32", "shape": [7, 12, 8]}


def test_validate_tells_every_problem(tmp_path, scan, capsys) -> None:
    path = tmp_path / "scan.npz"
    stack = scan.diffraction_amplitude.copy()
    stack[2, 1, 1], stack[4, 2, 2] = np.nan, -1
    np.savez(
        path, diff3d=stack, ycoords=np.ones(COUNT), xcoords=np.arange(COUNT), probeGuess=scan.probe
    )
    assert validate.main([str(path)]) == 2
    problems = capsys.readouterr().err.splitlines()
    assert len(problems) == 3
    assert all(problem.startswith("Expected ") for problem in problems)
    np.savez(path, diff3d=stack, probeGuess=scan.probe)
    assert validate.main([str(path), "--json"]) == 2
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2


def test_validate_notes_what_looks_odd(tmp_path, scan) -> None:
    counts = np.moveaxis(counts_of(scan), 0, -1).astype(np.float32)
    np.savez(
        tmp_path / "scan.npz",
        diffraction=counts,
        ycoords=scan.positions_px[:, 0],
        xcoords=scan.positions_px[:, 1],
        probeGuess=scan.probe,
        comment=np.zeros(2),
    )
    notes = validate.inspect(tmp_path / "scan.npz")["notes"]
    assert [note.split(" ")[0] for note in notes] == ["the", "the", "not"]
    assert "FORMAT-001" in notes[0]
    assert "--counts" in notes[1]
    assert notes[2] == "not read: comment"


def test_the_contract_is_written_once() -> None:
    keys = [key for spec in schema.SCAN_ARRAYS for key in spec.keys]
    assert len(keys) == len(set(keys))
    table = schema.as_table()
    assert all(f"`{key}`" in table for key in keys)


def test_the_documentation_shows_the_contract() -> None:
    page = Path(__file__).parents[2] / "docs" / "workflows" / "data.md"
    assert schema.as_table() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["npz", "compressed", "cxi", "product"])
def test_bytes_changed_at_random_are_refused_or_read(tmp_path, scan, kind) -> None:
    path = tmp_path / "scan.npz"
    if kind == "npz":
        save_scan(path, scan)
    elif kind == "compressed":
        np.savez_compressed(
            path,
            diff3d=scan.diffraction_amplitude,
            ycoords=scan.positions_px[:, 0],
            xcoords=scan.positions_px[:, 1],
            probeGuess=scan.probe,
        )
    else:
        {"cxi": write_cxi, "product": write_product}[kind](path, scan)
    whole = path.read_bytes()
    rng = np.random.default_rng(6)
    refused = []
    for _ in range(80):
        data = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.2 else whole)
        for place in rng.integers(0, len(data), rng.integers(1, 20)):
            data[place] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            load_scan(path)
        except DataError as problem:
            refused.append(str(problem))
    assert len(refused) > 10
    assert all(text.startswith("Expected ") for text in refused)
