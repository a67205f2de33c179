"""What a run depended on: what it was seen to read, and what is declared."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import NamedTuple

from .concealed import concealed, concealed_value
from .declared import Project, Selector
from .distributions import foreign, of_imports, project_sources, versions_now
from .fingerprints import Fingerprints
from .interpreter import Interpreter
from .listing import paths_matching
from .locks import locked_versions
from .pytest_settings import test_patterns
from .record import Inputs
from .revision import checkout_of
from .rivals import rivals
from .trace import Trace

__all__ = ["Here", "capture", "covered", "covers_nothing"]


class Here(NamedTuple):
    """Where a run would happen: its interpreter and the variables it would get.

    Interpreter: nothing for the one that asks.
    """

    python: str
    variables: Mapping[str, str]
    interpreter: Interpreter | None = None


def capture(
    project: Project,
    selector: Selector,
    trace: Trace,
    here: Here,
    prints: Fingerprints,
    clean: Callable[[str], str] = str,
) -> Inputs:
    """Return the inputs of a run.

    A partial trace without declared `inputs` counts every file of the project: never less than
    what the run may have read.

    Args:
        project: Where it ran.
        selector: What ran.
        trace: What its processes told.
        here: The interpreter and variables it ran with.
        prints: Looks at the project's files.
        clean: Hides what tells a person, a machine or a secret in texts and names.
    """
    there = here.interpreter
    names, strangers = of_imports(trace, there)
    beyond, unseen = _beyond(project, strangers, trace.elsewhere)
    read = {path for path in trace.read | beyond if prints.file(path)}
    unseen += [*trace.unseen, *(f"{path} was read and is gone" for path in trace.read - read)]
    unseen += foreign(trace.packages, there)
    names |= _required(project, selector)
    if any(clean(name) != name for name in names):
        unseen.append("a module whose name is private was looked for")
    packages = versions_now((name for name in names if clean(name) == name), project.root, there)
    counting = covered(project, selector, prints, partial=bool(unseen))
    declared = _declared(selector, prints)
    sources = {p for p in project_sources(packages, project.root, there) if prints.file(p)}
    named = trace.named if unseen else frozenset()
    files = ((read | counting | named | sources) - trace.written) | declared
    ignored = prints.matching(selector.ignore)
    existence = {path: True for path in trace.found if prints.exists(path)}
    existence |= {path: False for path in trace.absent if not prints.exists(path)}
    outputs = sorted(_outputs(prints, trace, counting - declared))
    files = {path for path in files - ignored if prints.file(path)}

    def kept(path: str) -> str:
        return concealed(path, clean)

    return Inputs(
        declaration=selector.declaration,
        files={kept(path): prints.file(path) for path in sorted(files)},
        existence={kept(p): there for p, there in sorted(existence.items()) if p not in ignored},
        listings={kept(p): prints.listing(kept(p), outputs) for p in sorted(trace.scanned)},
        links={kept(path): prints.link(path) for path in sorted(trace.links)},
        sections={kept(path): prints.section(path) for path in sorted(trace.config)},
        locked=locked_versions(project.root, packages),
        packages=packages,
        python=here.python,
        variables={n: concealed_value(v, clean) for n, v in here.variables.items()},
        unseen=sorted({_brief(clean(reason)) for reason in unseen}),
        outputs=[kept(path) for path in outputs],
        search=sorted(map(kept, trace.search)),
        modules=" ".join(sorted(name for name in trace.modules if clean(name) == name)),
        rivals=sorted(map(kept, rivals(files, trace.search, trace.modules, prints))),
    )


def _brief(reason: str) -> str:
    reason = " ".join(reason.split())
    return reason if len(reason) <= 120 else f"{reason[:118]} …"


def _beyond(
    project: Project, strangers: Collection[str], data: Collection[str]
) -> tuple[set[str], list[str]]:
    """Tell what was read from outside the project: a record names it in the same checkout only."""
    checkout = checkout_of(project.root)
    beyond: set[str] = set()
    unseen = []
    for file in sorted({*strangers, *data}):
        if checkout is not None and file.startswith(f"{checkout}{os.sep}"):
            beyond.add(os.path.relpath(file, project.root).replace(os.sep, "/"))
        else:
            how = "imported" if file in strangers else "read"
            unseen.append(f"{PurePosixPath(file).name} was {how} from outside the project")
    return beyond, unseen


def covered(
    project: Project, selector: Selector, prints: Fingerprints, *, partial: bool
) -> frozenset[str]:
    """Return the files that count whether they were read or not.

    The tests' own files, what `inputs` declares, and for a partial trace without that, all. A
    marker expression may select from any test file.
    """
    files = _declared(selector, prints)
    everything = partial and (not selector.inputs or bool(covers_nothing(selector, prints)))
    if everything or selector.markers:
        all_ = prints.everything(project.published)
        files |= all_ if everything else _tests(all_, project)
    folders = tuple(_folders(selector, prints))
    if folders:
        files |= _tests(prints.matching(folders), project)
    return files - prints.matching(selector.ignore) if selector.ignore else files


def covers_nothing(selector: Selector, prints: Fingerprints) -> list[str]:
    """Return the declared `inputs` that cover no file: they do not say what was read."""
    return [pattern for pattern in selector.inputs if not prints.matching((pattern,))]


def _declared(selector: Selector, prints: Fingerprints) -> frozenset[str]:
    folders = set(_folders(selector, prints))
    files = (nodeid.split("::")[0] for nodeid in selector.nodeids)
    return prints.matching((*(f for f in files if f not in folders), *selector.inputs))


def _folders(selector: Selector, prints: Fingerprints) -> Iterator[str]:
    """Yield the folders that node ids name: pytest looks for tests in them."""
    for nodeid in selector.nodeids:
        if "::" not in nodeid and not prints.file(nodeid) and prints.exists(nodeid):
            yield nodeid


def _tests(files: Collection[str], project: Project) -> frozenset[str]:
    patterns = ("conftest.py", *test_patterns(project.root))
    return frozenset(path for path in files if _is_test(path, patterns))


def _is_test(path: str, patterns: Collection[str]) -> bool:
    name = PurePosixPath(path).name
    return any(
        fnmatch(f"/{path}", f"*/{pattern}") if "/" in pattern else fnmatch(name, pattern)
        for pattern in patterns
    )


def _outputs(prints: Fingerprints, trace: Trace, counting: Collection[str]) -> set[str]:
    """Return what the run wrote among what counts: it is there now and was no input."""
    written = trace.written.intersection(counting)
    if trace.written:
        for pattern in trace.scanned:
            written |= trace.written.intersection(paths_matching(prints.prefix, pattern))
    return set(written)


def _required(project: Project, selector: Selector) -> set[str]:
    """Return the distributions that the selector requires or a finding asks about."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - only after a run

    asked = [finding.requires for finding in project.findings.values() if finding.requires]
    return {Requirement(text).name for text in (*selector.requires, *asked)}
