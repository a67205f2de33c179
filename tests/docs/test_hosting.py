"""What hosts run is what tox has: the workflows are valid, and name what exists."""

from __future__ import annotations

import configparser
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RTD = ROOT / ".readthedocs.yaml"


def tox() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    return parser


def environments() -> set[str]:
    names = {name.removeprefix("testenv:") for name in tox().sections() if ":" in name}
    return {spelt for name in names for spelt in spellings(name)}


def spellings(name: str) -> list[str]:
    """Return the names that ``a-py3{12,13}`` stands for."""
    head, brace, rest = name.partition("{")
    choices, _, tail = rest.partition("}")
    return [f"{head}{choice}{tail}" for choice in choices.split(",")] if brace else [name]


def load(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def jobs() -> dict[str, Any]:
    return {name: job for file in WORKFLOWS for name, job in load(file)["jobs"].items()}


def called(job: dict[str, Any]) -> set[str]:
    """Return the tox environments that a job calls, for each row of its matrix."""
    matrix = job.get("strategy", {}).get("matrix", {})
    names: set[str] = set()
    for step in job["steps"]:
        for told in re.findall(r"tox -e (\S+)", step.get("run", "")):
            if "${PYTHON/./}" in told:
                names |= {
                    told.replace("${PYTHON/./}", p.replace(".", "")) for p in matrix["python"]
                }
            elif told == "${ENVIRONMENT}":
                names |= set(matrix["environment"])
            else:
                names |= set(told.split(","))
    return names


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.github-workflows", file) for file in WORKFLOWS] + [("vendor.readthedocs", RTD)],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_hosts_read_is_valid(schema: str, file: Path, tmp_path: Path) -> None:
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(file.read_text(encoding="utf-8") + "\nno-such-key: 1\n", encoding="utf-8")
    assert subprocess.run([*command, wrong], capture_output=True, check=False).returncode == 1


def test_every_environment_that_a_host_names_exists() -> None:
    assert WORKFLOWS
    for name, job in jobs().items():
        assert called(job), name
        assert called(job) <= environments(), name
    (command,) = load(RTD)["build"]["jobs"]["build"]["html"]
    assert command.split()[:3] == ["tox", "-e", "docs-replay"]


MEASURING = {"integration-tests-torch": "integration", "measurements": "not integration"}


def test_the_measuring_jobs_measure_and_the_docs_job_replays_what_they_measured() -> None:
    docs = jobs()["docs"]
    assert called(docs) == {"merge", "docs-replay"}
    assert docs["needs"] == list(MEASURING)
    [got] = [step for step in docs["steps"] if "download" in step.get("uses", "")]
    [merged] = [step["run"] for step in docs["steps"] if "tox -e merge" in step.get("run", "")]
    for name, marker in MEASURING.items():
        steps = jobs()[name]["steps"]
        assert called(jobs()[name]) == {"regression"}
        [run] = [step["run"] for step in steps if "regression" in step.get("run", "")]
        assert shlex.split(run)[-2:] == ["--marker", marker]
        [sent] = [step for step in steps if "upload" in step.get("uses", "")]
        assert sent["if"] == "always()"
        assert fnmatch.fnmatch(sent["with"]["name"], got["with"]["pattern"])
        bundle = sent["with"]["path"]
        assert f"{sent['with']['name']}/{bundle}" in merged.split()
        assert f"ptyreg export bundle {bundle}" in tox()["testenv:regression"]["commands"]
        assert f"ptyreg merge {{posargs:{bundle}}}" in tox()["testenv:merge"]["commands"]


def test_every_selector_is_measured_once_and_in_time() -> None:
    """The worst that is declared: each attempt of each run to its timeout, and the set-up."""
    pytest.importorskip("msgspec", reason="tox -e packaging has the tools of a release alone")
    from sphinx_ptyreg.config import load as load_project
    from sphinx_ptyreg.marked import marked

    project = load_project(ROOT)
    measured: list[str] = []
    for name, marker in MEASURING.items():
        selectors = marked(project, project.selectors.values(), marker)
        measured += [selector.name for selector in selectors]
        worst = sum(s.timeout * (s.retries + 1) * (s.repeats + s.warmup) for s in selectors)
        assert jobs()[name]["timeout-minutes"] * 60 >= worst + 300, name
    assert sorted(measured) == sorted(project.selectors)


def test_every_job_that_builds_pages_knows_the_tags() -> None:
    for name, job in jobs().items():
        if any(environment.startswith("docs") for environment in called(job)):
            [checkout] = [s for s in job["steps"] if "checkout" in s.get("uses", "")]
            assert checkout["with"]["fetch-depth"] == 0, name
    assert any("git fetch --tags" in line for line in load(RTD)["build"]["jobs"]["post_checkout"])


def test_every_slow_test_is_run_by_a_job() -> None:
    ran = {environment for job in jobs().values() for environment in called(job)}
    slow = {
        name.removeprefix("testenv:")
        for name in tox().sections()
        if "{" not in name and "-m slow" in tox()[name].get("commands", "")
    }
    assert slow - {"browser"} <= ran  # that one is run where there is a browser
    assert len(slow) > 4


def test_what_the_two_jobs_call_carries_the_records_over(tmp_path: Path) -> None:
    """The commands of both environments, in two checkouts: measured in one, merged in the other."""
    (tmp_path / "measured").mkdir()
    project = tmp_path / "measured"
    (project / "pyproject.toml").write_text(
        '[tool.ptyreg.selectors.one]\nnodeids = ["test_one.py::test_one"]\n'
    )
    (project / "test_one.py").write_text("def test_one(): pass\n")
    shutil.copytree(project, tmp_path / "replayed")

    def call(where: str, command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sphinx_ptyreg", *command.split()[1:]],
            cwd=tmp_path / where, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    for command in tox()["testenv:regression"]["commands"].strip().splitlines():
        call("measured", command.replace("{posargs}", ""))
    shutil.copy(project / "records.ptyreg", tmp_path / "replayed")
    call("replayed", re.sub(r"\{posargs:(.*)\}", r"\1", tox()["testenv:merge"]["commands"].strip()))
    assert "one  fresh" in call("replayed", "ptyreg status")


def test_the_regression_has_a_time_limit_and_one_retry() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = data["tool"]["ptyreg"]["selectors"]["torch-integration"]
    assert (declared["timeout"], declared["retries"]) == (120, 1)


def test_the_markers_select_the_regression() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = data["tool"]["ptyreg"]["selectors"]["torch-integration"]["nodeids"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
         "-m", "integration and torch", "tests/torch/test_integration_workflow_torch.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if "::" in line] == declared
    marked = [
        f
        for f in ROOT.glob("tests/**/test_*.py")
        if ("pytest.mark." + "integration") in f.read_text()
    ]
    assert {f.name for f in marked} == {
        "test_integration_workflow_torch.py", "test_network_or_iterate.py",
    }  # fmt: skip


def test_read_the_docs_builds_where_it_is_told_to() -> None:
    (command,) = load(RTD)["build"]["jobs"]["build"]["html"]
    assert command == "tox -e docs-replay -- $READTHEDOCS_OUTPUT/html"
    replay = tox()["testenv:docs-replay"]
    assert "PTYREG_MODE = replay" in replay["setenv"]
    assert "{posargs:docs{/}_build{/}html}" in replay["commands"]
    assert "torch" not in replay["dependency_groups"]


@pytest.mark.slow
def test_the_command_of_read_the_docs_builds_the_pages(tmp_path: Path) -> None:
    """In an environment of its own, without PyTorch, exactly as the host calls it."""
    pytest.importorskip("tox")
    (command,) = load(RTD)["build"]["jobs"]["build"]["html"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PTYREG_", "TOX_", "PYTEST_"))}
    env |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
        "READTHEDOCS": "True",
        "READTHEDOCS_OUTPUT": str(tmp_path / "out"),
        "TOX_WORK_DIR": str(tmp_path / "tox"),
    }
    done = subprocess.run(
        ["bash", "-ec", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "mode: replay" in done.stdout
    html = (tmp_path / "out/html/index.html").read_text(encoding="utf-8")
    assert re.search(r"<abbr[^>]*measured \d{4}", html)
    installed = list((tmp_path / "tox").glob("docs-replay/lib/python*/site-packages/torch"))
    assert not installed


def test_every_environment_that_a_page_names_exists() -> None:
    for page in [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        told = re.findall(r"tox -e ([a-z0-9,-]+)", page.read_text(encoding="utf-8"))
        assert {name for names in told for name in names.split(",")} <= environments(), page.name


def test_the_readme_names_each_command_once() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 120
    for name in ("docs", "tests"):
        line = "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox -e " + name
        assert readme.splitlines().count(line) == 1
    assert "tox -e tests" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    told = set(re.findall(r"tox -e ([a-z-]+)", readme))
    assert told <= environments()
    assert told <= {name for job in jobs().values() for name in called(job)} | {"docs"}
