"""Real runs in child processes: what each ending is recorded and shown as."""

from __future__ import annotations

import getpass
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from xml.etree import ElementTree as ET

import pytest

from sphinx_ptyreg.record import Outcome

SELECTOR = """
[tool.ptyreg.selectors.quick]
nodeids = ["tests/test_quick.py::test_quick"]
inputs = ["src.py"]
timeout = 30
"""


@pytest.fixture
def measure(project, declare):
    """Run the selector with this test file; return its newest record and the command's answer."""

    def run(test, *, pyproject=SELECTOR, conftest="", **kwargs):
        declare(pyproject)
        project.write("tests/test_quick.py", test)
        if conftest:
            project.write("tests/conftest.py", conftest)
        before = {record.id for record in project.records()}
        answer = project.cli("run", "quick", **kwargs)
        new = [record for record in project.records() if record.id not in before]
        return (new[-1] if new else None), answer

    return run


ENDINGS = {
    Outcome.PASSED: "def test_quick(ptyreg): ptyreg.metric('answer', 1)",
    Outcome.FAILED: "def test_quick(): assert 1 == 2, 'the reason'",
    Outcome.ERROR: """
        import pytest
        @pytest.fixture
        def broken(): raise RuntimeError("the reason")
        def test_quick(broken): pass
        """,
    Outcome.SKIPPED: "import pytest\ndef test_quick(): pytest.skip('the reason')",
    Outcome.XFAILED: "import pytest\n@pytest.mark.xfail(reason='r')\ndef test_quick(): assert 0",
    Outcome.XPASSED: "import pytest\n@pytest.mark.xfail(reason='r')\ndef test_quick(): pass",
    Outcome.CRASHED: "import os, signal\ndef test_quick(): os.kill(os.getpid(), signal.SIGSEGV)",
    Outcome.NOT_COLLECTED: "import pytest\npytestmark = []\ndef test_other(): pass",
    Outcome.IMPORT_ERROR: "import no_such_module\ndef test_quick(): pass",
    Outcome.INTERRUPTED: "def test_quick(): raise KeyboardInterrupt",
}


@pytest.mark.parametrize("outcome", list(ENDINGS), ids=str)
def test_each_ending_has_its_outcome_on_the_record_and_on_the_page(project, measure, outcome):
    record, answer = measure(ENDINGS[outcome])
    assert record.outcome is outcome
    assert answer.returncode == (0 if outcome is Outcome.PASSED else 1), answer.stderr
    assert f"quick: {outcome.words}" in answer.stdout
    assert "Traceback (most recent call last)" not in answer.stderr.split("$ python")[0]
    project.write("docs/index.md", "# P\n\n{ptyreg:value}`quick.duration`\n\n"
                  "```{ptyreg:runtime} quick\n```\n")  # fmt: skip
    built = project.build("dummy")
    if outcome is Outcome.PASSED:
        assert re.fullmatch(r"\d+\.\d\d s", built.spans("ptyreg-value")[0])
        return
    assert built.spans("ptyreg-value") == ["not measured"]
    assert built.spans("ptyreg-badge")[0] == outcome.words
    assert "is no measurement" in built.text()
    assert f"exit code {record.exit_code}" in built.text()
    assert "Run it again: ptyreg run quick" in built.text()


def test_a_strict_xpass_is_an_xpass_and_no_failure(measure):
    record, _ = measure(
        "import pytest\n@pytest.mark.xfail(strict=True, reason='r')\ndef test_quick(): pass"
    )
    assert record.outcome is Outcome.XPASSED


def test_a_fixture_that_breaks_afterwards_is_an_error(measure):
    record, _ = measure(
        """
        import pytest
        @pytest.fixture
        def broken():
            yield
            raise RuntimeError
        def test_quick(broken): pass
        """
    )
    assert record.outcome is Outcome.ERROR


def test_a_broken_conftest_is_an_import_error(measure):
    record, answer = measure("def test_quick(): pass", conftest="import no_such_module")
    assert record.outcome is Outcome.IMPORT_ERROR
    assert "no_such_module" in answer.stderr


def test_a_syntax_error_is_an_import_error(measure):
    record, _ = measure("def test_quick(:")
    assert record.outcome is Outcome.IMPORT_ERROR


