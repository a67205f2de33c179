"""Scans in CXI and Ptychodus files: units, masks and indexes are read, or refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch import convert
from ptycho_torch.checks import DataError
from ptycho_torch.data import stack
from ptycho_torch.data.npz import save_scan
from ptycho_torch.data.scan import Scan
from ptycho_torch.data.scan_file import load_scan

COUNT, HEIGHT, WIDTH = 7, 12, 8
ENERGY_J, DISTANCE_M, PIXELS_M = 1.4e-15, 2.0, (55e-6, 40e-6)
WAVELENGTH_M = 1.98644586e-25 / ENERGY_J


def counts_of(scan: Scan) -> np.ndarray:
    return np.square(scan.diffraction_amplitude).round().astype(np.uint32)


def assert_same(found: Scan, scan: Scan) -> None:
    assert found.diffraction_amplitude.tobytes() == scan.diffraction_amplitude.tobytes()
    assert found.probe.tobytes() == scan.probe.tobytes()
    np.testing.assert_allclose(found.positions_px, scan.positions_px, rtol=1e-6)


def write_cxi(path, scan: Scan, units=None, **changed):
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    pixel_m = WAVELENGTH_M * DISTANCE_M / (np.array([HEIGHT, WIDTH]) * PIXELS_M)
    metres = np.zeros((COUNT, 3))
    metres[:, 1::-1] = scan.positions_px * pixel_m
    content = {
        "entry_1/data_1/data": counts_of(scan),
        "entry_1/sample_1/geometry_1/translation": metres,
        "entry_1/instrument_1/source_1/energy": ENERGY_J,
        "entry_1/instrument_1/source_1/illumination": scan.probe[None],
        "entry_1/instrument_1/detector_1/distance": DISTANCE_M,
        "entry_1/instrument_1/detector_1/x_pixel_size": PIXELS_M[1],
        "entry_1/instrument_1/detector_1/y_pixel_size": PIXELS_M[0],
    } | changed
    with h5py.File(path, "w") as file:
        for place, value in content.items():
            if value is not None:
                file[place] = value
        for place, unit in (units or {}).items():
            file[place].attrs["units"] = unit
    return path


def test_a_cxi_file_is_a_scan(tmp_path, scan) -> None:
    assert_same(load_scan(write_cxi(tmp_path / "scan.cxi", scan)), scan)


DETECTOR, MASK = "entry_1/instrument_1/detector_1", "entry_1/instrument_1/detector_1/mask"
BAD = np.zeros((HEIGHT, WIDTH), bool)
BAD[3, 5] = BAD[7, :] = True
MASKS = {
    "dead": np.where(BAD, 8, 0).astype(np.uint32),
    "with signal elsewhere": np.where(BAD, 1, 0x1000).astype(np.uint32),
    "true": BAD,
    "one more axis": np.where(BAD, 2, 0).astype(np.uint32)[None],
    "each pattern": np.repeat(np.where(BAD, 4, 0)[None], COUNT, axis=0),
    "in one pattern": np.where(BAD, 1, 0) * (np.arange(COUNT) == 3)[:, None, None],
}


@pytest.mark.parametrize("kind", MASKS)
def test_masked_pixels_of_a_cxi_file_count_nothing(tmp_path, scan, kind) -> None:
    counts = counts_of(scan).astype(np.float32)
    counts[:, BAD] = np.nan
    found = load_scan(
        write_cxi(tmp_path / "scan.cxi", scan, **{MASK: MASKS[kind], "entry_1/data_1/data": counts})
    )
    assert np.array_equal(found.bad_pixels, BAD)
    amplitude = found.diffraction_amplitude
    assert not amplitude[:, BAD].any()
    assert np.array_equal(amplitude[:, ~BAD], scan.diffraction_amplitude[:, ~BAD])
    save_scan(tmp_path / "kept.npz", found)
    kept = load_scan(tmp_path / "kept.npz")
    assert np.array_equal(kept.bad_pixels, BAD)
    assert kept.digest() == found.digest() != scan.digest()


def test_a_mask_that_tells_of_good_pixels_only_masks_nothing(tmp_path, scan) -> None:
    for value in (0x1000, 0x20, 0):
        path = write_cxi(tmp_path / "scan.cxi", scan, **{MASK: np.full((HEIGHT, WIDTH), value)})
        assert load_scan(path).bad_pixels is None


def test_counts_that_no_pixel_can_have_make_it_bad(tmp_path, scan) -> None:
    for dtype, stuck in ((np.uint32, 2**32 - 1), (np.int32, -1), (np.uint16, 2**16 - 1)):
        counts = np.where(BAD, stuck, counts_of(scan)).astype(dtype)
        path = write_cxi(tmp_path / "scan.cxi", scan, **{"entry_1/data_1/data": counts})
        notes: list[str] = []
        assert np.array_equal(load_scan(path, note=notes.append).bad_pixels, BAD)
        assert notes[0].endswith("9 pixels stuck at what is no count are taken as bad")


def test_units_of_a_cxi_file_are_read(tmp_path, scan) -> None:
    positions = "entry_1/sample_1/geometry_1/translation"
    metres = np.zeros((COUNT, 3))
    pixel_m = WAVELENGTH_M * DISTANCE_M / (np.array([HEIGHT, WIDTH]) * PIXELS_M)
    metres[:, 1::-1] = scan.positions_px * pixel_m
    plain = load_scan(write_cxi(tmp_path / "plain.cxi", scan))
    np.testing.assert_allclose(plain.pixel_size_m, pixel_m, rtol=1e-6)
    for place, value, unit in (
        (positions, metres * 1e6, "um"),
        (positions, metres * 1e9, "nm"),
        (f"{DETECTOR}/distance", DISTANCE_M * 1e3, "mm"),
        (f"{DETECTOR}/y_pixel_size", PIXELS_M[0] * 1e6, "micron"),
        ("entry_1/instrument_1/source_1/energy", ENERGY_J / 1.602176634e-19, "eV"),
        ("entry_1/instrument_1/source_1/energy", [ENERGY_J / 1.602176634e-16], b"keV"),
    ):
        path = write_cxi(tmp_path / "scan.cxi", scan, {place: unit}, **{place: value})
        assert_same(load_scan(path), scan)
    with pytest.raises(DataError, match=r"units of .*distance.* to be one of m, .* got furlong"):
        load_scan(write_cxi(tmp_path / "scan.cxi", scan, {f"{DETECTOR}/distance": "furlong"}))


CXI_FAULTS = {
    "entry_1/data_1/data": (None, "hold the patterns under"),
    "entry_1/instrument_1/source_1/illumination": (None, "hold the probe under"),
    "entry_1/sample_1/geometry_1/translation": (np.zeros((4, 9)), r"be \(pattern, xyz\)"),
    "entry_1/instrument_1/detector_1/distance": (None, "be one number above 0"),
    "entry_1/instrument_1/source_1/energy": (8.7, "be a photon's energy, but got 8.7 J"),
    MASK: (np.zeros((3, 3), int), "as the patterns, but got int64 of shape"),
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


@pytest.mark.parametrize("kind", ["npz", "cxi"])
def test_patterns_beside_a_scan_that_has_its_own_are_refused(tmp_path, scan, kind) -> None:
    path = tmp_path / f"scan.{kind}"
    save_scan(path, scan) if kind == "npz" else write_cxi(path, scan)
    with pytest.raises(DataError, match="--patterns to go with a Ptychodus product"):
        load_scan(path, patterns=tmp_path / "nothing.h5")


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


@pytest.mark.parametrize("large", [False, True])
def test_convert_writes_the_same_scan(tmp_path, scan, monkeypatch, large) -> None:
    if large:
        monkeypatch.setattr(stack, "MAPPED_BYTES", 1)
        monkeypatch.setattr(stack, "CHUNK_BYTES", 3 * HEIGHT * WIDTH * 4)
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


@pytest.mark.parametrize("kind", ["npz", "compressed", "cxi"])
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
        write_cxi(path, scan)
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
