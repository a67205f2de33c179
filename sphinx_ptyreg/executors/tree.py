"""The files of a project as one digest, so that a worker measures what it is asked about."""

from __future__ import annotations

from collections.abc import Mapping

from ..declared import Project
from ..fingerprints import Fingerprints
from ..record import digest_of

__all__ = ["difference", "digest", "files_of"]

_SHOWN = 3


def files_of(project: Project) -> dict[str, str]:
    """Return path → SHA-256 of all files that version control does not ignore."""
    prints = Fingerprints(project.root, project.store / "cache" / "tree.json")
    found = {path: prints.file(path) for path in prints.everything(project.published)}
    prints.save()
    return {path: digest for path, digest in sorted(found.items()) if digest}


def digest(files: Mapping[str, str]) -> str:
    """Return one digest of all files."""
    return digest_of(dict(files))


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Say in which files a worker's tree differs from the one here.

    Examples:
        >>> difference({"a.py": "1", "b.py": "2"}, {"a.py": "3", "c.py": "4"})
        'a.py differs, b.py is missing there, c.py is only there'
    """
    words = [
        f"{path} differs" if path in here and path in there
        else f"{path} is only there" if path in there
        else f"{path} is missing there"
        for path in sorted({*here, *there})
        if here.get(path) != there.get(path)
    ]  # fmt: skip
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