def test_a_file_that_is_not_there_is_not_collected(measure):
    record, _ = measure("", pyproject=SELECTOR.replace("test_quick.py::", "test_gone.py::"))
    assert record.outcome in {Outcome.NOT_COLLECTED, Outcome.IMPORT_ERROR, Outcome.NOT_MEASURED}
    assert not record.measured


def test_a_run_without_the_plugin_is_not_measured(measure):
    record, _ = measure(
        "def test_quick(): pass",
        pyproject=SELECTOR + "[tool.pytest.ini_options]\naddopts = '-p no:ptyreg-watcher'\n",
    )
    assert record.outcome is Outcome.NOT_MEASURED
    assert record.reason == "the plugin ptyreg was not loaded in the child"


def test_a_timeout_ends_the_whole_tree_and_is_tried_again_as_declared(project, measure):
    started = time.monotonic()
    record, _ = measure(
        """
        import subprocess, sys, time
        from pathlib import Path
        def test_quick(ptyreg):
            with ptyreg.stage("train"):
                code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                child = subprocess.Popen([sys.executable, "-c", code + "time.sleep(60)"],
                                         start_new_session=True)
                with Path("pids.txt").open("a") as log:
                    log.write(f"{child.pid}\\n")
                time.sleep(60)
        """,
        pyproject=SELECTOR.replace("timeout = 30", "timeout = 1.5\nretries = 1"),
    )
    assert time.monotonic() - started < 30
    assert record.outcome is Outcome.TIMEOUT
    assert "1.5 s" in record.reason
    assert "test_quick" in record.reason
    assert [r.attempt for r in project.records()] == [1, 2]
    pids = (project.root / "pids.txt").read_text().split()
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_a_failing_test_is_not_tried_again(project, measure):
    measure("def test_quick(): assert 0", pyproject=SELECTOR + "retries = 3\nrepeats = 3\n")
    assert len(project.records()) == 1


def test_repeats_and_warm_ups_are_as_many_as_declared(project, measure):
    measure(ENDINGS[Outcome.PASSED], pyproject=SELECTOR + "warmup = 1\nrepeats = 2\n")
    assert [r.warmup for r in project.records()] == [True, False, False]


# --- the fixture ------------------------------------------------------------------------------

TALKATIVE = """
import pytest
from pathlib import Path

def test_quick(ptyreg, tmp_path, record_property):
    with ptyreg.stage("train"):
        pass
    ptyreg.stage("stitch", seconds=1.5)
    ptyreg.metric("psnr", 30.5, unit="dB")
    ptyreg.metric("count", 3)
    ptyreg.environment({"blas": "openblas", "threads": 2})
    file = tmp_path / "curve.csv"
    file.write_text("a,b\\n1,2\\n")
    ptyreg.artifact(file, name="curve", title="Loss")
    file.unlink()
    record_property("shape", "(3, 5)")
"""


def test_what_the_test_told_is_on_the_record(project, measure):
    record, answer = measure(TALKATIVE)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert [stage.name for stage in record.stages] == ["train", "stitch"]
    assert record.stages[1].seconds == 1.5
    assert (record.metrics["psnr"].value, record.metrics["psnr"].unit) == (30.5, "dB")
    assert record.metrics["count"].unit == "1"
    assert record.environment == {"blas": "openblas", "threads": 2}
    assert record.tests[0].properties == {"shape": "(3, 5)"}
    assert set(record.artifacts) == {"curve", "log"}
    curve = project.store.artifact(record.artifacts["curve"])
    assert curve.read_text() == "a,b\n1,2\n"
    assert record.artifacts["curve"].title == "Loss"


