"""The fan-out over any executor: which attempt counts, who is asked again, what is stored."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from sphinx_ptyreg import __version__
from sphinx_ptyreg.cli import main
from sphinx_ptyreg.config import load
from sphinx_ptyreg.environment import machine
from sphinx_ptyreg.errors import ConfigError, InfrastructureError
from sphinx_ptyreg.executors import on_dask, tree
from sphinx_ptyreg.executors.fanout import LOST_WORKERS, OnExecutor, WorkerLost, fan_out
from sphinx_ptyreg.executors.messages import Answer, Task, decode, encode
from sphinx_ptyreg.executors.work import perform
from sphinx_ptyreg.record import SCHEMA, Artifact, Durations, Inputs, Outcome, Resources, RunRecord
from sphinx_ptyreg.store import Store

LOG = b"1 passed\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ptyreg.selectors.one]\nnodeids = ["tests/test_it.py::test_one"]\n'
        '[tool.ptyreg.selectors.two]\nnodeids = ["tests/test_it.py::test_two"]\n'
    )
    monkeypatch.chdir(tmp_path)
    return load(tmp_path)


@pytest.fixture
def store(project):
    return Store(project.store, project.published)


def answer(task: Task, worker: str = "w", content: bytes = LOG, **changes) -> Answer:
    log = Artifact(sha256=hashlib.sha256(LOG).hexdigest(), size=len(LOG), suffix=".txt")
    record = RunRecord(
        schema=SCHEMA, selector=task.selector, started="2026-03-04T05:06:07.000000Z",
        outcome=Outcome.PASSED, reason="", source="run", command=["python"], exit_code=0,
        attempt=task.attempt, warmup=False, commit=None,
        durations=Durations(duration=1.0, duration_call=1.0, wall=1.0), resources=Resources(),
        stages=[], metrics={}, artifacts={"log": log}, tests=[], machine=machine(),
        machine_class="there", environment={}, inputs=Inputs(declaration="", files={}), output="",
    )  # fmt: skip
    record = msgspec.structs.replace(record, **changes)
    return Answer(selector=task.selector, attempt=task.attempt, worker=worker, records=[record],
                  artifacts={log.sha256: content})  # fmt: skip


class Scripted:
    """An engine that does with each task what a function says."""

    def __init__(self, play) -> None:
        self.play, self.asked = play, []

    def submit(self, task, selector, without):
        self.asked.append((task.selector, task.attempt, sorted(without)))
        future: Future[str] = Future()
        try:
            told = self.play(task, without)
        except InfrastructureError:
            raise
        except WorkerLost as error:
            future.set_exception(error)
        else:
            future.set_result(encode(told))
        return future


def run(project, store, play, names=("one",), **options):
    engine = Scripted(play)
    selectors = [project.selectors[name] for name in names]
    return fan_out(project, selectors, store, engine, **options), engine.asked


def stored(store, name="one"):
    return [entry.read() for entry in store.entries(name)]


def test_a_lost_worker_costs_an_attempt_and_the_record_says_so(project, store):
    def play(task, _):
        if task.attempt < 3:
            raise WorkerLost
        return answer(task)

    done, asked = run(project, store, play)
    assert [attempt for _, attempt, _ in asked] == [1, 2, 3]
    assert [record.attempt for record in stored(store)] == [3]
    assert not done.problems


def test_what_loses_every_worker_is_given_up_and_the_rest_goes_on(project, store):
    def play(task, _):
        if task.selector == "one":
            raise WorkerLost("out of memory")
        return answer(task)

    done, asked = run(project, store, play, ("one", "two"))
    assert len([name for name, *_ in asked if name == "one"]) == LOST_WORKERS + 1
    assert done.problems == {"one": "4 workers were lost with it (out of memory)"}
    assert len(stored(store, "two")) == 1
    assert not stored(store)


def test_the_result_of_another_attempt_than_the_one_that_counts_is_discarded(project, store):
    """A zombie answers attempt 1 through whatever the engine still connects it with."""
    told = []

    def play(task, _):
        if task.attempt == 1:
            raise WorkerLost
        return answer(Task(selector="one", attempt=1, tree="", version=""), "zombie")

    _, asked = run(project, store, play, told=lambda name, text: told.append(text))
    assert len(asked) == 2
    assert stored(store) == []
    assert told[-1] == "the late result of attempt 1 is discarded"


def test_a_worker_that_refuses_is_not_asked_again(project, store):
    def play(task, without):
        if without == {"bad"}:
            return answer(task, "good")
        return Answer(selector="one", attempt=1, worker="bad", refused="its files differ",
                      files={"x.py": "1"})  # fmt: skip

    told = []
    done, asked = run(project, store, play, told=lambda name, text: told.append(text))
    assert asked == [("one", 1, []), ("one", 1, ["bad"])]
    [refusal] = told
    assert refusal.startswith("bad refuses: its files differ (pyproject.toml is missing there, ")
    assert refusal.endswith("tests/test_it.py is missing there, x.py is only there)")
    assert len(stored(store)) == 1
    assert not done.problems


def test_when_all_refuse_each_is_named(project, store):
    def play(task, without):
        if without:
            raise InfrastructureError("There is no other worker.")
        return Answer(selector="one", attempt=1, worker="bad", refused="it needs torch")

    done, _ = run(project, store, play)
    assert done.problems == {"one": "bad: it needs torch; There is no other worker."}


def test_what_is_in_the_way_on_a_worker_is_told_and_the_rest_goes_on(project, store):
    class Full(Scripted):
        def submit(self, task, selector, without):
            if selector.name == "two":
                return super().submit(task, selector, without)
            future = Future()
            future.set_exception(InfrastructureError("No space left on device."))
            return future

    selectors = project.selectors.values()
    done = fan_out(project, selectors, store, Full(lambda task, _: answer(task)))
    assert done.problems == {"one": "No space left on device."}
    assert len(stored(store, "two")) == 1


def test_an_artifact_that_is_not_what_the_record_says_is_refused_by_name(project, store):
    with pytest.raises(InfrastructureError, match="Expected w to send artifact 'log' of one whole"):
        run(project, store, lambda task, _: answer(task, content=b"another"))
    assert stored(store) == []


@pytest.mark.parametrize("changes", [{"selector": "two"}, {"attempt": 0}])
def test_a_record_of_something_else_is_refused(project, store, changes):
    with pytest.raises(InfrastructureError, match="Expected w to answer with attempt 1 of one"):
        run(project, store, lambda task, _: answer(task, **changes))
    assert stored(store) == []
    assert stored(store, "two") == []


def test_a_record_that_would_name_another_folder_is_refused(project, store):
    done, _ = run(project, store, lambda task, _: answer(task, started="../../2026"))
    assert "Expected a message of this version of sphinx-ptyreg" in done.problems["one"]
    with pytest.raises(InfrastructureError, match="Expected w to say when its run began"):
        run(project, store, lambda task, _: answer(task, started="2026-99-99T99:99:99.000000Z"))
    assert not list(project.root.rglob("*2026*"))


def test_an_answer_that_is_no_message_names_its_place(project, store):
    with pytest.raises(InfrastructureError, match="Expected a message of this version"):
        decode('{"schema": 1}', Answer)


def test_any_executor_will_do(project, store):
    with ThreadPoolExecutor(2) as pool:
        done = fan_out(project, project.selectors.values(), store, OnExecutor(pool))
    assert not done.problems
    assert [record.outcome for record in stored(store)] == ["passed"]
    assert [record.outcome for record in stored(store, "two")] == ["passed"]
    [record] = stored(store, "two")
    assert store.artifact(record.artifacts["log"])
    assert not [path for path in record.inputs.files if path.startswith("/")]


def test_the_example_of_the_page_works(project, store):
    page = Path(__file__).parents[2] / "docs" / "fan_out.md"
    [code] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (project.root / "tests" / "elsewhere.py").write_text(code)
    subprocess.run([sys.executable, "tests/elsewhere.py"], cwd=project.root, check=True)
    assert [record.outcome for record in stored(store)] == ["passed"]
    assert [record.outcome for record in stored(store, "two")] == ["passed"]


@pytest.mark.parametrize("told", ["{ gpu = 0 }", '{ "a b" = 1 }', "{ gpu = inf }"])
def test_resources_are_names_with_an_amount(tmp_path, told):
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.ptyreg.selectors.one]\nnodeids = ["tests/test_it.py::test_one"]\nresources = {told}'
    )
    with pytest.raises(ConfigError, match=r"one\.resources: Expected names with an amount above 0"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": "9.9"}, f"it has sphinx-ptyreg {__version__} instead of 9.9"),
        ({"tree": "0" * 64}, "its files differ"),
        ({"selector": "three"}, "Expected the selector to be a known one, but got 'three'."),
    ],
)
def test_a_worker_refuses_what_it_cannot_measure(project, changes, why):
    task = Task(selector="one", attempt=1, tree=tree.digest(tree.files_of(project)),
                version=__version__)  # fmt: skip
    told = decode(perform(encode(msgspec.structs.replace(task, **changes))), Answer)
    assert told.refused.startswith(why)
    assert told.records == []


def test_a_worker_refuses_what_it_lacks(project, tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text(file.read_text() + 'requires = ["no-such-distribution>=1"]\n')
    task = Task(selector="two", attempt=1, tree=tree.digest(tree.files_of(load(tmp_path))),
                version=__version__)  # fmt: skip
    told = decode(perform(encode(task)), Answer)
    assert told.refused == "it needs no-such-distribution>=1 (found none)"


def test_what_nobody_waits_for_is_ended_and_leaves_nothing(project, store):
    test = project.root / "tests/test_it.py"
    test.write_text("import time\ndef test_one(): time.sleep(60)\n")

    class GoneError(Exception):
        pass

    def wanted():
        raise GoneError

    task = Task(selector="one", attempt=1, tree=tree.digest(tree.files_of(project)),
                version=__version__)  # fmt: skip
    with pytest.raises(GoneError):
        perform(encode(task), wanted=wanted)
    assert stored(store) == []


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (["--executor", "dask"], 2, "Expected --scheduler ADDRESS with --executor dask"),
        (["--scheduler", "tcp://127.0.0.1:9"], 2, "Expected --executor dask with --scheduler"),
        (["--executor", "dask", "--scheduler", "here"], 3, "Expected the scheduler as tcp://HOST"),
    ],
)
def test_options_that_do_not_fit_are_told(project, capsys, options, status, text):
    if status == 3:
        pytest.importorskip("distributed")
    assert main(["run", *options]) == status
    assert text in capsys.readouterr().err


def test_without_dask_it_says_what_to_install(project, capsys, monkeypatch):
    monkeypatch.setattr(on_dask, "REQUIRES", ("no-such-distribution>=1",))
    assert main(["run", "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"]) == 3
    assert "Install sphinx-ptyreg[run,dask]." in capsys.readouterr().err
