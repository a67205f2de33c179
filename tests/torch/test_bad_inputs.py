"""Bad input is one line on stderr with the remedy, an exit status, and nothing written."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")
pytestmark = pytest.mark.torch

ROOT = Path(__file__).parents[2]


def load_table() -> Any:
    place = ROOT / "tests" / "benchmarks" / "bad_input_table.py"
    spec = importlib.util.spec_from_file_location("bad_input_table", place)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TABLE = load_table()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return TABLE.make_bundle(tmp_path_factory.mktemp("bundle") / "good")


@pytest.mark.parametrize("case", TABLE.CASES)
def test_bad_input_is_one_line_and_nothing_is_written(case, tmp_path, bundle, capsys) -> None:
    from ptycho_torch import inference, train

    command, row = TABLE.CASES[case]
    arguments = TABLE.arrange(row, command, tmp_path, bundle)
    before = sorted(tmp_path.rglob("*"))
    status = {"train": train.main, "inference": inference.main}[command](arguments)
    out, err = capsys.readouterr()
    assert status == row.status
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("Expected ")
    assert ", but got " in err
    assert row.text in err
    assert sorted(tmp_path.rglob("*")) == before


WITHOUT_PYTORCH = [
    "train: NaN", "train: epochs 0", "train: output is a file", "inference: a cut-off file",
    "inference: a cut-off bundle", "inference: n_images beyond",
]  # fmt: skip


@pytest.mark.parametrize("case", WITHOUT_PYTORCH)
def test_bad_input_is_refused_before_pytorch_is_loaded(case, tmp_path, bundle) -> None:
    command, row = TABLE.CASES[case]
    answer = TABLE.run_row(row, command, tmp_path, bundle)
    assert answer["status"] == 2
    assert answer["lines"] == 1
    assert not answer["torch"]
    assert answer["left"] == []


def test_that_pytorch_is_loaded_can_be_seen(tmp_path, bundle) -> None:
    command, row = TABLE.CASES["inference: another probe"]
    assert TABLE.run_row(row, command, tmp_path, bundle)["torch"]


ACCEPTED = {
    "key diffraction": {"diff3d": None, "diffraction": TABLE.STACK},
    "legacy layout": {"diff3d": np.moveaxis(TABLE.STACK, 0, -1)},
    "two positions": {k: v[:2] for k, v in TABLE.GOOD.items() if k != "probeGuess"},
    "further arrays": {"scan_index": np.zeros(TABLE.COUNT, int), "xcoords_start": TABLE.X},
    "object": {"objectGuess": np.ones((120, 130), complex)},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_only_unusual_is_used(case, tmp_path, capsys) -> None:
    from ptycho_torch import inference, train

    row = TABLE.Row(text="", arrays=ACCEPTED[case])
    on_cpu = ["--accelerator", "cpu", "--quiet"]
    arguments = TABLE.arrange(row, "train", tmp_path, tmp_path)
    assert train.main([*arguments, *on_cpu, "--max_epochs", "1"]) == 0, capsys.readouterr().err
    trained = (tmp_path / "out").rename(tmp_path / "trained") / "wts.h5.zip"
    arguments = TABLE.arrange(row, "inference", tmp_path, trained)
    assert inference.main([*arguments, *on_cpu]) == 0, capsys.readouterr().err
    with np.load(tmp_path / "out" / "reconstruction.npz") as arrays:
        assert np.isfinite(arrays["object"]).all()


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 10 kB, as on a disk that is full."""
    resource = pytest.importorskip("resource", reason="needs a limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("command", ["train", "inference"])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    command, tmp_path, bundle, capsys, request
) -> None:
    from ptycho_torch import inference, train

    arguments = TABLE.arrange(TABLE.Row(text=""), command, tmp_path, bundle)
    before = sorted(tmp_path.rglob("*"))
    main = {"train": train.main, "inference": inference.main}[command]
    request.getfixturevalue("full_disk")
    status = main([*arguments, "--accelerator", "cpu", "--quiet"])
    out, err = capsys.readouterr()
    assert status == 3, err
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("Expected ")
    assert sorted(tmp_path.rglob("*")) == before
