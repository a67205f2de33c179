"""What an import costs and needs: floors, lightness, and life without PyTorch (POLICY-001)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ptycho_torch"
HEAVY = {"torch", "lightning", "numpy", "PIL", "safetensors", "matplotlib"}

FLOORS = [
    {"", "data", "config", "checks", "machine", "data.schema"},
    {"damage", "commands", "data.scan"},
    {
        "physics", "models", "needs_torch", "needs_lightning", "env_report",
        "outputs", "pictures", "physics.propagation",
        "physics.patches", "physics.losses", "models.unet", "metrics", "data.grouping",
        "data.npz_source", "bundle_file", "figures", "objects", "resolution",
        "probe_facts", "physics.gauge",
        "physics.projection", "physics.shifts", "data.links", "data.hdf5_values",
    },
    {"physics.forward_model", "physics.updates", "physics.groups", "physics.detector", "reassembly",
     "data.dataset", "data.npz", "data.contract", "data.hdf5", "data.light", "data.sampling",
     "synchronisation"},
    {"data.stack", "data.datamodule", "reconstructor", "estimate", "data.plausibility",
     "data.cxi", "data.ptychodus"},
    {"refinement", "data.probe_file", "misfit"},
    {"lightning_module", "bundle", "data.hdf5_file", "reconstruction", "pass_report"},
    {"checkpoints", "progress", "teaching", "data.scan_file", "remarks"},
    {"fitting", "figure", "halves"},
    {"training"},
    {"simulate", "train", "inference", "validate", "convert", "__main__"},
    {"api"},
]  # fmt: skip
NEED_TORCH = [
    "physics", "models", "physics.propagation", "physics.patches", "physics.losses",
    "physics.forward_model", "models.unet", "needs_torch", "needs_lightning", "reassembly",
    "data.dataset",
    "data.datamodule", "reconstructor", "lightning_module", "checkpoints", "progress", "fitting",
    "physics.gauge", "physics.groups", "physics.projection", "physics.shifts", "physics.updates",
    "estimate", "physics.detector", "synchronisation",
    "refinement", "teaching", "misfit",
]  # fmt: skip
FREE = ["", "config", "checks", "commands", "env_report", "metrics", "data.npz", "data.grouping",
        "outputs", "__main__",
        "data.schema", "data.scan", "data.npz_source", "data.contract", "data.plausibility",
        "data.hdf5", "data.hdf5_values", "data.light", "data.links", "data.probe_file",
        "data.sampling", "data.stack", "data.cxi", "data.ptychodus", "data.hdf5_file",
        "data.scan_file", "pass_report", "remarks",
        "pictures", "simulate", "train", "inference", "validate", "convert",
        "machine", "damage", "bundle_file", "bundle", "training", "api",
        "figures", "reconstruction", "objects",
        "resolution", "probe_facts", "figure", "halves"]  # fmt: skip

WITHOUT_TORCH = """
import importlib.metadata, sys
version = importlib.metadata.version
FOUND = {found!r}
def pretend(name):
    if name == "torch":
        if FOUND is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return FOUND
    return version(name)
importlib.metadata.version = pretend
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning"):
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, NoTorch())
"""


def module_names() -> set[str]:
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    dotted = (".".join(path.parts).removesuffix("__init__").removesuffix(".") for path in paths)
    return {name for name in dotted if name != "conftest"}


def imports_of(source: str) -> set[str]:
    """Name the modules of this package that a source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ptycho_torch"):
            found.add((node.module or "").removeprefix("ptycho_torch").removeprefix("."))
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found |= {
                name.removeprefix("ptycho_torch").removeprefix(".")
                for name in names
                if name.startswith("ptycho_torch")
            }
    return found


def upward(name: str, source: str) -> set[str]:
    """Name what a module imports that is not on a floor below its own."""
    floor = {module: number for number, floor in enumerate(FLOORS) for module in floor}
    packages = {"", *(name.rpartition(".")[0] for name in floor)}
    return {
        other
        for other in imports_of(source)
        if other not in packages and floor[other] >= floor[name]
    }


