"""What is uploaded: it builds, its metadata renders, and the wheel alone runs the tutorial."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def call(*argv: object, cwd: Path = ROOT) -> None:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build both from the tree, the wheel out of the source distribution."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ".")
    return {file.suffix: file for file in folder.iterdir()}


def test_both_build_and_their_metadata_is_fit_for_the_index(distributions) -> None:
    pytest.importorskip("twine")
    assert set(distributions) == {".whl", ".gz"}
    call(sys.executable, "-m", "twine", "check", "--strict", *distributions.values())


def test_the_wheel_in_a_clean_environment_runs_the_tutorial(
    distributions, tmp_path: Path, follow_the_tutorial: Callable[[Path, Path], None]
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    call(python, "-m", "pip", "install", "-q", f"{distributions['.whl']}[run,myst]")
    told = subprocess.run(
        [python, "-c", "import sphinx_ptyreg as p; print(p.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.startswith(str(environment))
    project = tmp_path / "project"
    project.mkdir()
    follow_the_tutorial(project, environment)


def test_the_wheel_holds_the_translations(distributions):
    with zipfile.ZipFile(distributions[".whl"]) as wheel:
        held = {name for name in wheel.namelist() if name.endswith(".mo")}
    assert held == {
        file.relative_to(ROOT).as_posix() for file in ROOT.glob("sphinx_ptyreg/locale/*/*/*.mo")
    }
    assert "sphinx_ptyreg/locale/de/LC_MESSAGES/ptyreg.mo" in held
