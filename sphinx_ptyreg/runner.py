"""A selector, run once in a child process, becomes a record."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from . import environment
from .bytecode import forget_outdated
from .cleaning import Cleaner
from .composer import Run, compose
from .declared import THREAD_VARIABLES, Project, Selector
from .errors import InfrastructureError
from .interpreter import declared, installed, unmet
from .journal import stage_of
from .listing import everything
from .meanwhile import settings_of
from .process import Finished, hermetic, run
from .reads import Here
from .record import Outcome, RunRecord, timestamp
from .store import Store
from .trace import LOG_NAME

__all__ = [
    "REQUIRES", "Progress", "class_here", "command", "here", "measure", "missing", "missing_tools",
    "sweep", "variables",
]  # fmt: skip

#: What running needs beyond replaying, in the selector's interpreter and in this one: the extra
#: ``run``.
REQUIRES_THERE, REQUIRES_HERE = ("pytest>=7.4",), ("psutil>=5.9", "filelock>=3.12")
REQUIRES = (*REQUIRES_THERE, *REQUIRES_HERE)

#: Called while a selector runs: the selector's name, the stage it is in, seconds so far.
Progress = Callable[[str, str, float], None]

_CHILD = Path(__file__).parent / "child"
#: Another interpreter may have another version of the plugin.
_PLUGIN, _PLUGIN_ELSEWHERE = ("-p", "ptyreg"), ("-p", "no:ptyreg", "-p", "ptyreg_recorder")
#: What falsifies a measurement is switched off after the project's own addopts.
_SWITCHES = {"pytest-xdist": "-n0", "pytest-rerunfailures": "--reruns=0", "pytest-cov": "--no-cov"}


def missing_tools(project: Project, selector: Selector) -> list[str]:
    """Say what any run needs and does not find, here and in the selector's interpreter.

    Raises:
        InfrastructureError: The selector's interpreter is not there.
    """
    there = declared(selector.python, project.root)
    return [*unmet(REQUIRES_HERE), *unmet(REQUIRES_THERE, there)]


def missing(project: Project, selector: Selector) -> list[str]:
    """Say what a run of `selector` needs and does not find: the tools, and what it requires.

    Raises:
        InfrastructureError: The selector's interpreter is not there.
    """
    there = declared(selector.python, project.root)
    return [*missing_tools(project, selector), *unmet(selector.requires, there)]


def command(project: Project, selector: Selector) -> list[str]:
    """Return the argument list of a run.

    Raises:
        InfrastructureError: The selector's interpreter is not there.
    """
    there = declared(selector.python, project.root)
    plugin = _PLUGIN if there.is_current else _PLUGIN_ELSEWHERE
    argv = [there.executable, "-m", "pytest", *plugin]
    if not selector.env.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        argv += [option for plugin, option in _SWITCHES.items() if installed(plugin, there)]
    return [*argv, *(["-m", selector.markers] if selector.markers else selector.nodeids)]


def variables(selector: Selector) -> dict[str, str]:
    """Return the variables that decide a result: threads, hash seed and the declared ones."""
    threads = dict.fromkeys(THREAD_VARIABLES, str(environment.usable_cores()))
    if "OMP_NUM_THREADS" in selector.env:
        threads = dict.fromkeys(threads, selector.env["OMP_NUM_THREADS"])
    return threads | {"PYTHONHASHSEED": "0"} | selector.env


def class_here(selector: Selector) -> str:
    """Return the machine class of this machine as a run of `selector` uses it."""
    return environment.machine_class(environment.machine(), variables(selector))


def here(project: Project, selector: Selector) -> Here:
    """Return what a run of `selector` on this machine would depend on, as its record tells it."""
    there = declared(selector.python, project.root)
    return Here(there.version, variables(selector), there)


def measure(
    project: Project,
    selector: Selector,
    store: Store,
    progress: Progress = lambda *_: None,
    deadline: float | None = None,
    *,
    wanted: Callable[[], None] = lambda: None,
    first_attempt: int = 1,
) -> list[RunRecord]:
    """Run a selector as often as it declares and keep every record.

    Warm-up runs come first and are marked. A timeout, or a run whose supervisor was killed, is
    tried again as often as `retries` says; a failing test never is.

    Args:
        project: Where it is declared.
        selector: What to run.
        store: Where its records go.
        progress: Called while it runs.
        deadline: The moment, by ``time.monotonic``, when the whole build's time is up.
        wanted: Called often; what it raises ends the run, leaves no record of it and passes on.
        first_attempt: More than 1 when earlier attempts were lost elsewhere.

    Raises:
        InfrastructureError: Runs are not possible here, or the store cannot be written.
        KeyboardInterrupt: The user stopped the build; the record of that is kept.
        ConfigError: ``PTYREG_CLASS`` is no name: before the run, not when its record is composed.
    """
    class_here(selector)
    records = []
    for number in range(selector.warmup + selector.repeats):
        for attempt in range(first_attempt, first_attempt + selector.retries + 1):
            timeout = selector.timeout
            if deadline is not None:
                timeout = max(min(timeout, deadline - time.monotonic()), 0.1)
            record, finished = _run_once(
                project, selector, store, _Watch(progress, wanted), timeout,
                warmup=number < selector.warmup, attempt=attempt,
            )  # fmt: skip
            records.append(record)
            if finished.interrupted:
                raise KeyboardInterrupt
            over = deadline is not None and time.monotonic() >= deadline
            if over or not finished.ending.is_infrastructure:
                break
        if record.outcome is not Outcome.PASSED:
            break
    return records


class _Watch(NamedTuple):
    """Who is told about a run while it goes on, and who may end it."""

    progress: Progress
    wanted: Callable[[], None]


def _run_once(
    project: Project,
    selector: Selector,
    store: Store,
    watch: _Watch,
    timeout: float,
    *,
    warmup: bool,
    attempt: int,
) -> tuple[RunRecord, Finished]:
    clean = Cleaner(project.root)
    try:
        with tempfile.TemporaryDirectory(prefix=_scratch(project, selector)) as name:
            folder = Path(name)
            forget_outdated(project.root, everything(project.root, project.published))
            before = settings_of(project.root)
            started, started_ns = timestamp(datetime.now(UTC)), time.time_ns()
            finished = _execute(project, selector, folder, watch, timeout)
            run_ = Run(
                command(project, selector), here(project, selector), started, started_ns, before,
                finished, warmup, attempt,
            )  # fmt: skip
            record = compose(project, selector, run_, clean, folder)
            for artifact in record.artifacts.values():
                file = folder / "artifacts" / artifact.sha256
                store.local.add_artifact(file, artifact.sha256, artifact.suffix)
            store.local.hide()
            store.local.add(record)
    except OSError as error:
        raise InfrastructureError(
            f"Expected the record of {selector.name} to be kept in {clean(str(project.store))}, "
            f"but got: {error.strerror or error}."
        ) from error
    return record, finished


def sweep(project: Project, selector: Selector, store: Store) -> None:
    """Remove what a killed run of `selector` left behind; for the holder of its lock alone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_scratch(project, selector)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    store.local.sweep(selector.name)


