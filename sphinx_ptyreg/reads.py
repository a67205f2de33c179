"""What a run depended on: what it was seen to read, and what is declared."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .declared import Project, Selector
from .distributions import foreign, locked_versions, of_imports, versions_now
from .fingerprints import Fingerprints
from .interpreter import Interpreter
from .listing import paths_matching
from .record import Inputs
from .trace import Trace

__all__ = ["Here", "capture", "changed_since", "covered"]


class Here(NamedTuple):
    """Where a run would happen: its interpreter and the variables it would get.

    Interpreter: nothing for the one that asks.
    """

    python: str
    variables: Mapping[str, str]
    interpreter: Interpreter | None = None


def capture(
    project: Project, selector: Selector, trace: Trace, here: Here, prints: Fingerprints
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
    """
    read = {path for path in trace.read if prints.file(path)}
    unseen = [*trace.unseen, *(f"{path} was read and is gone" for path in trace.read - read)]
    unseen += foreign(trace.packages, here.interpreter)
    counting = covered(project, selector, prints, partial=bool(unseen))
    declared = _declared(selector, prints)
    files = ((read | counting) - trace.written) | declared
    ignored = prints.matching(selector.ignore)
    existence = {path: True for path in trace.found if prints.exists(path)}
    existence |= {path: False for path in trace.absent if not prints.exists(path)}
    packages = of_imports(
        trace.packages, trace.outside, trace.unfound, project.root, here.interpreter
    )
    packages |= versions_now(_required(project, selector), project.root, here.interpreter)
    outputs = sorted(_outputs(project.root, trace, counting - declared))
    return Inputs(
        declaration=selector.declaration,
        files={path: prints.file(path) for path in sorted(files - ignored) if prints.file(path)},
        existence={p: there for p, there in sorted(existence.items()) if p not in ignored},
        listings={pattern: prints.listing(pattern, outputs) for pattern in sorted(trace.scanned)},
        links={path: prints.link(path) for path in sorted(trace.links)},
        sections={path: prints.section(path) for path in sorted(trace.config)},
        locked=locked_versions(project.root, packages),
        packages=packages,
        python=here.python,
        variables=dict(here.variables),
        unseen=sorted(unseen),
        outputs=outputs,
    )


def covered(
    project: Project, selector: Selector, prints: Fingerprints, *, partial: bool
) -> frozenset[str]:
    """Return the files that count whether they were read or not.

    The tests' own files, what `inputs` declares, and for a partial trace without that, all. A
    marker expression may select from any test file.
    """
    files = _declared(selector, prints)
    if (partial and not selector.inputs) or selector.markers:
        all_ = prints.everything(project.published)
        files |= all_ if partial and not selector.inputs else set(filter(_is_test, all_))
    return files - prints.matching(selector.ignore) if selector.ignore else files


def _declared(selector: Selector, prints: Fingerprints) -> frozenset[str]:
    return prints.matching((*(n.split("::")[0] for n in selector.nodeids), *selector.inputs))


def changed_since(inputs: Inputs, root: Path, moment_ns: int) -> str:
    """Return an input that was written between `moment_ns` and now; nothing when none was.

    A time stamp in the future is an older clock's: it tells nothing of this run.
    """
    now = time.time_ns() + 1_000_000_000
    for path in inputs.files:
        try:
            status = os.stat(root / path)  # noqa: PTH116
        except OSError:
            return path
        if any(moment_ns < stamp < now for stamp in (status.st_mtime_ns, status.st_ctime_ns)):
            return path
    return ""


def _is_test(path: str) -> bool:
    name = PurePosixPath(path).name
    return name == "conftest.py" or (
        name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
    )


def _outputs(root: Path, trace: Trace, declared: Collection[str]) -> set[str]:
    """Return what the run wrote among what counts: it is there now and was no input."""
    written = trace.written.intersection(declared)
    if trace.written:
        for pattern in trace.scanned:
            found = set(paths_matching(f"{root}{os.sep}", pattern))
            written |= trace.written & found
    return set(written)


def _required(project: Project, selector: Selector) -> set[str]:
    """Return the distributions that the selector requires or a finding asks about."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - only after a run

    asked = [finding.requires for finding in project.findings.values() if finding.requires]
    return {Requirement(text).name for text in (*selector.requires, *asked)}
