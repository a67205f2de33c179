"""Ptychodus products: positions find their patterns, in whatever file those lie."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho_torch.checks import DataError
from ptycho_torch.data.scan import Scan
from ptycho_torch.data.scan_file import load_scan

COUNT, HEIGHT, WIDTH = 7, 12, 8
BAD = np.zeros((HEIGHT, WIDTH), bool)
BAD[3, 5] = BAD[7, :] = True


def counts_of(scan: Scan) -> np.ndarray:
    return np.square(scan.diffraction_amplitude).round().astype(np.uint32)


def assert_same(found: Scan, scan: Scan) -> None:
    assert found.diffraction_amplitude.tobytes() == scan.diffraction_amplitude.tobytes()
    assert found.probe.tobytes() == scan.probe.tobytes()
    np.testing.assert_allclose(found.positions_px, scan.positions_px, rtol=1e-6)


def write_product(path, scan: Scan, *, patterns: bool = True, order=range(COUNT)):
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
            metres = offset_px * pixel_m[axis] + centre_m[axis]
            file[f"probe_position_{name}_m"] = metres[np.asarray(order) % COUNT]
        file["probe_position_indexes"] = np.asarray(order)
        if patterns:
            file["dp"] = counts_of(scan)
    return path


def test_a_ptychodus_product_is_a_scan_with_its_patterns(tmp_path, scan) -> None:
    assert_same(load_scan(write_product(tmp_path / "product.h5", scan)), scan)
    alone = write_product(tmp_path / "alone.h5", scan, patterns=False)
    with pytest.raises(DataError, match=r"ptycho_torch.convert PRODUCT --patterns FILE"):
        load_scan(alone)
    np.savez(tmp_path / "patterns.npz", patterns=counts_of(scan))
    assert_same(load_scan(alone, patterns=tmp_path / "patterns.npz"), scan)
    assert_same(load_scan(alone, patterns=tmp_path / "product.h5"), scan)


def write_patterns(path, scan: Scan, **more) -> object:
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    content = {"patterns": counts_of(scan)} | more
    if path.suffix == ".npz":
        np.savez(path, **content)
    else:
        with h5py.File(path, "w") as file:
            for name, value in content.items():
                file[name] = value
    return path


@pytest.mark.parametrize("name", ["diffraction.h5", "diffraction.npz"])
def test_positions_find_their_patterns_by_index(tmp_path, scan, name) -> None:
    order = [4, 0, 6, 2, 5, 1, 3]
    assert_same_pairs(load_scan(write_product(tmp_path / "all.h5", scan, order=order)), scan, order)
    some = [5, 2, 6]
    assert_same_pairs(load_scan(write_product(tmp_path / "some.h5", scan, order=some)), scan, some)
    alone = write_product(tmp_path / "alone.h5", scan, patterns=False, order=order)
    patterns = write_patterns(tmp_path / name, scan, bad_pixels=BAD)
    found = load_scan(alone, patterns=patterns)
    assert np.array_equal(found.bad_pixels, BAD)
    assert np.array_equal(found.positions_px, load_scan(tmp_path / "all.h5").positions_px)
    numbered = np.array([706, 702, 700, 703, 705, 701, 704])  # the patterns' own, not their rows
    alone = write_product(tmp_path / "alone.h5", scan, patterns=False, order=numbered[[3, 1, 0, 5]])
    patterns = write_patterns(tmp_path / name, scan, indexes=numbered)
    found = load_scan(alone, patterns=patterns)
    assert np.array_equal(found.diffraction_amplitude, scan.diffraction_amplitude[[3, 1, 0, 5]])


def assert_same_pairs(found: Scan, scan: Scan, order: list[int]) -> None:
    assert np.array_equal(found.diffraction_amplitude, scan.diffraction_amplitude[order])
    np.testing.assert_allclose(found.positions_px, scan.positions_px[order], rtol=1e-6)


@pytest.mark.parametrize(
    ("order", "message"),
    [([1, 2, 7], "be rows of the 7 patterns, counted from 0"), ([1, 2, 2], "1 repeated ones")],
)
def test_indexes_that_cannot_be_are_refused(tmp_path, scan, order, message) -> None:
    path = write_product(tmp_path / "product.h5", scan, order=order)
    with pytest.raises(DataError, match=f"probe_position_indexes in .*{message}"):
        load_scan(path)


def test_patterns_of_a_scan_are_amplitudes_and_of_ptychodus_counts(tmp_path, scan) -> None:
    alone = write_product(tmp_path / "alone.h5", scan, patterns=False)
    for key in ("diff3d", "diffraction"):
        np.savez(tmp_path / "scan.npz", **{key: scan.diffraction_amplitude})
        assert_same(load_scan(alone, patterns=tmp_path / "scan.npz"), scan)


def test_a_product_that_was_changed_at_random_is_refused_or_read(tmp_path, scan) -> None:
    whole = write_product(tmp_path / "product.h5", scan).read_bytes()
    rng = np.random.default_rng(6)
    refused = []
    for _ in range(80):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 20)):
            data[place] = rng.integers(256)
        (tmp_path / "changed.h5").write_bytes(bytes(data))
        try:
            load_scan(tmp_path / "changed.h5")
        except DataError as problem:
            refused.append(str(problem))
    assert len(refused) > 10
    assert all(text.startswith("Expected ") for text in refused)
