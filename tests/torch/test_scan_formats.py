"""Scans in other formats, scans larger than memory, and the commands that look at them."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch import validate
from ptycho_torch.checks import DataError
from ptycho_torch.data import schema, stack
from ptycho_torch.data.npz import save_scan
from ptycho_torch.data.scan import Scan
from ptycho_torch.data.scan_file import load_scan

COUNT = 7


def counts_of(scan: Scan) -> np.ndarray:
    return np.square(scan.diffraction_amplitude).round().astype(np.uint32)


def test_a_large_stack_is_mapped_and_never_held(tmp_path, scan, monkeypatch) -> None:
    large = np.abs(np.random.default_rng(0).normal(size=(500, 128, 128))).astype(np.float32)
    positions = np.random.default_rng(1).random((500, 2)) * 50
    probe = np.ones((128, 128), np.complex64)
    path = tmp_path / "large.npz"
    save_scan(path, Scan(diffraction_amplitude=large, positions_px=positions, probe=probe))
    monkeypatch.setattr(stack, "MAPPED_BYTES", 2**20)
    monkeypatch.setattr(stack, "CHUNK_BYTES", 2**20)
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
        positions_px=20 * np.random.default_rng(0).random((20 * COUNT, 2)),
        probe=scan.probe,
    )
    save_scan(path, longer)
    monkeypatch.setattr(stack, "MAPPED_BYTES", 1)
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
