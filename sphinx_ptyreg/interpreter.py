"""What is installed in the interpreter that a selector runs in."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement

__all__ = ["installed", "meets", "unmet"]


def installed(distribution: str) -> str | None:
    """Return the version of `distribution`, read from its metadata without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def meets(version: str | None, requirement: Requirement) -> bool:
    """Whether an installed version meets a requirement; a local part (``+cpu``) is ignored.

    Examples:
        >>> meets("2.13.0+cpu", Requirement("torch>=2.2"))
        True
        >>> meets(None, Requirement("torch>=2.2"))
        False
    """
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def unmet(requirements: Iterable[str]) -> list[str]:
    """Say which requirements this interpreter does not meet, and what it has instead."""
    problems = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = installed(requirement.name)
        if not meets(version, requirement):
            problems.append(f"{text} (found {version or 'none'})")
    return problems