def test_every_module_has_a_floor_and_imports_only_from_below() -> None:
    assert module_names() == set().union(*FLOORS)
    for name in module_names():
        path = PACKAGE.joinpath(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert (name, upward(name, file.read_text(encoding="utf-8"))) == (name, set())


def test_the_test_of_the_floors_can_fail() -> None:
    assert upward("metrics", "def f():\n    from ptycho_torch.train import main") == {"train"}
    assert upward("metrics", "import ptycho_torch.pictures") == {"pictures"}
    assert upward("bundle", "from ptycho_torch.reconstructor import Reconstructor") == set()


def run_python(code: str, *, before: Path | None = None, module: bool = False, args=()):
    path = [str(before)] if before else []
    return subprocess.run(
        [sys.executable, *(["-m"] if module else ["-c"]), code, *args],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([*path, str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*{{m.split('.')[0] for m in sys.modules}})"
    child = run_python(code)
    assert child.returncode == 0, child.stderr
    return HEAVY & set(child.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import ptycho_torch, ptycho_torch.checks, ptycho_torch.config") == set()


def test_command_lines_load_numpy_at_most() -> None:
    modules = "simulate, ptycho_torch.train, ptycho_torch.inference, ptycho_torch.env_report"
    assert loaded_after(f"import ptycho_torch.{modules}") == {"numpy"}


def test_the_test_of_lightness_can_fail() -> None:
    assert "numpy" in loaded_after("import ptycho_torch, numpy")


@pytest.mark.torch
def test_inference_loads_no_lightning() -> None:
    loaded = loaded_after(
        "import ptycho_torch.inference, ptycho_torch.bundle, ptycho_torch.reassembly"
    )
    assert "lightning" not in loaded
    assert "torch" in loaded


@pytest.fixture
def without_torch(tmp_path) -> Path:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH.format(found=None))
    return tmp_path


def test_free_and_needing_modules_are_all_modules() -> None:
    assert {*NEED_TORCH, *FREE, "data"} == module_names()


def test_without_torch_the_free_modules_import_and_the_others_say_what_to_install(
    without_torch,
) -> None:
    code = f"""
import importlib
from ptycho_torch.checks import TorchMissing
for name in {FREE!r}:
    importlib.import_module(("ptycho_torch." + name).rstrip("."))
for name in {NEED_TORCH!r}:
    try:
        importlib.import_module("ptycho_torch." + name)
    except TorchMissing as missing:
        assert isinstance(missing, ImportError)
        text = str(missing)
        for word in ("torch>=2.2", "POLICY-001", "group `torch`", "got none"):
            assert word in text, (name, text)
    else:
        raise AssertionError(name + " was imported")
"""
    child = run_python(code, before=without_torch)
    assert child.returncode == 0, child.stderr


def test_an_old_torch_is_named(tmp_path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH.format(found="2.1.2+cu118"))
    child = run_python(
        "from ptycho_torch.checks import require_torch; require_torch()", before=tmp_path
    )
    assert "TorchMissing" in child.stderr
    assert "but got torch 2.1.2+cu118" in child.stderr


@pytest.mark.parametrize("module", ["train", "inference"])
def test_without_torch_work_is_refused_before_any_file_is_looked_at(module, without_torch) -> None:
    flags = {
        "train": ["--train_data_file", "missing.npz"],
        "inference": ["--model_path", "missing", "--test_data", "missing.npz"],
    }[module]
    out = without_torch / "out"
    child = run_python(
        f"ptycho_torch.{module}",
        before=without_torch,
        module=True,
        args=[*flags, "--output_dir", str(out)],
    )
    assert child.returncode == 2
    assert child.stderr.count("\n") == 1
    assert "POLICY-001" in child.stderr
    assert not out.exists()


@pytest.mark.parametrize("module", ["simulate", "train", "inference", "env_report", "validate",
                                    "convert", "bundle"])  # fmt: skip
def test_without_torch_help_works(module, without_torch) -> None:
    child = run_python(f"ptycho_torch.{module}", before=without_torch, module=True, args=["--help"])
    assert child.returncode == 0, child.stderr


def test_without_torch_simulate_works(without_torch) -> None:
    files = ["--output", str(without_torch / "s.npz"), "--truth", str(without_torch / "t.npz")]
    child = run_python(
        "ptycho_torch.simulate", before=without_torch, module=True,
        args=[*files, "--n_images", "9", "--size", "16"],
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert (without_torch / "s.npz").exists()


def test_without_torch_env_report_says_so(without_torch) -> None:
    text = run_python("ptycho_torch.env_report", before=without_torch, module=True)
    assert text.returncode == 0
    assert "torch:" in text.stdout
    assert "not installed (POLICY-001)" in text.stdout
    facts = run_python(
        "ptycho_torch.env_report", before=without_torch, module=True, args=["--json"]
    )
    assert json.loads(facts.stdout)["torch"] == "not installed (POLICY-001)"


@pytest.mark.torch
def test_env_report_names_the_build_and_neither_host_nor_user(command) -> None:
    import getpass
    import platform

    child = command("env_report", "--json", USER="canary-user", HOSTNAME="canary-host")
    facts = json.loads(child.stdout)
    assert all(isinstance(value, str | int) for value in facts.values())
    assert {"torch_build", "torch_blas", "torch_isa", "torch_threads", "accelerator"} < facts.keys()
    assert {"python", "torch", "lightning", "numpy", "cpu", "cores", "memory"} < facts.keys()
    values = [str(value).lower() for value in facts.values()]
    for secret in ("canary-user", "canary-host", platform.node().lower(), getpass.getuser()):
        assert secret not in values
