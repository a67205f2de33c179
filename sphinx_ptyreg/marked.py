"""Which declared selectors have tests of a marker: pytest is asked, once an environment.

A marker stands in the tests; a declaration that repeated it could say something else.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

from .declared import Project, Selector
from .errors import InfrastructureError, UsageError
from .ingest.wanted import Wanted
from .interpreter import declared
from .plain import plain
from .process import hermetic
from .runner import variables

__all__ = ["marked"]

#: Seconds that a collection may take: it imports the tests.
_PATIENCE = 300
_NOTHING, _MISUSED = 5, 4
_TAIL = 12


def marked(project: Project, selectors: Iterable[Selector], expression: str) -> list[Selector]:
    """Return the selectors that have a test which `expression` selects, in their order.

    Args:
        project: Where they are declared.
        selectors: Which to choose from.
        expression: As pytest's ``-m`` takes it: ``integration``, ``slow and not gpu``.

    Raises:
        InfrastructureError: pytest cannot collect the tests.
        UsageError: It is no expression, or no selector has such a test.
    """
    wanted = list(selectors)
    alike: dict[tuple[str, ...], list[Selector]] = {}
    for selector in wanted:
        kind = (selector.name,) if selector.markers else ("",)
        pairs = (f"{name}={value}" for name, value in sorted(selector.env.items()))
        alike.setdefault((*kind, selector.python, *pairs), []).append(selector)
    chosen: set[str] = set()
    for group in alike.values():
        collected = _collected(project, group, expression)
        chosen |= {selector.name for selector in group if _has(selector, collected)}
    if not chosen:
        raise UsageError(
            f"Expected a selector with a test of -m {expression!r}, but got none among "
            f"{', '.join(selector.name for selector in wanted)}."
        )
    return [selector for selector in wanted if selector.name in chosen]


def _has(selector: Selector, collected: Sequence[str]) -> bool:
    if selector.markers:
        return bool(collected)
    own = Wanted(selector.nodeids)
    return any(own.has(end) for nodeid in collected for end in _ends(nodeid))


def _ends(nodeid: str) -> Iterable[str]:
    """Yield a node id as pytest tells it, and below each folder: its root may lie above ours."""
    path, mark, inside = nodeid.partition("::")
    parts = path.split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:]) + mark + inside


def _collected(project: Project, group: Sequence[Selector], expression: str) -> list[str]:
    """Return the node ids of what `expression` selects among the tests of like selectors."""
    first = group[0]
    there = declared(first.python, project.root)
    argv = [there.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only",
            "--verbosity=-1", "--color=no"]  # fmt: skip
    if first.markers:
        argv += ["-m", f"({first.markers}) and ({expression})"]
    else:
        argv += ["-m", expression, *dict.fromkeys(n for s in group for n in s.nodeids)]
    try:
        done = subprocess.run(
            argv, cwd=project.root, env=hermetic(os.environ, variables(first)),
            capture_output=True, encoding="utf-8", errors="replace", timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"Expected pytest to collect the tests of {_names(group)} within {_PATIENCE} s."
        ) from error
    if done.returncode not in {0, _NOTHING}:
        lines = [line for line in plain(done.stdout + done.stderr).splitlines() if line.strip()]
        told = "\n".join(lines[-_TAIL:])
        if done.returncode == _MISUSED and "-m" in told:
            raise UsageError(f"Expected an expression of markers, but got {expression!r}:\n{told}")
        raise InfrastructureError(
            f"Expected pytest to collect the tests of {_names(group)}, to know their markers, "
            f"but it ended with {done.returncode}:\n{told}"
        )
    return [line for line in done.stdout.splitlines() if "::" in line]


def _names(group: Sequence[Selector]) -> str:
    return ", ".join(selector.name for selector in group)
