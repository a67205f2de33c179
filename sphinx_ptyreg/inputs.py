"""Whether the project still has what a run depended on: freshness with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from .concealed import is_same_value
from .declared import THREAD_VARIABLES, Project, Selector
from .distributions import versions_now
from .fingerprints import Fingerprints
from .locks import locked_versions
from .reads import Here, capture, covered
from .record import Inputs
from .rivals import rivals

__all__ = ["Freshness", "Here", "Reason", "State", "capture", "judge"]


class State(StrEnum):
    """A record against the project, never against the machine that builds the pages."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


class Reason(NamedTuple):
    """One cause of a stale record, with what was and what is."""

    kind: str
    name: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        told = f"{self.kind}: {self.name}" if self.name else self.kind
        if not self.before or not self.after:
            return told
        return f"{told} ({_short(self.before)} → {_short(self.after)})"


class Freshness(NamedTuple):
    """A state and, when stale, why."""

    state: State
    reasons: tuple[Reason, ...] = ()


def judge(
    then: Inputs,
    project: Project,
    selector: Selector,
    prints: Fingerprints,
    here: Here | None = None,
) -> Freshness:
    """Compare the inputs of a record with what the project has now.

    Args:
        then: The record's inputs.
        project: Where it would be run now.
        selector: Its declaration now.
        prints: Looks at the project's files.
        here: Given where a run would happen: the interpreter, versions and variables count too.
    """
    reasons = [
        *_declaration(then, selector),
        *_known(then, prints),
        *_new(then, project, selector, prints),
        *_changed("version changed", then.locked, locked_versions(project.root, then.packages)),
    ]
    if here is None:
        reasons += _declared_variables(then, selector)
    else:
        now = versions_now(then.packages, project.root, here.interpreter)
        reasons += _changed("version changed", then.packages, now)
        reasons += _variables(then.variables, here.variables)
        if then.python != here.python:
            reasons.append(Reason("version changed", "python", then.python, here.python))
    return Freshness(State.STALE if reasons else State.FRESH, tuple(reasons))


def _declaration(then: Inputs, selector: Selector) -> Iterator[Reason]:
    if then.declaration == selector.declaration:
        return
    after = json.loads(selector.declaration)
    try:
        before = dict(json.loads(then.declaration))
    except (ValueError, TypeError):
        yield Reason("declaration changed", selector.name)
        return
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if was != now:
            yield Reason("declaration changed", f"{selector.name}.{key}", _word(was), _word(now))


def _known(then: Inputs, prints: Fingerprints) -> Iterator[Reason]:
    """Yield what has become of everything that the run touched."""
    for path, before in then.files.items():
        after = prints.file(path)
        if after != before:
            yield Reason("file changed" if after else "file gone", path, before, after)
    for path, there in then.existence.items():
        if prints.exists(path) != there:
            yield Reason("file gone" if there else "file added", path)
    yield from (
        Reason("folder changed", pattern)
        for pattern, before in then.listings.items()
        if prints.listing(pattern, then.outputs) != before
    )
    yield from (
        Reason("link changed", path)
        for path, before in then.links.items()
        if prints.link(path) != before
    )
    yield from (
        Reason("settings changed", f"pytest's in {path}")
        for path, before in then.sections.items()
        if prints.section(path) != before
    )


def _new(
    then: Inputs, project: Project, selector: Selector, prints: Fingerprints
) -> Iterator[Reason]:
    """Yield files that the declaration covers and the run did not have."""
    now = covered(project, selector, prints, partial=bool(then.unseen))
    if not now <= then.files.keys():
        known = set(map(prints.meant, (*then.files, *then.outputs)))
        for path in sorted(now - known):
            if prints.file(path):
                yield Reason("file added", path)
    search = [prints.meant(folder) for folder in then.search]
    in_front = rivals(then.files, search, then.modules.split(), prints)
    for path in sorted(in_front.difference(map(prints.meant, then.rivals), then.outputs)):
        if then.existence.get(path, True):  # else it is told as one that was looked for in vain
            yield Reason("file added", f"{path} stands in front of what was imported")


def _declared_variables(then: Inputs, selector: Selector) -> list[Reason]:
    """Return what differs by the declaration alone; thread counts differ by the machine too."""
    pinned = {*THREAD_VARIABLES, "PYTHONHASHSEED"} - selector.env.keys()
    known = {name: value for name, value in then.variables.items() if name not in pinned}
    return _variables(known, selector.env)


def _variables(then: Mapping[str, str], now: Mapping[str, str]) -> list[Reason]:
    meant = {
        name: then[name] if name in then and is_same_value(then[name], value) else value
        for name, value in now.items()
    }
    return _changed("variable changed", then, meant)


def _changed(kind: str, then: Mapping[str, str], now: Mapping[str, str]) -> list[Reason]:
    return [
        Reason(kind, name, then.get(name, "none") or "''", now.get(name, "none") or "''")
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return (text or "''")[:200]


def _short(text: str) -> str:
    return text[:8] if len(text) == 64 else text
