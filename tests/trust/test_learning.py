"""What a record says of its inputs, and what the test sees of being watched."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.evidence import Evidence

WATCHED = """
import json, os, subprocess, sys
from pathlib import Path

def test_quick():
    seen = {
        "environ": {**os.environ},
        "path": sys.path,
        "modules": [name for name in ("sitecustomize", "sphinx_ptyreg") if name in sys.modules],
    }
    code = "import json, os, sys; print(json.dumps([{**os.environ}, sys.path]))"
    given = {"GIVEN": "1", "PYTHONPATH": "/given"}
    seen["child"] = json.loads(subprocess.check_output([sys.executable, "-c", code], env=given))
    seen["plain"] = json.loads(subprocess.check_output([sys.executable, "-c", code]))
    Path(os.environ["SEEN"]).write_text(json.dumps(seen))
"""


@pytest.fixture
def seen(small, tmp_path):
    """Return what a watched test sees of its process and of two children."""
    out = tmp_path / "seen.json"
    small.write("test_quick.py", WATCHED)
    file = small.root / "pyproject.toml"
    file.write_text(file.read_text() + f'env = {{ SEEN = "{out}" }}\n')
    answer = small.ptyreg("run")
    assert answer.returncode == 0, answer.stdout
    return json.loads(out.read_text())


def test_the_test_sees_nothing_of_being_watched(seen):
    for environ, path in ((seen["environ"], seen["path"]), seen["child"], seen["plain"]):
        assert not [n for n in environ if n.startswith("PTYREG")]
        assert not [entry for entry in path if "sphinx_ptyreg/child" in entry]
        assert "sphinx_ptyreg/child" not in environ.get("PYTHONPATH", "")
    assert "PYTHONPATH" not in seen["environ"]
    child = dict(seen["child"][0])
    child.pop("LC_CTYPE", None)  # Python's own C-locale coercion
    assert child == {"GIVEN": "1", "PYTHONPATH": "/given"}
    assert "/given" in seen["child"][1]


def test_a_pytest_inside_the_test_records_nothing(small):
    small.write(
        "test_quick.py",
        """
        pytest_plugins = ["pytester"]

        def test_quick(pytester, ptyreg):
            pytester.makepyfile(test_in="def test_inner(ptyreg):\\n    ptyreg.metric('inner', 1.0)")
            for run in (pytester.runpytest_inprocess, pytester.runpytest_subprocess):
                run("-p", "no:randomly").assert_outcomes(passed=1)
            ptyreg.metric("outer", 2.0)
        """,
    )
    small.ptyreg("run")
    record = small.record()
    assert record.outcome == "passed", record.output
    assert list(record.metrics) == ["outer"]
    assert [test.nodeid for test in record.tests] == ["test_quick.py::test_quick"]


def test_two_runs_in_two_checkouts_have_the_same_inputs(scene, tmp_path):
    ignored = shutil.ignore_patterns(".ptyreg", "__pycache__", "made.txt", "output.txt")
    shutil.copytree(scene.root, tmp_path / "checkout", symlinks=True, ignore=ignored)
    answer = scene.run("-m", "sphinx_ptyreg.cli", "run", "everything", cwd=tmp_path / "checkout")
    assert answer.returncode == 0, answer.stdout
    mine, other = scene.record("everything"), scene.record("everything", tmp_path / "checkout")
    assert other["inputs"] == mine["inputs"]
    answer = scene.run("-m", "sphinx_ptyreg.cli", "run", "everything", cwd=tmp_path / "checkout")
    again = scene.record("everything", tmp_path / "checkout")
    assert again["started"] != other["started"]
    assert again["inputs"] == mine["inputs"]


def test_the_whole_trace_is_known(scene):
    assert scene.record("everything")["inputs"]["unseen"] == []


def test_a_partial_trace_says_why(scene):
    assert scene.record("partial")["inputs"]["unseen"] == [
        "reads of the process 'cat data/catted.txt' are not seen",
        "reads of the process 'python -I -c' are not seen",
        "reads of the process 'sh -c cat data/shelled.txt' are not seen",
    ]


def test_a_file_that_was_read_and_then_written_does_not_drop_out_silently(scene):
    inputs = scene.record("rewriting")["inputs"]
    assert inputs["unseen"] == ["work/counter.txt was read before the run wrote it"]
    assert inputs["outputs"] == ["work/counter.txt"]
    assert "lib/lib_module.py" in inputs["files"]  # nobody knows, so every file counts


def test_nothing_outside_the_project_is_named(scene):
    told = json.dumps(scene.record("everything")["inputs"])
    assert str(scene.base) not in told
    assert "/usr" not in told


def test_data_from_outside_the_project_makes_the_trace_partial(small, tmp_path):
    (tmp_path / "elsewhere.npy").write_bytes(b"data")
    small.write(
        "test_quick.py",
        f"""
        def test_quick(tmp_path):
            open({str(tmp_path / "elsewhere.npy")!r}).close()
            (tmp_path / "own").write_text("")
            open(tmp_path / "own").close()
        """,
    )
    small.ptyreg("run")
    unseen = small.record().inputs.unseen
    assert unseen == ["elsewhere.npy was read from outside the project"]


@pytest.mark.parametrize(("inputs", "refused"), [("", True), ('inputs = ["data/*"]', False)])
def test_require_refuses_a_partial_trace_without_declared_inputs(small, inputs, refused):
    small.write(
        "test_quick.py",
        """
        import subprocess

        def test_quick():
            subprocess.run(["cat", "data/x"], check=True)
        """,
    )
    small.write("data/x", "")
    file = small.root / "pyproject.toml"
    file.write_text(file.read_text() + inputs)
    small.write("docs/conf.py", 'extensions = ["sphinx_ptyreg"]\n')
    small.write("docs/index.rst", "Page\n====\n")
    small.ptyreg("run")
    assert small.record().outcome == "passed"
    project = load(small.root)
    assert Evidence(project, small.store).selector("quick").freshness.state == "fresh"
    build = ["-m", "sphinx", "-q", "docs", "out"]
    answer = small.run(*build, env={"PTYREG_MODE": "require"})
    assert (answer.returncode != 0) is refused, answer.stdout
    assert (b"inputs are partly known" in answer.stdout) is refused
    assert small.run(*build, env={"PTYREG_MODE": "replay"}).returncode == 0


def test_explain_names_patterns_that_cover_no_file(small):
    file = small.root / "pyproject.toml"
    file.write_text(file.read_text() + 'inputs = ["data/*", "typo/**/*.h5"]')
    small.write("data/x", "")
    told = small.ptyreg("explain").stdout.decode()
    assert "! inputs: typo/**/*.h5 covers no file" in told
    assert "data/*" not in told


def test_git_stays_clean_after_a_run(scene):
    answer = subprocess.run(
        ["git", "status", "--porcelain", "--", ":!work", ":!data/listed"],
        cwd=scene.root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line for line in answer.stdout.splitlines() if not line.startswith("A ")] == []
