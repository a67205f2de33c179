"""Bundles: what is saved comes back bit for bit, and nothing foreign is opened."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.bundle import Bundle, load_bundle, save_bundle  # noqa: E402
from ptycho_torch.checks import DataError, UsageError  # noqa: E402
from ptycho_torch.config import ModelConfig  # noqa: E402
from ptycho_torch.needs_torch import choose_device  # noqa: E402
from ptycho_torch.reconstruction import check_probe  # noqa: E402
from ptycho_torch.reconstructor import Reconstructor  # noqa: E402

pytestmark = pytest.mark.torch

NAME = "wts.h5.zip"


@pytest.fixture
def reconstructor(small_scan) -> Reconstructor:
    torch.manual_seed(1)
    made = Reconstructor(torch.from_numpy(small_scan.probe), ModelConfig(channels=4, levels=2))
    made.calibrate(torch.from_numpy(small_scan.diffraction_amplitude))
    return made.eval()


@pytest.fixture
def bundle_file(tmp_path, reconstructor):
    save_bundle(tmp_path / NAME, Bundle(reconstructor=reconstructor, training={"loss": 1.5}))
    return tmp_path / NAME


def members(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def test_a_loaded_bundle_predicts_the_same_bits(bundle_file, reconstructor, small_scan) -> None:
    bundle = load_bundle(bundle_file.parent)
    assert bundle.training == {"loss": 1.5}
    state, loaded = reconstructor.state_dict(), bundle.reconstructor.state_dict()
    assert state.keys() == loaded.keys()
    for name, tensor in state.items():
        assert torch.equal(tensor, loaded[name]), name
    amplitude = torch.from_numpy(small_scan.diffraction_amplitude)
    assert torch.equal(
        reconstructor.predict(amplitude, 8), bundle.reconstructor.predict(amplitude, 8)
    )


def test_the_same_bundle_gives_the_same_bytes(bundle_file, reconstructor) -> None:
    again = bundle_file.with_name("again.zip")
    save_bundle(again, Bundle(reconstructor=reconstructor, training={"loss": 1.5}))
    assert again.read_bytes() == bundle_file.read_bytes()
    assert sorted(members(again)) == ["manifest.json", "weights.safetensors"]


def test_pickled_members_are_refused_by_name_without_unpickling(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    stream = io.BytesIO()
    torch.save(Bomb(), stream)
    for name in ("manifest.dill", "diffraction_to_obj/model.pth", "a/params.pkl"):
        rewrite(tmp_path / NAME, {name: stream.getvalue()})
        with pytest.raises(DataError, match="pickled members") as problem:
            load_bundle(tmp_path)
        assert name in str(problem.value)


def test_a_checkpoint_is_not_a_bundle(tmp_path) -> None:
    torch.save({"state_dict": {}}, tmp_path / NAME)
    with pytest.raises(DataError, match="pickled members"):
        load_bundle(tmp_path)


def change_manifest(content: dict[str, bytes], **changed: object) -> None:
    manifest = json.loads(content["manifest.json"]) | changed
    content["manifest.json"] = json.dumps(manifest).encode()


DAMAGES = {
    "schema": (lambda c: change_manifest(c, schema=2), "have schema 1"),
    "no model": (lambda c: change_manifest(c, model={"depth": 3}), "complete network"),
    "other model": (
        lambda c: change_manifest(c, model={"channels": 8, "levels": 2}),
        "complete network",
    ),
    "other shape": (lambda c: change_manifest(c, pattern_shape=[8, 8]), "complete network"),
    "no JSON": (lambda c: c.update({"manifest.json": b"{"}), "damaged file"),
    "list": (lambda c: c.update({"manifest.json": b"[]"}), "have schema 1"),
    "huge": (lambda c: c.update({"manifest.json": b" " * 1_000_001}), "at most 1000000 bytes"),
    "cut weights": (
        lambda c: c.update({"weights.safetensors": c["weights.safetensors"][:200]}),
        "complete network",
    ),
    "one member": (lambda c: c.pop("weights.safetensors"), "hold manifest.json and"),
    "empty": (lambda c: c.clear(), "hold manifest.json and"),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_bundle_is_refused_with_one_sentence(bundle_file, case) -> None:
    damage, message = DAMAGES[case]
    content = members(bundle_file)
    damage(content)
    rewrite(bundle_file, content)
    with pytest.raises(DataError, match=message) as problem:
        load_bundle(bundle_file)
    assert str(bundle_file) in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_missing_a_cut_off_and_a_text_file_are_refused(bundle_file, tmp_path) -> None:
    with pytest.raises(DataError, match="no file there"):
        load_bundle(tmp_path / "nowhere")
    bundle_file.write_bytes(bundle_file.read_bytes()[:-100])
    with pytest.raises(DataError, match="damaged file"):
        load_bundle(bundle_file)
    bundle_file.write_text("weights")
    with pytest.raises(DataError, match="damaged file"):
        load_bundle(bundle_file)


def test_another_probe_is_refused(reconstructor, small_scan) -> None:
    from dataclasses import replace

    check_probe(reconstructor, small_scan, "scan.npz")
    check_probe(reconstructor, replace(small_scan, probe=-3 * small_scan.probe), "scan.npz")
    with pytest.raises(UsageError, match="be the probe that the bundle was trained with"):
        check_probe(reconstructor, replace(small_scan, probe=small_scan.probe.T), "scan.npz")
    with pytest.raises(UsageError, match="have the shape"):
        check_probe(reconstructor, replace(small_scan, probe=small_scan.probe[:16]), "scan.npz")


def test_an_accelerator_that_is_not_here_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="be available here"):
        choose_device("gpu")
