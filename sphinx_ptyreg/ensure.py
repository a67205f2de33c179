"""Before a page is read: run what the mode says must be run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from .declared import Mode, Project, Selector
from .errors import InfrastructureError, WarningSubtype
from .evidence import Notice, SelectorEvidence, fingerprints_of
from .inputs import Freshness
from .record import RunRecord
from .runner import Progress, class_here, here, measure, missing, missing_tools, sweep
from .store import Store

__all__ = ["Ensured", "ensure", "lock_path", "record_now", "stands_here"]


class Ensured(NamedTuple):
    """What was run, and what could not be."""

    records: dict[str, list[RunRecord]]
    notices: list[Notice]


def ensure(
    project: Project,
    store: Store,
    mode: Mode,
    *,
    names: Collection[str] = (),
    announce: Callable[[Selector], None] = lambda _: None,
    progress: Progress = lambda *_: None,
    told: Callable[[RunRecord], None] = lambda _: None,
    deadline: float | None = None,
) -> Ensured:
    """Run what `mode` asks for: nothing, what has no fresh record of this machine class, all.

    A selector whose requirements are not installed here is left to its records, with a notice;
    so is one whose turn comes after the `deadline` (by ``time.monotonic``).

    Raises:
        InfrastructureError: A run is due and impossible.
    """
    records: dict[str, list[RunRecord]] = {}
    notices: list[Notice] = []
    for name, selector in project.selectors.items():
        if mode.runs == 0 or (names and name not in names):
            continue
        if mode is Mode.AUTO and _is_fresh(project, selector, store):
            continue
        if text := _obstacle(project, selector):
            notices.append(Notice(WarningSubtype.UNAVAILABLE, name, text))
            continue
        if deadline is not None and time.monotonic() >= deadline:
            text = "not run here: the time of this build is used up"
            notices.append(Notice(WarningSubtype.UNAVAILABLE, name, text))
            continue
        ran = record_now(
            project, selector, store, force=mode is Mode.FORCE, announce=announce,
            progress=progress, deadline=deadline,
        )  # fmt: skip
        if ran:
            records[name] = ran
            told(ran[-1])
    return Ensured(records, notices)


def record_now(
    project: Project,
    selector: Selector,
    store: Store,
    *,
    force: bool = True,
    announce: Callable[[Selector], None] = lambda _: None,
    progress: Progress = lambda *_: None,
    deadline: float | None = None,
) -> list[RunRecord]:
    """Run `selector` alone on this store; return its records, none when a fresh one is kept.

    What another process recorded while this one waited is returned as if it had run here, good
    or failed: waiters do not run it again.

    Args:
        project: Where it is declared.
        selector: What to run.
        store: Where its records go.
        force: Run it even when a fresh record exists by now.
        announce: Called when it begins.
        progress: Called while it runs.
        deadline: When the time of the whole build is up, by ``time.monotonic``.

    Raises:
        InfrastructureError: Runs are not possible here, or the store cannot be written.
        KeyboardInterrupt: The user stopped the build; the record of that is kept.
    """
    if lacks := missing_tools(project, selector):
        raise InfrastructureError(
            f"Expected {', '.join(lacks)} to run a selector. Install sphinx-ptyreg[run]."
        )
    from filelock import FileLock  # noqa: PLC0415 - replay must not need it

    known = {entry.name for entry in store.entries(selector.name)}
    lock = FileLock(lock_path(store, selector))
    try:
        held = lock.acquire()
    except OSError as error:
        raise _unwritable(store, error) from error
    with held:
        if not force and _is_fresh(project, selector, store):
            new = [e for e in store.entries(selector.name) if e.name not in known]
            return [entry.read() for entry in new if not entry.warmup]
        sweep(project, selector, store)
        announce(selector)
        return measure(project, selector, store, progress, deadline)


def stands_here(evidence: SelectorEvidence) -> Freshness:
    """Hold the current measurement against the project and this installation."""
    if evidence.measured is None:
        return evidence.freshness
    return evidence.judge(evidence.measured, here(evidence.project, evidence.selector))


def _obstacle(project: Project, selector: Selector) -> str:
    """Return why `selector` cannot be run here; nothing when it can."""
    try:
        lacks = missing(project, selector)
    except InfrastructureError as error:
        return f"not run here: {error}"
    return f"not run here: requires {', '.join(lacks)}" if lacks else ""


def _is_fresh(project: Project, selector: Selector, store: Store) -> bool:
    prints = fingerprints_of(store, project)
    evidence = SelectorEvidence(project, selector, store, prints)
    try:
        fresh = evidence.has_fresh(class_here(selector), here(project, selector))
    except InfrastructureError:  # its interpreter is gone
        return False
    prints.save()
    return fresh


def lock_path(store: Store, selector: Selector) -> Path:
    """Return the file that a process holds while it runs `selector` on this store.

    Raises:
        InfrastructureError: The store cannot be written.
    """
    folder = store.local.folder / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(store, error) from error
    return folder / f"{selector.name}.lock"


def _unwritable(store: Store, error: OSError) -> InfrastructureError:
    return InfrastructureError(
        f"Expected {store.local.folder.name} to be writable to record a run, "
        f"but got: {error.strerror}."
    )
