"""Many selectors on many workers: submitted, awaited, tried again, and stored once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from .. import __version__
from ..artifacts import sniffed
from ..declared import Project, Selector
from ..errors import InfrastructureError
from ..record import Artifact, RunRecord, is_moment
from ..store import Store
from . import tree
from .messages import Answer, Task, decode, encode
from .work import perform

__all__ = [
    "LOST_WORKERS", "Abandoned", "Engine", "FannedOut", "OnExecutor", "WorkerLost", "fan_out",
]  # fmt: skip

#: How often a selector is tried again because the worker that had it is gone.
LOST_WORKERS = 3

_POLL_S = 0.5


class WorkerLost(Exception):  # noqa: N818 - what happened, as Dask's KilledWorker
    """The worker that began this attempt is gone."""


class Abandoned(Exception):  # noqa: N818 - what happened
    """Nobody waits for this attempt any more."""


class Engine(Protocol):
    """Where tasks are run."""

    def submit(self, task: Task, selector: Selector, without: Collection[str]) -> Future[str]:
        """Hand over a task, to any worker that fits but those `without`."""


class OnExecutor:
    """Any ``concurrent.futures.Executor`` as an engine.

    Args:
        executor: Its workers must have been started in the project.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, task: Task, selector: Selector, without: Collection[str]) -> Future[str]:
        """Hand over a task; a plain executor has no workers to choose from."""
        if without:
            raise InfrastructureError("There is no other worker.")
        return self._executor.submit(perform, encode(task))


class FannedOut(NamedTuple):
    """The records by selector, and why the rest has none."""

    records: dict[str, list[RunRecord]]
    problems: dict[str, str]


