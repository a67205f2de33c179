"""DATA-001 and FORMAT-001: what a scan file may look like, and that all of it loads alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ptycho_torch.checks import DataError, UsageError
from ptycho_torch.data.grouping import pick_evenly
from ptycho_torch.data.npz import load_object, save_scan, write_npz
from ptycho_torch.data.scan_file import load_scan
from ptycho_torch.simulate import SimulationConfig, simulate_scan


def arrays(count: int = 7, height: int = 11, width: int = 9) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    return {
        "diff3d": rng.random((count, height, width), dtype=np.float32),
        "ycoords": rng.random(count),
        "xcoords": rng.random(count),
        "probeGuess": np.ones((height, width), dtype=np.complex64),
    }


def write(path, **changed: Any):
    content = arrays() | changed
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return path


def test_both_layouts_load_identically(tmp_path) -> None:
    stack = arrays()["diff3d"]
    legacy = np.moveaxis(stack, 0, -1)
    digests = set()
    variants = {
        "canonical": {},
        "float64": {"diff3d": stack.astype(np.float64)},
        "key": {"diff3d": None, "diffraction": stack},
        "legacy": {"diff3d": legacy},
        "legacy-contiguous": {"diff3d": np.ascontiguousarray(legacy)},
        "legacy-key-float64": {"diff3d": None, "diffraction": legacy.astype(np.float64)},
    }
    for name, changed in variants.items():
        scan = load_scan(write(tmp_path / f"{name}.npz", **changed))
        digests.add(scan.digest())
        assert scan.diffraction_amplitude.dtype == np.float32, name
        assert scan.diffraction_amplitude.shape == (7, 11, 9), name
        assert scan.diffraction_amplitude.flags.c_contiguous, name
        assert scan.diffraction_amplitude.tobytes() == stack.tobytes(), name
        assert scan.positions_px[:, 0].tolist() == arrays()["ycoords"].tolist(), name
        assert scan.positions_px[:, 1].tolist() == arrays()["xcoords"].tolist(), name
    assert len(digests) == 1


def test_save_scan_and_load_scan_are_inverse(tmp_path) -> None:
    guess = np.full((9, 8), 1 + 2j, dtype=np.complex64)
    scan = load_scan(write(tmp_path / "a.npz", objectGuess=guess))
    save_scan(tmp_path / "b.npz", scan)
    again = load_scan(tmp_path / "b.npz")
    for name in ("diffraction_amplitude", "positions_px", "probe", "object_guess"):
        assert getattr(again, name).tobytes() == getattr(scan, name).tobytes(), name


STACK = arrays()["diff3d"]


def spoiled(pattern: int, value: float) -> np.ndarray:
    stack = STACK.copy()
    stack[pattern, 1, 2] = value
    return stack


INSIDE = {"ycoords": 20 + np.arange(7.0), "xcoords": 60 + np.arange(7.0)}
BROKEN = {
    "no stack": ({"diff3d": None}, "diff3d or diffraction, but got neither"),
    "two stacks": ({"diffraction": STACK}, "but got both"),
    "no positions": ({"xcoords": None}, "hold the array xcoords"),
    "no probe": ({"probeGuess": None}, "hold the array probeGuess"),
    "lengths": ({"xcoords": np.arange(6.0)}, "be of one length, but got 7 and 6 numbers"),
    "no patterns": ({"xcoords": np.zeros(0), "ycoords": np.zeros(0)}, r"the empty shape \(0,\)"),
    "empty stack": ({"diff3d": STACK[:0]}, r"the empty shape \(0, 11, 9\)"),
    "position": ({"xcoords": np.r_[:6.0, np.nan]}, "NaN or infinity at 1 of 7 positions.* 6"),
    "one place": ({"xcoords": np.ones(7), "ycoords": np.ones(7)}, "ycoords and xcoords the same"),
    "metres": (
        {k: 1e-7 * v for k, v in INSIDE.items()},
        "in pixels.* but got a reach of 6e-07 in steps of 1.41e-07",
    ),
    "nanometres": (
        {k: 1e4 * v for k, v in INSIDE.items()},
        "in pixels, and neighbours to share a beam of .* but got a reach of 6e\\+04 in steps",
    ),
    "one row": ({"ycoords": np.ones(7)}, "got ycoords the same for all patterns"),
    "outside": (INSIDE | {"objectGuess": np.ones((50, 50), complex)}, "lie inside .* 50 × 50"),
    "swapped": (INSIDE | {"objectGuess": np.ones((90, 40), complex)}, "fit with x and y swapped"),
    "count": ({"diff3d": STACK[:6]}, "be a stack of 7 patterns"),
    "two axes": ({"diff3d": STACK[0]}, r"real, float32 of shape \(11, 9\)"),
    "ambiguous": (
        {
            "diff3d": np.ones((9, 9, 9), np.float32),
            "probeGuess": np.ones((9, 9), complex),
            "ycoords": np.arange(9.0),
            "xcoords": np.arange(9.0),
        },
        "which can be read twice.* Leave out one pattern",
    ),
    "counts": ({"diff3d": np.ones((7, 11, 9), dtype=np.uint16)}, "uint16 .* --counts"),
    "complex": ({"diff3d": STACK + 1j}, "be real .* but got complex"),
    "NaN": ({"diff3d": spoiled(4, np.nan)}, "NaN or infinity in 1 of 7 patterns, .* pattern 4"),
    "infinite": ({"diff3d": spoiled(0, np.inf)}, "NaN or infinity in 1 of 7 .* pattern 0"),
    "negative": ({"diff3d": spoiled(5, -1)}, "negative ones in 1 of 7 patterns, .* pattern 5"),
    "dark": ({"diff3d": 0 * STACK}, "only zeros in 7 of 7 patterns"),
    "one dark": ({"diff3d": STACK * (np.arange(7) != 3)[:, None, None]}, "1 of 7 .* pattern 3"),
    "real probe": ({"probeGuess": np.ones((11, 9))}, r"be complex \(y, x\), but got real"),
    "probe shape": ({"probeGuess": np.ones((9, 11), complex)}, r"have the shape \(11, 9\)"),
    "probe zero": ({"probeGuess": np.zeros((11, 9), complex)}, "got zeros only"),
    "probe NaN": ({"probeGuess": np.full((11, 9), complex("nan"))}, "got NaN or infinity"),
    "pickle": ({"diff3d": np.array([{}] * 7)}, "hold plain numeric arrays"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_breaks_the_contract_is_refused_by_name(tmp_path, case) -> None:
    changed, message = BROKEN[case]
    path = write(tmp_path / "scan.npz", **changed)
    with pytest.raises(DataError, match=message) as problem:
        load_scan(path)
    assert str(problem.value).startswith("Expected ")
    assert str(path) in str(problem.value)


def test_an_ambiguous_stack_is_decided_by_the_probe_where_that_can_be(tmp_path) -> None:
    stack = np.random.default_rng(1).random((9, 11, 9), dtype=np.float32)
    positions = {"ycoords": np.arange(9.0), "xcoords": np.arange(9.0)}
    for shape, expected in (((11, 9), stack), ((9, 11), np.moveaxis(stack, -1, 0))):
        probe = np.ones(shape, complex)
        path = write(tmp_path / "scan.npz", diff3d=stack, probeGuess=probe, **positions)
        assert load_scan(path).diffraction_amplitude.tobytes() == expected.tobytes()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_equal_sided_stack_is_decided_by_the_light(tmp_path, seed) -> None:
    scan, _ = simulate_scan(SimulationConfig(n_patterns=32, size_px=32, seed=seed))
    stack = scan.diffraction_amplitude
    content = {
        "ycoords": scan.positions_px[:, 0],
        "xcoords": scan.positions_px[:, 1],
        "probeGuess": scan.probe,
    }
    for kept in (stack, np.moveaxis(stack, 0, -1)):
        found = load_scan(write(tmp_path / "scan.npz", diff3d=kept, **content))
        assert found.diffraction_amplitude.tobytes() == stack.tobytes()
        counts = np.square(kept).round().astype(np.int32)
        found = load_scan(write(tmp_path / "scan.npz", diff3d=counts, **content), counts=True)
        np.testing.assert_allclose(found.diffraction_amplitude, stack, atol=1e-3)


def test_counts_are_read_when_they_are_flagged(tmp_path) -> None:
    counts = np.random.default_rng(1).integers(1, 900, (7, 11, 9)).astype(np.uint16)
    for stack in (counts, np.moveaxis(counts, 0, -1), counts.astype(float)):
        scan = load_scan(write(tmp_path / "scan.npz", diff3d=stack), counts=True)
        assert np.array_equal(np.square(scan.diffraction_amplitude).round(), counts)


def test_two_positions_in_one_row_are_a_scan(tmp_path) -> None:
    path = write(
        tmp_path / "scan.npz", diff3d=STACK[:2], ycoords=np.ones(2), xcoords=np.arange(2.0)
    )
    assert len(load_scan(path).positions_px) == 2


def test_files_that_are_no_npz_are_refused(tmp_path) -> None:
    path = tmp_path / "scan.npz"
    with pytest.raises(DataError, match="no file there"):
        load_scan(path)
    path.write_text("y x counts\n")
    with pytest.raises(DataError, match="another kind"):
        load_scan(path)
    whole = write(tmp_path / "whole.npz").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut-off"):
        load_scan(path)
    damaged = bytearray(whole)
    damaged[200:260] = bytes(60)
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match="plain numeric arrays"):
        load_scan(path)


def test_an_object_needs_an_origin(tmp_path) -> None:
    np.savez(tmp_path / "object.npz", object=np.ones((3, 5)))
    with pytest.raises(DataError, match="hold the array origin"):
        load_object(tmp_path / "object.npz")


def test_a_write_that_fails_leaves_nothing(tmp_path) -> None:
    class Unwritable:
        def __array__(self, dtype=None, copy=None):
            raise OSError(28, "No space left on device")

    (tmp_path / "kept.npz").write_text("old")
    with pytest.raises(OSError, match="No space"):
        write_npz(tmp_path / "kept.npz", {"a": Unwritable()})  # type: ignore[dict-item]
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]
    assert (tmp_path / "kept.npz").read_text() == "old"


@pytest.mark.parametrize("wanted", [0, -1, 11])
def test_more_patterns_than_there_are_is_refused(wanted) -> None:
    with pytest.raises(UsageError, match="be 1 to 10"):
        pick_evenly(10, wanted)
