"""The pytest plugin: the fixture ``ptyreg``, and in a recording run the events it leaves.

This module runs in the interpreter of the selector, which may have neither Sphinx nor this
package: it needs Python 3.9, the standard library and pytest. Without a recording run the
fixture validates its arguments and drops them, so a selector also runs as a plain test.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Recorder"]

#: Names the folder that a recording run writes to.
RECORD = "PTYREG_RECORD"
_WATCHER = "ptyreg-watcher"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_UNIT = re.compile(r"[^\s:|]{1,16}")


class Journal:
    """Events as JSON lines, each appended at once, so that a killed run keeps what it told."""

    def __init__(self, folder: str | None) -> None:
        self.folder = Path(folder) if folder else None

    def write(self, event: str, **fields: Any) -> None:
        """Append one event when this run is recorded."""
        if self.folder is None:
            return
        line = json.dumps({"event": event, **fields}, allow_nan=False) + "\n"
        handle = os.open(
            str(self.folder / "events.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644
        )
        try:
            os.write(handle, line.encode("utf-8", "replace"))
        finally:
            os.close(handle)

    def keep(self, source: Path) -> tuple[str, int]:
        """Copy a file into the recording folder; return its SHA-256 and size."""
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        if self.folder is not None:
            target = self.folder / "artifacts"
            target.mkdir(exist_ok=True)
            shutil.copyfile(source, target / digest)
        return digest, source.stat().st_size


class Recorder:
    """What a test tells about its own run; the value of the fixture ``ptyreg``."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def stage(
        self, name: str, *, seconds: float | None = None
    ) -> contextlib.AbstractContextManager[None]:
        """Measure a named span, or hand over one that was measured elsewhere.

        Args:
            name: Letters, digits, ``-`` and ``_``.
            seconds: Given: the span took so long. Otherwise use the call as a context manager.

        Raises:
            ValueError: The name cannot be cited, or the seconds are no duration.
        """
        _check_name("stage", name)
        if seconds is None:
            return self._span(name)
        self._journal.write("stage", name=name, seconds=_finite(f"seconds of {name}", seconds, 0.0))
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def _span(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        self._journal.write("stage_begin", name=name)
        try:
            yield
        finally:
            self._journal.write("stage", name=name, seconds=time.perf_counter() - start)

    def metric(self, name: str, value: float, *, unit: str = "1") -> None:
        """State a measured value.

        Args:
            name: Letters, digits, ``-`` and ``_``.
            value: A finite number.
            unit: ``s``, ``ms``, ``MiB``, ``dB``, ``%``, ``px``, ``rad``, ``1/s`` … or ``1``.

        Raises:
            ValueError: The name or unit cannot be cited, or the value is not finite.
        """
        _check_name("metric", name)
        if not _UNIT.fullmatch(unit):
            raise ValueError(f"Expected the unit of {name} to be a word, but got {unit!r}.")
        self._journal.write("metric", name=name, value=_finite(name, value), unit=unit)

    def artifact(self, path: str | os.PathLike[str], *, name: str, title: str = "") -> None:
        """Hand over a file; it is copied now, so the test may delete it.

        Args:
            path: An existing file.
            name: What pages cite it by.
            title: A caption.

        Raises:
            ValueError: The name cannot be cited.
            FileNotFoundError: There is no such file.
        """
        _check_name("artifact", name)
        source = Path(path)
        if not source.is_file():
            raise FileNotFoundError(f"Expected artifact {name} to be a file, but got {source}.")
        digest, size = self._journal.keep(source)
        self._journal.write("artifact", name=name, sha256=digest, size=size, title=str(title))

    def environment(self, facts: Mapping[str, object]) -> None:
        """Add facts about the environment that this project cares for.

        Args:
            facts: Flat: names that can be cited, with text or numbers.

        Raises:
            ValueError: A name cannot be cited or a value is neither text nor a finite number.
        """
        for key, value in facts.items():
            _check_name("environment fact", key)
            if isinstance(value, float):
                _finite(key, value)
            elif not isinstance(value, (str, int)):
                raise ValueError(f"Expected {key} to be text or a number, but got {value!r}.")
        self._journal.write("environment", facts=dict(facts))


def _check_name(kind: str, name: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"Expected the {kind}'s name to be letters, digits, '-' and '_', but got {name!r}."
        )


def _finite(name: str, value: float, least: float = -math.inf) -> float:
    number = float(value)
    if not math.isfinite(number) or number < least:
        raise ValueError(f"Expected {name} to be a finite number >= {least}, but got {value!r}.")
    return number


@pytest.fixture(scope="session")
def ptyreg(request: pytest.FixtureRequest) -> Recorder:
    """Record stages, metrics, artifacts and environment facts of this run."""
    watcher = request.config.pluginmanager.get_plugin(_WATCHER)
    return Recorder(Journal(None) if watcher is None else watcher.journal)


class _Watcher:
    """Writes down what pytest's hooks say; registered only in a recording run."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.start = time.perf_counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.start = time.perf_counter()
        config = session.config
        option = config.option
        falsified = []
        if getattr(option, "numprocesses", None):
            falsified.append("pytest-xdist workers are active")
        if getattr(option, "reruns", None):
            falsified.append("pytest-rerunfailures is active")
        self.journal.write(
            "session_start",
            pytest=pytest.__version__,
            python=".".join(map(str, sys.version_info[:3])),
            falsified="; ".join(falsified),
            root=os.path.relpath(str(config.rootpath), str(config.invocation_params.dir)),
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome in {"failed", "skipped"}:
            self.journal.write(
                "collect_" + report.outcome, nodeid=report.nodeid, text=report.longreprtext[-8000:]
            )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.journal.write("collected", nodeids=[item.nodeid for item in session.items])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.journal.write("test_start", nodeid=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        text = report.longreprtext
        self.journal.write(
            "test",
            nodeid=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            seconds=report.duration,
            wasxfail=hasattr(report, "wasxfail"),
            strict_xpass=report.failed and text.startswith("[XPASS(strict)]"),
            text=text[-8000:],
            properties=[_property(*pair) for pair in report.user_properties]
            if report.when == "teardown"
            else [],
        )

    @pytest.hookimpl(tryfirst=True, hookwrapper=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Iterator[None]:
        yield  # outermost: the seconds are those that pytest's last line prints
        self.journal.write(
            "session_finish", exitstatus=int(exitstatus), seconds=time.perf_counter() - self.start
        )


def _property(name: object, value: object) -> tuple[str, str | int | float | bool | None]:
    plain = value is None or isinstance(value, (str, int, bool))
    plain = plain or (isinstance(value, float) and math.isfinite(value))
    return str(name), value if plain else str(value)  # type: ignore[return-value]


def pytest_configure(config: pytest.Config) -> None:
    """Watch the session when a runner asked for a record.

    The variable is taken away, so that a pytest inside the test records nothing.
    """
    folder = os.environ.pop(RECORD, None)
    if folder:
        _take_back_options(folder)
        config.pluginmanager.register(_Watcher(Journal(folder)), _WATCHER)


def _take_back_options(folder: str) -> None:
    """Leave ``PYTEST_ADDOPTS`` as the selector declares it, for a pytest inside the test."""
    ours = "-o cache_dir=" + shlex.quote(os.path.join(folder, "cache"))
    given = os.environ.get("PYTEST_ADDOPTS", "").replace(ours, "").strip()
    if given:
        os.environ["PYTEST_ADDOPTS"] = given
    else:
        os.environ.pop("PYTEST_ADDOPTS", None)
