"""The interpreter that a selector runs in, and what is installed there."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .errors import InfrastructureError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["Interpreter", "current", "declared", "installed", "meets", "unmet"]

_PROBE = """
import json, os, platform, sys
implementation = "%d.%d.%d" % sys.implementation.version[:3]
print(json.dumps([sys.executable, platform.python_version(), sys.prefix,
    [entry for entry in sys.path if entry], [
        ["implementation_name", sys.implementation.name],
        ["implementation_version", implementation], ["os_name", os.name],
        ["platform_machine", platform.machine()], ["platform_release", platform.release()],
        ["platform_system", platform.system()], ["platform_version", platform.version()],
        ["python_full_version", platform.python_version()],
        ["platform_python_implementation", platform.python_implementation()],
        ["python_version", ".".join(platform.python_version_tuple()[:2])],
        ["sys_platform", sys.platform]]]))
"""
_PATIENCE_S = 30.0


class Interpreter(NamedTuple):
    """A Python: where it is, its version, and where it finds modules.

    Markers: what a requirement's ``; python_version < "3.12"`` is asked about.
    """

    executable: str
    version: str
    prefix: str
    path: tuple[str, ...]
    markers: tuple[tuple[str, str], ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether it is the one that asks."""
        return self.executable == sys.executable

    def distribution(self, name: str) -> metadata.Distribution | None:
        """Return what is installed there as `name`, read from its metadata without an import."""
        return next(iter(metadata.distributions(name=name, path=list(self.path))), None)


def current() -> Interpreter:
    """Return the interpreter of this process."""
    path = tuple(entry for entry in sys.path if entry)
    return Interpreter(sys.executable, platform.python_version(), sys.prefix, path)


def declared(python: str, root: Path) -> Interpreter:
    """Return the interpreter that a selector declares; the current one for nothing.

    Args:
        python: A path from the project's root (``.venv/bin/python``) or a name on PATH.
        root: The project's root.

    Raises:
        InfrastructureError: There is none, or it does not answer.
    """
    if not python:
        return current()
    found = str(root / python) if "/" in python else shutil.which(python)
    if found is None or not Path(found).is_file():
        raise InfrastructureError(
            f"Expected the interpreter {python} to be there, but it is not. "
            "Create its environment, or change the selector's python."
        )
    return _asked(found, python)


@cache
def _asked(executable: str, told: str) -> Interpreter:
    try:
        answer = subprocess.run(
            [executable, "-c", _PROBE], capture_output=True, check=True, timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        _, version, prefix, path, markers = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InfrastructureError(
            f"Expected {told} to be a Python interpreter, but it did not answer as one."
        ) from error
    pairs = tuple((name, value) for name, value in markers)
    return Interpreter(executable, version, prefix, tuple(path), pairs)


def installed(distribution: str, there: Interpreter | None = None) -> str | None:
    """Return the version of `distribution`, in this interpreter or `there`."""
    if there is not None and not there.is_current:
        found = there.distribution(distribution)
        return None if found is None else found.version
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def meets(version: str | None, requirement: Requirement) -> bool:
    """Whether an installed version meets a requirement; a local part (``+cpu``) is ignored.

    Examples:
        >>> from packaging.requirements import Requirement
        >>> meets("2.13.0+cpu", Requirement("torch>=2.2"))
        True
        >>> meets(None, Requirement("torch>=2.2"))
        False
    """
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def unmet(requirements: Iterable[str], there: Interpreter | None = None) -> list[str]:
    """Say which requirements an interpreter does not meet, and what it has instead."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - replay asks for none

    problems = []
    markers = dict(there.markers) if there is not None else {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate(markers or None):
            continue
        version = installed(requirement.name, there)
        if not meets(version, requirement):
            problems.append(f"{text} (found {version or 'none'})")
    return problems
