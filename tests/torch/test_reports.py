"""What the package says of itself: bundles, the environment, and the API of five functions."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch import bundle, env_report
from ptycho_torch.checks import installed_version

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained(small_scan_file, tmp_path_factory) -> Path:
    pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")
    from ptycho_torch.train import TrainingConfig, write_training

    folder = tmp_path_factory.mktemp("trained") / "run"
    config = TrainingConfig(max_epochs=2, n_images=20, accelerator="cpu")
    write_training(small_scan_file, folder, config, test_file=small_scan_file)
    return folder


def child(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.torch
def test_a_bundle_says_what_it_was_made_with(trained, small_scan, capsys) -> None:
    assert bundle.main(["info", str(trained), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["schema"] == 1
    assert about["pattern_shape"] == [32, 32]
    assert about["parameters"] > 1000
    made = about["training"]
    assert made["data"] == {"sha256": small_scan.digest(), "patterns": 20, "of": 24}
    assert made["config"]["max_epochs"] == 2
    assert made["metrics"]["patterns_processed"] == 40
    assert 0 < made["metrics"]["train_loss"] < 1e6
    assert 0 < made["metrics"]["test_loss"] < 1e6
    assert made["versions"]["torch"] == installed_version("torch")
    assert bundle.main(["info", str(trained / "wts.h5.zip")]) == 0
    text = capsys.readouterr().out
    assert small_scan.digest() in text
    assert str(about["parameters"]) in text


@pytest.mark.torch
def test_bundle_info_loads_no_pytorch(trained) -> None:
    answer = child(
        "import sys; from ptycho_torch.bundle import main; "
        f"main(['info', {str(trained)!r}]); sys.exit('torch' in sys.modules)"
    )
    assert answer.returncode == 0, answer.stderr
    assert "sha256" in answer.stdout


def test_bundle_info_of_no_bundle_is_one_line(tmp_path, capsys) -> None:
    assert bundle.main(["info", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("Expected ")


@pytest.mark.torch
def test_a_bundle_that_was_packed_again_is_refused(trained, tmp_path, capsys) -> None:
    with (
        zipfile.ZipFile(trained / "wts.h5.zip") as whole,
        zipfile.ZipFile(tmp_path / "wts.h5.zip", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    assert bundle.main(["info", str(tmp_path)]) == 2
    assert "could unpack to any size" in capsys.readouterr().err


@pytest.mark.torch
def test_a_bundle_predicts_the_same_in_another_process(trained, small_scan_file) -> None:
    answer = child(
        "import numpy as np, torch; from pathlib import Path; "
        "from ptycho_torch.api import load_bundle, load_scan; "
        f"bundle = load_bundle(Path({str(trained)!r})); "
        f"scan = load_scan(Path({str(small_scan_file)!r})); "
        "first = torch.from_numpy(scan.diffraction_amplitude[:8]); "
        "found = bundle.reconstructor.predict(first, 8).numpy(); "
        f"kept = np.load({str(trained / 'check.npz')!r})['object_patches']; "
        "print(found.shape == kept.shape, float(abs(found - kept).max() / abs(kept).max()))"
    )
    assert answer.returncode == 0, answer.stderr
    same_shape, difference = answer.stdout.split()
    assert same_shape == "True"
    assert float(difference) < 1e-5


@pytest.mark.torch
def test_the_five_functions_do_what_the_commands_do(trained, small_scan, small_scan_file) -> None:
    from ptycho_torch import api

    scan = api.load_scan(small_scan_file)
    assert scan.digest() == small_scan.digest()
    config = api.TrainingConfig(max_epochs=2, n_images=20, accelerator="cpu")
    made = api.train(scan, config, test=scan)
    loaded = api.load_bundle(trained)
    assert made.training == loaded.training
    on_cpu = api.InferenceConfig(accelerator="cpu")
    images = [api.reconstruct(one, scan, on_cpu).object_ for one in (made, loaded)]
    assert images[0].tobytes() == images[1].tobytes()
    assert np.iscomplexobj(images[0])


def test_what_the_api_offers_is_documented() -> None:
    page = (ROOT / "docs" / "workflows" / "commands.md").read_text(encoding="utf-8")
    source = (ROOT / "ptycho_torch" / "api.py").read_text(encoding="utf-8")
    functions = [
        node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)
    ] + ["load_scan", "simulate_scan", "load_bundle"]
    assert [name for name in functions if f"`{name}(" not in page] == []


COMMANDS = ["simulate", "validate", "convert", "train", "inference", "bundle", "env_report"]


@pytest.mark.parametrize("module", COMMANDS)
def test_every_flag_is_documented(module, capsys) -> None:
    import importlib
    import re

    page = (ROOT / "docs" / "workflows" / "commands.md").read_text(encoding="utf-8")
    section = page.split(f"## `{module}`")[1].split("\n## ")[0]
    assert importlib.import_module(f"ptycho_torch.{module}").main(["--help"]) == 0
    flags = set(re.findall(r"--[a-z_]+", capsys.readouterr().out)) - {"--help"}
    assert flags - set(re.findall(r"--[a-z_]+", section)) == set()


def test_the_environment_comes_in_three_forms(capsys) -> None:
    for arguments in (["--json"], ["--format", "json"]):
        assert env_report.main([*arguments, "--quick"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["numpy"] == installed_version("numpy")
        assert facts["cores"] >= 1
    assert env_report.main(["--format", "markdown", "--quick"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "| fact | value |"
    assert all(row.count("|") == 3 for row in rows)
    assert env_report.main(["--quick"]) == 0
    assert capsys.readouterr().out.startswith("python:")
    assert env_report.main(["--format", "yaml"]) == 2


def test_a_quick_environment_loads_no_pytorch() -> None:
    answer = child(
        "import sys; from ptycho_torch.env_report import main; main(['--quick']); "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.torch
def test_facts_of_a_device_are_no_versions() -> None:
    facts = env_report.device_facts()
    assert not set(facts) & set(env_report.DISTRIBUTIONS)
    assert facts["torch_build"] == env_report.torch_build()


@pytest.mark.torch
def test_why_there_is_no_accelerator_is_said(monkeypatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(env_report, "torch_build", lambda: "CPU")
    assert env_report.device_facts()["accelerator"] == "none: this is a CPU build of PyTorch"
    monkeypatch.setattr(env_report, "torch_build", lambda: "CUDA 12.4")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES hides it" in str(env_report.device_facts()["accelerator"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert "the CPU build is far smaller" in str(env_report.device_facts()["accelerator"])


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("cuda: Optional[str] = '12.4'\nhip: Optional[str] = None\n", "CUDA 12.4"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.1.40091'\n", "ROCm 6.1.40091"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", "CPU"),
    ],
)
def test_the_build_is_read_without_an_import(tmp_path, monkeypatch, text, build) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "version.py").write_text(text)

    class Distribution:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(env_report.metadata, "distribution", lambda _: Distribution())
    assert env_report.torch_build() == build