def _scratch(project: Project, selector: Selector) -> str:
    """Return how the temporary folders of this project's runs of `selector` begin."""
    place = hashlib.sha256(os.fsencode(f"{project.root}\0{project.store}")).hexdigest()[:12]
    return f"ptyreg-{place}-{selector.name}."


def _execute(
    project: Project, selector: Selector, folder: Path, watch: _Watch, timeout: float
) -> Finished:
    env = hermetic(os.environ, variables(selector))
    env["PTYREG_RECORD"] = str(folder)
    env["PTYREG_TRACE"] = str(folder / LOG_NAME)
    env["PTYREG_TRACE_ROOT"] = str(project.root)
    env["PTYREG_TRACE_BEGAN"] = str(time.time_ns())
    # Pytest's cache of what failed last would decide what is run, and is the user's own.
    cache = f"-o cache_dir={shlex.quote(str(folder / 'cache'))}"
    env["PYTEST_ADDOPTS"] = f"{env.get('PYTEST_ADDOPTS', '')} {cache}"
    # Where `tmp_path` lies, pytest removes at its exit what other sessions left, for however long.
    (folder / "t").mkdir()
    env.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder / "t"))
    path = [str(_CHILD), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(part for part in path if part)
    return run(
        command(project, selector),
        cwd=project.root,
        env=env,
        folder=folder,
        timeout=timeout,
        heartbeat=_Heartbeat(selector.name, folder, watch),
    )


class _Heartbeat:
    """Tells now and then how long a run has taken and which stage it is in."""

    def __init__(self, name: str, folder: Path, watch: _Watch) -> None:
        self._name, self._folder, self._watch = name, folder, watch
        self._next = 5.0

    def __call__(self, seconds: float) -> None:
        self._watch.wanted()
        if seconds < self._next:
            return
        self._next = seconds + 5.0
        self._watch.progress(self._name, stage_of(self._folder), seconds)
