"""On a worker: one task in, one answer out."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from .. import __version__
from ..config import find_root, load
from ..declared import Project, Selector
from ..errors import PtyregError
from ..runner import Progress, measure, missing
from ..store import Store
from . import tree
from .messages import Answer, Task, decode, encode

__all__ = ["perform"]

#: One selector at a time in a worker, however many threads it has: two would disturb each other.
_ALONE = threading.Lock()
_POLL_S = 0.2


def perform(
    text: str,
    *,
    worker: str = "",
    claim: Callable[[], None] = lambda: None,
    wanted: Callable[[], None] = lambda: None,
    progress: Progress = lambda *_: None,
) -> str:
    """Measure what a task asks for, in the project that this process was started in.

    The worker keeps nothing: its records travel back, and the one who asked stores them.

    Args:
        text: A :class:`~.messages.Task` as JSON.
        worker: How the engine calls this worker.
        claim: Called right before the run; raises when this attempt was begun before.
        wanted: Called often until the end; what it raises ends the run and all its processes.
        progress: Called now and then while it runs.

    Returns:
        An :class:`~.messages.Answer` as JSON.
    """
    task = decode(text, Task)
    worker = worker or f"process {os.getpid()}"

    def answer(**more: object) -> str:
        told = Answer(selector=task.selector, attempt=task.attempt, worker=worker, **more)  # type: ignore[arg-type]
        return encode(told)

    if task.version != __version__:
        return answer(refused=f"it has sphinx-ptyreg {__version__} instead of {task.version}")
    try:
        project = load(find_root(Path.cwd()))
        files = tree.files_of(project)
        if tree.digest(files) != task.tree:
            return answer(refused="its files differ", files=files)
        selector = project.selector(task.selector)
        if task.repeats:
            selector = msgspec.structs.replace(selector, repeats=task.repeats)
        if lacks := missing(project, selector):
            return answer(refused=f"it needs {', '.join(lacks)}")
    except PtyregError as error:
        return answer(refused=str(error))
    while not _ALONE.acquire(timeout=_POLL_S):
        wanted()
    try:
        claim()
        return encode(_measured(project, selector, task, worker, wanted, progress))
    finally:
        _ALONE.release()


def _measured(
    project: Project,
    selector: Selector,
    task: Task,
    worker: str,
    wanted: Callable[[], None],
    progress: Progress,
) -> Answer:
    with tempfile.TemporaryDirectory(prefix="ptyreg-") as name:
        store = Store(Path(name) / "local", Path(name) / "published")
        records = measure(
            project, selector, store, progress, wanted=wanted, first_attempt=task.attempt
        )
        artifacts = {}
        for record in records:
            for artifact in record.artifacts.values():
                if file := store.artifact(artifact):
                    artifacts[artifact.sha256] = file.read_bytes()
    return Answer(
        selector=task.selector, attempt=task.attempt, worker=worker, records=records,
        artifacts=artifacts,
    )  # fmt: skip
