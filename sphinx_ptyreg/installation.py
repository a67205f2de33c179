"""What is here to run or to replay with: found without importing any of it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from . import environment
from .declared import Project
from .errors import InfrastructureError, RecordError
from .evidence import Evidence
from .interpreter import installed, unmet
from .runner import REQUIRES, class_here, missing
from .selector_evidence import SelectorEvidence
from .store import entries_of

__all__ = ["Item", "TorchBuild", "survey", "torch_build"]

#: Variables that change what a build or a run does.
_VARIABLES = (
    "PTYREG_MODE", "PTYREG_MAX_MODE", "PTYREG_CLASS", "READTHEDOCS", "CI", "SOURCE_DATE_EPOCH",
    "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS",
)  # fmt: skip


class Item(NamedTuple):
    """One thing that was looked at.

    Attributes:
        topic: Its part of the survey.
        name: What was looked at.
        state: ok, warn or fail.
        told: What was found.
        remedy: What to do about it.
        needed: ``run``, ``replay``, or nothing when everything works without it.
    """

    topic: str
    name: str
    state: str
    told: str
    remedy: str = ""
    needed: str = ""


class TorchBuild(NamedTuple):
    """An installed PyTorch: its version, and ``cpu``, the CUDA or ROCm it was built for."""

    version: str
    accelerator: str


def survey(evidence: Evidence) -> Iterator[Item]:
    """Yield all that a run or a replay needs, and how it stands here."""
    yield from _interpreter()
    yield from _distributions()
    yield from _torch()
    yield from _selectors(evidence)
    yield from _store(evidence)
    yield from _git(evidence.project)
    for name in _VARIABLES:
        if name in os.environ:
            yield Item("variables", name, "ok", os.environ[name] or "''")


def torch_build() -> TorchBuild | None:
    """Return which PyTorch is installed, without importing it; None when there is none."""
    try:
        found = metadata.distribution("torch")
    except metadata.PackageNotFoundError:
        return None
    version = found.version
    local = version.partition("+")[2]
    if local:
        return TorchBuild(version, local)
    # PyPI's wheels name no build in their version; torch/version.py does.
    file = Path(str(found.locate_file("torch/version.py")))
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return TorchBuild(version, "unknown build")
    for word in ("cuda", "hip", "xpu"):
        match = re.search(rf"^{word}\s*(?::[^=]*)?=\s*['\"]([\w.]+)['\"]", text, re.MULTILINE)
        if match:
            return TorchBuild(version, f"{word} {match[1]}")
    return TorchBuild(version, "cpu")


def _interpreter() -> Iterator[Item]:
    version, system = platform.python_version(), platform.system()
    yield Item("interpreter", "Python", "ok", f"{version} on {system} {platform.machine()}")
    if system == "Windows":
        yield Item(
            "interpreter", "system", "warn", "Windows: pages replay, runs are not supported",
            "Run on Linux or macOS, and publish the records.", "run",
        )  # fmt: skip
    facts = environment.machine()
    told = f"{facts.cpu}, {facts.isa}, {facts.cores} cores, accelerator {facts.accelerator}"
    yield Item("interpreter", "machine", "ok", told)


def _distributions() -> Iterator[Item]:
    for name in ("sphinx-ptyreg", "sphinx", "msgspec", "packaging", "docutils", "myst-parser"):
        version = installed(name)
        if version is not None:
            yield Item("installed", name, "ok", version)
    for requirement in REQUIRES:
        name = re.split(r"[<>=]", requirement)[0]
        if unmet([requirement]):
            told = f"{installed(name) or 'not installed'}, runs need {requirement}"
            yield Item("installed", name, "fail", told, "Install sphinx-ptyreg[run].", "run")
        else:
            yield Item("installed", name, "ok", installed(name) or "")


def _torch() -> Iterator[Item]:
    build = torch_build()
    if build is None:
        yield Item("installed", "torch", "ok", "not installed")
        return
    gpu = environment.machine().accelerator
    told = f"{build.version} (build: {build.accelerator})"
    if re.match(r"cu|rocm|hip", build.accelerator) and gpu == environment.NO_ACCELERATOR:
        yield Item(
            "installed", "torch", "warn", f"{told}, but this machine shows no GPU",
            "Install PyTorch's CPU build: it is several gigabytes smaller.",
        )  # fmt: skip
    else:
        yield Item("installed", "torch", "ok", told)


def _selectors(evidence: Evidence) -> Iterator[Item]:
    if not evidence.selectors:
        for needed in ("run", "replay"):
            yield Item(
                "selectors", "none", "fail", f"nothing to {needed} is declared",
                "Declare one in pyproject.toml: [tool.ptyreg.selectors.NAME]", needed,
            )  # fmt: skip
    for name, own in evidence.selectors.items():
        state, why = own.freshness.state.value, ""
        if own.freshness.reasons:
            why = f" ({own.freshness.reasons[0]})"
        sure = "ok" if state == "fresh" and own.failure is None else "warn"
        sure = "fail" if own.latest is None else sure  # a replay has nothing to show
        failed = f", latest run {own.failure.outcome.words}" if own.failure else ""
        yield Item(
            "selectors", name, sure, f"{state}{why}{failed}",
            "" if sure == "ok" else f"Run: ptyreg run {name}", "replay" if sure != "ok" else "",
        )  # fmt: skip
        if lacks := _lacking(own):
            yield Item(
                "selectors", name, "fail", f"cannot run here: {', '.join(lacks)}",
                "Install what it requires, or replay its records.", "run",
            )  # fmt: skip
        else:
            yield Item("selectors", name, "ok", f"would run as class {class_here(own.selector)}")


def _lacking(own: SelectorEvidence) -> list[str]:
    try:
        return missing(own.project, own.selector)
    except InfrastructureError as error:
        return [str(error)]


def _store(evidence: Evidence) -> Iterator[Item]:
    project, store = evidence.project, evidence.store
    for layer, kind in ((store.local, "local records"), (store.published, "published records")):
        names = [n for selector in project.selectors.values() for n in selector.names]
        entries = list(entries_of(layer, names))
        broken = []
        for entry in entries:
            try:
                entry.read()
            except RecordError as error:
                broken.append(str(error))
        where = os.path.relpath(layer.folder, project.root)
        yield Item("store", kind, "ok", f"{len(entries)} in {where}")
        for told in broken:
            yield Item("store", kind, "warn", told, "It is set aside. Restore or delete the file.")
    problem = _unwritable(store.local.folder)
    yield Item(
        "store", "writable", "fail" if problem else "ok", problem or "yes",
        "Set [tool.ptyreg] store to a folder that can be written." if problem else "", "run",
    )  # fmt: skip


def _unwritable(folder: Path) -> str:
    """Say why nothing can be written to `folder`; it is not created for that."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".new-"):
            return ""
    except OSError as error:
        return f"{there.name or there}: {error.strerror}"


def _git(project: Project) -> Iterator[Item]:
    ignored = _ask_git(project.root, "check-ignore", "-q", str(project.store / "records" / "x"))
    if ignored is None:
        yield Item("version control", "git", "warn", "not available: records name no commit")
    elif ignored == 128:
        yield Item("version control", "git", "ok", "no checkout: records name no commit")
    elif ignored:
        yield Item(
            "version control", "local records", "warn", "not ignored", "Run: ptyreg init"
        )  # fmt: skip
    else:
        yield Item("version control", "local records", "ok", "ignored")


def _ask_git(root: Path, *arguments: str) -> int | None:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's own git
            capture_output=True, timeout=60, check=False,
        ).returncode  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