def test_a_run_removes_nothing_of_other_pytest_sessions(project, measure, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    user = tmp_path / "temporary" / f"pytest-of-{getpass.getuser()}"
    others = [user / f"pytest-{number}" for number in range(5)]
    for folder in others:
        folder.mkdir(parents=True)
    record, _ = measure("def test_quick(tmp_path): (tmp_path / 'x').touch()")
    assert record.measured
    assert all(folder.exists() for folder in others)
    assert sorted((tmp_path / "temporary").iterdir()) == [user]


def test_the_duration_is_what_the_last_line_of_pytest_says(project, measure):
    record, _ = measure("import time\ndef test_quick(): time.sleep(0.3)")
    log = project.store.artifact(record.artifacts["log"]).read_text()
    last = re.findall(r"1 passed in (\d+\.\d+)s", log)[-1]
    assert record.durations.duration == pytest.approx(float(last), abs=0.5)
    assert 0.3 <= record.durations.duration_call <= record.durations.duration
    assert record.durations.wall > record.durations.duration


def test_a_plain_test_run_drops_what_the_fixture_is_told(project):
    project.write("tests/test_quick.py", TALKATIVE)
    answer = project.child("-m", "pytest", "-q", "tests", "-p", "no:cacheprovider")
    assert answer.returncode == 0, answer.stdout
    assert not (project.root / ".ptyreg").exists()
    assert not list(project.root.rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("ptyreg.metric('a b', 1)", "Expected the metric's name to be letters"),
        ("ptyreg.metric('a', float('nan'))", "to be a finite number"),
        ("ptyreg.metric('a', float('inf'))", "to be a finite number"),
        ("ptyreg.metric('a', 1, unit='a b')", "Expected the unit of a"),
        ("ptyreg.stage('1x')", "Expected the stage's name"),
        ("ptyreg.stage('x', seconds=-1)", "to be a finite number"),
        ("ptyreg.artifact('nowhere.png', name='x')", "Expected artifact x to be a file"),
        ("ptyreg.artifact('src.py', name='a.b')", "Expected the artifact's name"),
        ("ptyreg.environment({'a b': 1})", "Expected the environment fact's name"),
        ("ptyreg.environment({'a': None})", "Expected a to be text or a number"),
        ("ptyreg.environment({'a': float('nan')})", "to be a finite number"),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_the_fixture_refuses_what_no_page_could_cite(tmp_path, call, words, recorded):
    from sphinx_ptyreg.child.ptyreg import Journal, Recorder

    ptyreg = Recorder(Journal(str(tmp_path) if recorded else None))
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        eval(call, {"ptyreg": ptyreg})  # noqa: S307 - our own text
    assert words in str(caught.value)
    assert not (tmp_path / "events.jsonl").exists()


STRANGE = """
import sys
import pytest

@pytest.mark.parametrize("name", ["\\x1b[31m", "\\ud800", "a" * 3000])
def test_quick(name, ptyreg, record_property):
    ptyreg.environment({"huge": 10 ** 400, "wide": -(2 ** 70)})
    ptyreg.metric("tiny", 5e-324)
    ptyreg.metric("large", 1e308)
    ptyreg.metric("yes", True)
    record_property("nan", float("nan"))
    record_property("object", object)
    record_property("huge", 10 ** 400)
    record_property("surrogate", chr(0xD800))
    record_property(3, 4)
    sys.stdout.buffer.write(bytes(range(256)) * 100)
"""


def test_no_value_that_a_test_tells_breaks_the_recording(project, measure):
    for repeat in range(2):
        record, answer = measure(STRANGE + f"# {repeat // 2}\n")
        assert record is not None, answer.stderr
        assert record.outcome is Outcome.PASSED, answer.stderr
    project.write(
        "docs/index.md",
        "# P\n\n```{ptyreg:environment} quick\n```\n```{ptyreg:runtime} quick\n```\n"
        "{ptyreg:value}`quick.metrics.large.mean`\n",
    )
    built = project.build("xml")
    assert built.status == 0
    assert built.warnings == ""
    ET.parse(project.root / "out/xml/index.xml")  # noqa: S314 - our own output


def test_the_plugin_is_found_with_autoload_off(measure):
    record, answer = measure(
        ENDINGS[Outcome.PASSED],
        pyproject=SELECTOR + 'env = { PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1" }\n',
    )
    assert record.outcome is Outcome.PASSED, answer.stderr
    assert record.metrics["answer"].value == 1


@pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_workers_are_switched_off(measure):
    record, _ = measure(
        ENDINGS[Outcome.PASSED],
        pyproject=SELECTOR + "[tool.pytest.ini_options]\naddopts = '-n 2'\n",
    )
    assert record.outcome is Outcome.PASSED


@pytest.mark.skipif(find_spec("pytest_rerunfailures") is None, reason="no pytest-rerunfailures")
def test_reruns_are_switched_off(measure):
    record, _ = measure(
        "def test_quick(): assert 0",
        pyproject=SELECTOR + "[tool.pytest.ini_options]\naddopts = '--reruns 2'\n",
    )
    assert record.outcome is Outcome.FAILED


def test_workers_that_are_active_all_the_same_falsify_the_run(measure):
    record, _ = measure(
        ENDINGS[Outcome.PASSED],
        conftest="def pytest_configure(config): config.option.numprocesses = 2\n",
    )
    assert record.outcome is Outcome.NOT_MEASURED
    assert "xdist" in record.reason


def test_no_undeclared_variable_reaches_a_test(measure):
    record, _ = measure(
        """
        import os
        def test_quick(ptyreg):
            assert "MY_FLAG" not in os.environ
            assert "PYTEST_ADDOPTS" not in os.environ
            assert os.environ["DECLARED"] == "yes"
            assert os.environ["PYTHONHASHSEED"] == "0"
        """,
        pyproject=SELECTOR + 'env = { DECLARED = "yes" }\n',
        env={"MY_FLAG": "1", "PYTEST_ADDOPTS": "-x"},
    )
    assert record.outcome is Outcome.PASSED, record.output


def test_a_source_that_changes_while_it_runs_is_no_measurement(measure):
    record, _ = measure(
        """
        from pathlib import Path
        def test_quick():
            Path("src.py").write_text("ANSWER = 0")
        """
    )
    assert record.outcome is Outcome.NOT_MEASURED
    assert "src.py" in record.reason


def test_the_commit_is_dirty_when_an_input_differs_from_it(project, measure):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True,
                       capture_output=True)  # fmt: skip

    git("init", "-q")
    project.write("tests/test_quick.py", ENDINGS[Outcome.PASSED])
    project.write("pyproject.toml", SELECTOR)
    project.write("docs/.keep", "")
    git("add", "-A")
    git("commit", "-qm", "x")
    clean, answer = measure(ENDINGS[Outcome.PASSED])
    assert clean.commit.dirty is False, answer.stderr
    project.write("unrelated.txt", "x")
    (project.root / os.fsdecode(b"odd-\xff-name.txt")).write_text("x")
    still, answer = measure(ENDINGS[Outcome.PASSED])
    assert still is not None, answer.stderr
    assert still.commit is not None
    assert still.commit.dirty is False
    project.write("src.py", "changed")
    dirty, _ = measure(ENDINGS[Outcome.PASSED])
    assert dirty.commit.dirty is True
    assert dirty.commit.id == clean.commit.id


def test_an_input_whose_name_is_no_text_does_not_break_a_run(project, measure):
    (project.root / os.fsdecode(b"odd-\xff.py")).write_text("x")
    record, answer = measure(
        "import glob\ndef test_quick():\n    for name in glob.glob('odd*'): open(name).close()",
        pyproject=SELECTOR.replace('"src.py"', '"*.py"'),
    )
    assert record is not None, answer.stderr
    assert record.outcome is Outcome.PASSED


@pytest.fixture
def interrupted(project, declare):
    """Interrupt a command while its selector runs; return its status, errors and the child."""
    declare(SELECTOR)
    project.write(
        "tests/test_quick.py",
        """
        import os, time
        from pathlib import Path
        def test_quick():
            Path("pid.txt").write_text(str(os.getpid()))
            time.sleep(60)
        """,
    )
    command = subprocess.Popen(
        [sys.executable, "-m", "sphinx_ptyreg", "run", "quick"], cwd=project.root,
        env=project.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    pid_file = project.root / "pid.txt"
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=30)
    return command.returncode, errors, int(pid_file.read_text())


def test_an_interrupt_ends_the_child_and_the_command(project, interrupted):
    status, errors, child = interrupted
    assert status in {1, 130}
    assert "Traceback (most recent call last)" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert not [record for record in project.records() if record.measured]


def test_an_interrupted_run_is_due_again(project, interrupted):
    from sphinx_ptyreg import ensure

    assert interrupted[0] != 0
    loaded = project.load()
    assert not ensure._is_fresh(loaded, loaded.selectors["quick"], project.store)


def test_the_record_on_disk_is_readable_json_in_order(project, measure):
    measure(ENDINGS[Outcome.PASSED])
    [entry] = project.store.entries("quick")
    table = json.loads(entry.path.read_text())
    assert table["schema"] == 1
    assert list(table) == sorted(table)
    assert table["machine"]["cores"] >= 1
