"""The command line: texts, and exit statuses 0 ok, 1 verdict, 2 usage, 3 infrastructure."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from sphinx_ptyreg import __version__
from sphinx_ptyreg.cli import main
from sphinx_ptyreg.record import Artifact, Outcome
from sphinx_ptyreg.store import PUBLISH_LIMIT


@pytest.fixture
def ptyreg(project, monkeypatch, capsys):
    """Call a command in this process."""
    monkeypatch.chdir(project.root)

    def call(*arguments):
        try:
            status = main(arguments)
        except SystemExit as error:
            status = int(error.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_help_says_what_each_command_writes_and_what_the_statuses_mean(ptyreg):
    status, out, _ = ptyreg("--help")
    assert status == 0
    assert "what each command writes" in out
    assert "0 ok, 1 verdict, 2 usage, 3 infrastructure" in out
    for command in ("init", "run", "status", "publish"):
        assert f"  {command} " in out


def test_the_version_is_the_packages(ptyreg):
    assert ptyreg("--version")[1].strip().endswith(__version__)


@pytest.mark.parametrize("arguments", [(), ("rnu",), ("run", "--nope"), ("status", "--root")])
def test_a_wrong_call_is_status_2(ptyreg, arguments):
    status, _, err = ptyreg(*arguments)
    assert status == 2
    assert "usage: ptyreg" in err


@pytest.mark.parametrize("command", ["run", "status", "publish"])
def test_an_unknown_name_is_status_2_with_the_close_ones(ptyreg, command):
    status, _, err = ptyreg(command, "quikc")
    assert status == 2
    assert err == (
        "ptyreg: Expected the selector to be a known one, but got 'quikc'. Did you mean quick?\n"
    )


@pytest.mark.parametrize("command", ["init", "run", "status", "publish"])
def test_without_a_declaration_it_is_status_2_and_says_how_to_begin(ptyreg, project, command):
    project.write("pyproject.toml", "")
    (project.root / ".git").mkdir()
    status, _, err = ptyreg(command)
    assert status == 2
    assert "Declare a selector: [tool.ptyreg.selectors.NAME]" in err


def test_a_command_works_from_a_folder_below_and_with_root(ptyreg, project, monkeypatch, tmp_path):
    project.seed()
    monkeypatch.chdir(project.root / "docs")
    assert ptyreg("status")[0] == 0
    monkeypatch.chdir(tmp_path)
    assert ptyreg("status", "--root", str(project.root))[0] == 0


def test_init_adds_one_line_once(ptyreg, project):
    project.write(".gitignore", "*.pyc")
    assert ptyreg("init")[:2] == (0, "added .ptyreg/ to .gitignore\n")
    assert (project.root / ".gitignore").read_text() == "*.pyc\n.ptyreg/\n"
    assert ptyreg("init")[:2] == (0, ".gitignore already has .ptyreg/\n")
    assert (project.root / ".gitignore").read_text() == "*.pyc\n.ptyreg/\n"


def test_init_makes_the_file_when_there_is_none(ptyreg, project):
    assert ptyreg("init")[0] == 0
    assert (project.root / ".gitignore").read_text() == ".ptyreg/\n"


def test_run_measures_and_status_tells(ptyreg, project):
    status, out, err = ptyreg("run", "quick")
    assert status == 0, err
    assert out.startswith("quick: running tests/test_quick.py::test_quick\nquick: passed in ")
    assert project.runs == 1
    status, out, _ = ptyreg("status")
    assert status == 0
    assert out.startswith("quick  fresh")
    assert "n = 1" in out
    assert "just now" in out
    status, out, _ = ptyreg("run", "--if-needed")
    assert (status, out) == (0, "quick: fresh, not run\n")
    assert project.runs == 1


def test_a_run_that_is_no_measurement_is_status_1_with_its_last_lines(ptyreg, project):
    project.write("tests/test_quick.py", "def test_quick(): assert 1 == 2")
    status, out, err = ptyreg("run")
    assert status == 1
    assert "quick: failed" in out
    assert "assert 1 == 2" in err
    assert err.startswith("$ python -m pytest")
    status, out, _ = ptyreg("status")
    assert status == 1
    assert "failed (tests/test_quick.py::test_quick)" in out


def test_a_run_without_what_it_requires_is_status_3(ptyreg, project):
    toml = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", toml + 'requires = ["no-such-dist>=2"]\n')
    status, _, err = ptyreg("run")
    assert status == 3
    assert "Expected no-such-dist>=2 (found none) to be installed" in err
    assert project.runs == 0


def test_a_bad_machine_class_is_status_2(ptyreg, monkeypatch):
    monkeypatch.setenv("PTYREG_CLASS", "a b")
    status, _, err = ptyreg("run")
    assert status == 2
    assert err.startswith("ptyreg: PTYREG_CLASS: Expected a name of letters")


def test_status_of_nothing_and_of_a_stale_record_is_1(ptyreg, project):
    assert ptyreg("status")[:2] == (1, "quick  missing\n")
    project.seed()
    assert ptyreg("status")[0] == 0
    project.write("src.py", "changed")
    status, out, _ = ptyreg("status", "quick")
    assert status == 1
    assert out.startswith("quick  stale")
    assert "  - file changed: src.py (" in out


def test_status_names_unreadable_records(ptyreg, project):
    path = project.seed()
    path.write_bytes(b"")
    _, out, _ = ptyreg("status")
    assert f"! {path.name}" in out


def test_publish_copies_what_is_fresh_and_replay_needs_no_more(ptyreg, project):
    ptyreg("run")
    status, out, err = ptyreg("publish", "quick")
    assert status == 0, err
    assert out.startswith("quick: docs/evidence/records/quick/")
    shutil.rmtree(project.root / ".ptyreg")
    built = project.build("dummy")
    assert built.warnings == ""
    assert len(project.store.entries("quick")) == 1


@pytest.mark.parametrize("state", ["missing", "stale"])
def test_publish_refuses_what_is_not_fresh_as_a_verdict(ptyreg, project, state):
    if state == "stale":
        project.seed()
        project.write("src.py", "changed")
    status, _, err = ptyreg("publish")
    assert status == 1
    assert f"quick: Expected a fresh measurement, but it is {state}." in err
    assert "Run: ptyreg run quick" in err
    assert not (project.root / "docs/evidence").exists()


def test_publish_refuses_a_measurement_whose_latest_run_failed(ptyreg, project):
    project.seed()
    project.seed(started="2026-05-04T05:06:07.000000Z", outcome=Outcome.FAILED, reason="x")
    status, _, err = ptyreg("publish")
    assert status == 1
    assert "failed" in err


def test_publish_refuses_a_large_artifact_and_writes_nothing(ptyreg, project):
    data = b"x" * (PUBLISH_LIMIT + 1)
    digest = hashlib.sha256(data).hexdigest()
    project.store.local.add_artifact(project.write("big", data), digest, ".bin")
    project.seed(artifacts={"big": Artifact(sha256=digest, size=len(data), suffix=".bin")})
    status, _, err = ptyreg("publish")
    assert status == 1
    assert "Expected artifact 'big' to have at most 200000 bytes, but got 200001." in err
    assert not (project.root / "docs/evidence").exists()


def test_publishing_twice_changes_nothing(ptyreg, project):
    project.seed()
    assert ptyreg("publish")[:2] == ptyreg("publish")[:2]
    assert len(list((project.root / "docs/evidence").rglob("*.json"))) == 1


def test_python_dash_m_is_the_same_command(project):
    answer = project.cli("--version")
    assert answer.returncode == 0
    assert answer.stdout.startswith("ptyreg ")