def fan_out(
    project: Project,
    selectors: Iterable[Selector],
    store: Store,
    engine: Engine,
    *,
    topic: str = "",
    repeats: int = 0,
    told: Callable[[str, str], None] = lambda *_: None,
    stored: Callable[[list[RunRecord]], None] = lambda _: None,
) -> FannedOut:
    """Measure `selectors` on the workers of an engine, and keep every record here, once.

    A worker that is lost costs an attempt, and the selector goes to another one; what the lost
    one may still deliver is compared with the attempt that counts, and discarded. A worker that
    refuses (other files, another version, something missing) is not asked for this selector again.

    Args:
        project: The project here, whose files each worker must have.
        selectors: What to measure.
        store: Where the records go.
        engine: Where they are measured.
        topic: Where workers may tell how far they are.
        repeats: How often to measure each; as declared when 0.
        told: Called with a selector's name and what happened to it.
        stored: Called with the records of a selector that has been measured.

    Raises:
        InfrastructureError: The engine is gone, or the store cannot be written.
    """
    files = tree.files_of(project)
    run = _FanOut(engine, tree.digest(files), topic, repeats, told)
    try:
        for selector in selectors:
            run.start(selector)
        while run.pending:
            done, _ = wait(run.pending, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in done:
                answer = run.take(future)
                if answer is None:
                    continue
                if answer.refused:
                    run.exclude(answer, files)
                elif run.accept(answer):
                    run.records[answer.selector] = answer.records
                    keep(answer, store)
                    stored(answer.records)
    finally:
        for future in run.pending:
            future.cancel()
    return FannedOut(run.records, run.problems)


class _FanOut:
    """Which attempt of each selector counts."""

    def __init__(
        self,
        engine: Engine,
        digest: str,
        topic: str,
        repeats: int,
        told: Callable[[str, str], None],
    ) -> None:
        self._engine, self._told = engine, told
        self._digest, self._topic, self._repeats = digest, topic, repeats
        self._selectors: dict[str, Selector] = {}
        self._refused: dict[str, dict[str, str]] = {}
        self._attempt: dict[str, int] = {}
        self.pending: dict[Future[str], tuple[str, int]] = {}
        self.records: dict[str, list[RunRecord]] = {}
        self.problems: dict[str, str] = {}

    def start(self, selector: Selector, attempt: int = 1) -> None:
        """Hand over an attempt; from now on only this one counts."""
        name = selector.name
        self._selectors[name], self._attempt[name] = selector, attempt
        refused = self._refused.setdefault(name, {})
        task = Task(selector=name, attempt=attempt, tree=self._digest, version=__version__,
                    topic=self._topic, repeats=self._repeats)  # fmt: skip
        try:
            future = self._engine.submit(task, selector, frozenset(refused))
        except InfrastructureError as error:
            told = [f"{worker}: {why}" for worker, why in refused.items()]
            self._give_up(name, "; ".join([*told, str(error)]))
        else:
            self.pending[future] = (name, attempt)

    def take(self, future: Future[str]) -> Answer | None:
        """Return what a future holds; nothing when its worker was lost."""
        name, attempt = self.pending.pop(future)
        try:
            return decode(future.result(), Answer)
        except CancelledError:
            raise InfrastructureError(
                f"{name}: Expected the engine to keep its tasks, but it dropped one. "
                "Is the scheduler gone?"
            ) from None
        except (WorkerLost, BrokenExecutor) as error:
            self._again(name, attempt, str(error) or "its worker is gone")
        except InfrastructureError as error:  # of the worker: its disk is full, its tree is gone
            self._give_up(name, str(error))
        except Exception as error:  # noqa: BLE001 - whatever the engine's own errors are
            self._give_up(name, f"{type(error).__name__}: {error}")
        return None

    def accept(self, answer: Answer) -> bool:
        """Compare the attempt and, if it is the one that counts, close the selector."""
        if self._attempt.get(answer.selector) != answer.attempt:
            self._told(answer.selector, f"the late result of attempt {answer.attempt} is discarded")
            return False
        del self._attempt[answer.selector]
        self._check(answer)
        return True

    def exclude(self, answer: Answer, files: dict[str, str]) -> None:
        """Hand the attempt to another worker than the one that refused."""
        why = answer.refused
        if answer.files is not None:
            why += f" ({tree.difference(files, answer.files)})"
        self._told(answer.selector, f"{answer.worker} refuses: {why}")
        self._refused[answer.selector][answer.worker] = why
        self.start(self._selectors[answer.selector], answer.attempt)

    def _again(self, name: str, attempt: int, why: str) -> None:
        if self._attempt.get(name) != attempt:
            return
        if attempt > LOST_WORKERS:
            self._give_up(name, f"{attempt} workers were lost with it ({why})")
            return
        self._told(name, f"attempt {attempt} is lost: {why}; trying again")
        self.start(self._selectors[name], attempt + 1)

    def _give_up(self, name: str, why: str) -> None:
        self._attempt.pop(name, None)
        self.problems[name] = why

    @staticmethod
    def _check(answer: Answer) -> None:
        for record in answer.records:
            if record.selector != answer.selector or record.attempt < answer.attempt:
                raise InfrastructureError(
                    f"Expected {answer.worker} to answer with attempt {answer.attempt} of "
                    f"{answer.selector}, but got attempt {record.attempt} of {record.selector}."
                )
            if not is_moment(record.started):  # becomes part of a file's name
                raise InfrastructureError(
                    f"Expected {answer.worker} to say when its run began, "
                    f"but got {record.started!r}."
                )


def keep(answer: Answer, store: Store) -> None:
    """Store the records of an answer, and the artifacts that they name and no other file.

    Raises:
        InfrastructureError: An artifact is not what its record says, or cannot be written.
    """
    try:
        store.local.hide()
        for record in answer.records:
            for name, artifact in record.artifacts.items():
                data = answer.artifacts.get(artifact.sha256, b"")
                if not _is(data, artifact):
                    raise InfrastructureError(
                        f"Expected {answer.worker} to send artifact {name!r} of "
                        f"{record.selector} whole, but its content is another one."
                    )
                with tempfile.TemporaryDirectory(prefix="ptyreg-") as folder:
                    file = Path(folder) / "artifact"
                    file.write_bytes(data)
                    store.local.add_artifact(file, artifact.sha256, artifact.suffix)
            store.local.add(record)
    except OSError as error:
        raise InfrastructureError(
            f"Expected {store.local.folder.name} to be writable to record a run, "
            f"but got: {error.strerror}."
        ) from error


def _is(data: bytes, artifact: Artifact) -> bool:
    """Whether `data` is what a record names: the same content, of the type that it says."""
    plain = "" if artifact.suffix in {".txt", ".bin"} else artifact.suffix
    return sha256(data).hexdigest() == artifact.sha256 and sniffed(data) == plain
