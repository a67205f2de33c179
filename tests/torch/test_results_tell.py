"""What an inference leaves behind: where it came from, what is odd about it, the best so far."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch import halves, inference
from ptycho_torch.config import InferenceConfig, RefinementConfig, SimulationConfig
from ptycho_torch.data.npz import save_scan
from ptycho_torch.reconstruction import reconstruct
from ptycho_torch.simulate import simulate_scan

pytestmark = pytest.mark.torch


def arguments(model: object, scan: object, out: object, *more: object) -> list[str]:
    given = ["--model_path", model, "--test_data", scan, "--output_dir", out, *more]
    return [*map(str, given), "--accelerator", "cpu"]


def test_a_result_says_from_what_scan_and_bundle_it_is(
    trained, small_scan, tmp_path, small_scan_file
) -> None:
    save_scan(tmp_path / "scan.npz", replace(small_scan, pixel_size_m=(2e-8, 3e-8)))
    status = inference.main(arguments(trained, tmp_path / "scan.npz", tmp_path / "out", "--quiet"))
    assert status == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    bundle = (trained / "wts.h5.zip").read_bytes()
    assert run["data"] == {"sha256": small_scan.digest()}
    assert run["bundle"] == {"sha256": hashlib.sha256(bundle).hexdigest()}
    assert run["islands"] == 1
    assert 0 < run["misfit"]["noise"] < run["misfit"]["relative"]
    with np.load(tmp_path / "out" / "reconstruction.npz") as arrays:
        assert arrays["pixel_size_m"].tolist() == [2e-8, 3e-8]
    training = json.loads((trained / "run.json").read_text())
    assert training["data"]["sha256"] == small_scan.digest()


def test_ctrl_c_keeps_the_best_so_far_and_says_so(
    small_scan_file, tmp_path, monkeypatch, capsys
) -> None:
    from ptycho_torch.pass_report import PassReport

    def press(report, record) -> None:
        if record.number == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(PassReport, "__call__", press)
    out = tmp_path / "out"
    given = arguments("none", small_scan_file, out, "--refine", 50, "--figure")
    assert inference.main(given) == 130
    assert capsys.readouterr().err == f"Interrupted. The image so far is in {out}.\n"
    run = json.loads((out / "run.json").read_text())
    assert run["refinement"]["interrupted"]
    assert [record["number"] for record in run["refinement"]["passes"]] == [0, 1, 2, 3]
    with np.load(out / "reconstruction.npz") as arrays:
        three = InferenceConfig(accelerator="cpu", refinement=RefinementConfig(passes=3))
        from ptycho_torch.data.scan_file import load_scan

        same = reconstruct(None, load_scan(small_scan_file), three)
        assert np.array_equal(arrays["object"], same.object_)


def test_ctrl_c_before_a_pass_is_done_writes_nothing(
    small_scan_file, tmp_path, monkeypatch, capsys
) -> None:
    from ptycho_torch.pass_report import PassReport

    def press(report, record) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PassReport, "__call__", press)
    given = arguments("none", small_scan_file, tmp_path / "out", "--refine", 5)
    assert inference.main(given) == 130
    assert capsys.readouterr().err == "Interrupted. Nothing was written.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_scan_in_two_parts_is_told(small_scan, tmp_path, capsys) -> None:
    apart = small_scan.positions_px + np.where(np.arange(24) < 12, 0.0, 400.0)[:, None]
    save_scan(tmp_path / "scan.npz", replace(small_scan, positions_px=apart))
    given = arguments("none", tmp_path / "scan.npz", tmp_path / "out", "--refine", 2)
    assert inference.main(given) == 0
    assert "note: the scan falls into 2 parts that share no light" in capsys.readouterr().err
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["islands"] == 2
    assert any("2 parts" in remark for remark in run["remarks"])


@pytest.mark.parametrize("count", [1, 6])
def test_a_field_too_small_for_a_resolution_is_refused_first(
    count, small_scan, tmp_path, capsys, monkeypatch
) -> None:
    few = replace(
        small_scan,
        diffraction_amplitude=small_scan.diffraction_amplitude[:count],
        positions_px=np.arange(count * 2.0).reshape(count, 2) / 2,
    )
    save_scan(tmp_path / "scan.npz", few)
    monkeypatch.setattr(inference, "reconstruct", None)
    given = arguments("none", tmp_path / "scan.npz", tmp_path / "out", "--refine", 2, "--figure")
    assert inference.main(given) == 2
    err = capsys.readouterr().err
    assert "span a field of at least 16 px each way for a resolution" in err
    assert err.endswith("Leave out --figure.\n")


def test_the_halves_are_every_other_pattern(monkeypatch) -> None:
    scan, _ = simulate_scan(SimulationConfig(n_patterns=81, size_px=32, step_px=4.0, seed=4))
    seen = []

    def spy(reconstructor, part, config):
        seen.append(part.positions_px)
        return reconstruct(reconstructor, part, config)

    monkeypatch.setattr(halves, "reconstruct", spy)
    config = InferenceConfig(accelerator="cpu", refinement=RefinementConfig(passes=8))
    rings = halves.correlate_halves(None, scan, config)
    assert np.array_equal(seen[0], scan.positions_px[::2])
    assert np.array_equal(seen[1], scan.positions_px[1::2])
    assert rings.correlation[0] > 0.9
    assert rings.correlation.max() < 1 - 1e-5  # as of two images, not of one
