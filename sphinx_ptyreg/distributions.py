"""Imported distributions: which they are, and their versions.

Beside names of distributions, two kinds of keys tell what has none: ``module NAME`` for a file or
folder in site-packages that no distribution owns, told by its content, and ``import NAME`` for a
module that the project asked for and nothing had.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from .interpreter import Interpreter, current
from .locks import locked_versions

__all__ = ["foreign", "locked_versions", "of_imports", "versions_now"]

#: This package is the instrument: its version counts, not the content of a local install.
_INSTRUMENT = "sphinx-ptyreg"
#: What tools put into every environment.
_PLUMBING = frozenset({"_virtualenv", "_distutils_hack", "bin", "__pycache__"})
_MODULE, _IMPORT = "module ", "import "
_CODE = frozenset({".py", ".so", ".pyd"})


def of_imports(
    packages: Iterable[tuple[str, str]],
    outside: Iterable[str],
    unfound: Iterable[str],
    root: Path,
    there: Interpreter | None = None,
) -> dict[str, str]:
    """Return name → version of what was imported from outside the project.

    Args:
        packages: First folders or files below site-packages that code was loaded from.
        outside: Files loaded from elsewhere; they count when a local install points there.
        unfound: Modules that were asked for in vain.
        root: The project's root.
        there: The interpreter it ran in; the current one by default.
    """
    there = there or current()
    owners = _owners(there)
    names: set[str] = set()
    for top, folder in packages:
        stem = top.partition(".")[0]
        if top.endswith((".dist-info", ".egg-info")) or stem in _PLUMBING:
            continue
        owned = owners.get(stem, ())
        names.update(owned)
        if not owned and folder in _site_folders(there):
            names.add(_MODULE + top)
    for file in outside:
        names |= {name for name, folder in _editable(there).items() if file.startswith(folder)}
    names |= {_IMPORT + name for name in unfound}
    return versions_now(names, root, there)


def foreign(packages: Iterable[tuple[str, str]], there: Interpreter | None = None) -> list[str]:
    """Say that packages of another interpreter were imported: their versions are not known."""
    strange = {folder for _, folder in packages} - _site_folders(there or current())
    return ["packages of another interpreter were imported"] if strange else []


def versions_now(
    names: Iterable[str], root: Path, there: Interpreter | None = None
) -> dict[str, str]:
    """Return name → version as installed; a local install also tells its content."""
    there = there or current()
    found: dict[str, str] = {}
    for name in names:
        if name.startswith(_IMPORT):
            found[name] = _importable(name.removeprefix(_IMPORT), there)
        elif name.startswith(_MODULE):
            if content := _of_module(name.removeprefix(_MODULE), there):
                found[name] = content
        elif (version := _version(canonicalize_name(name), root, there)) is not None:
            found[canonicalize_name(name)] = version
    return dict(sorted(found.items()))


@cache
def _owners(there: Interpreter) -> Mapping[str, list[str]]:
    if there.is_current:
        return metadata.packages_distributions()
    owners: dict[str, list[str]] = {}
    for distribution in metadata.distributions(path=list(there.path)):
        told = (distribution.read_text("top_level.txt") or "").split()
        inferred = {file.parts[0].partition(".")[0] for file in distribution.files or ()}
        for top in told or inferred:
            owners.setdefault(top, []).append(distribution.name)
    return owners


@cache
def _site_folders(there: Interpreter) -> frozenset[str]:
    ends = ("site-packages", "dist-packages")
    folders = {f"{entry}/" for entry in there.path if entry.endswith(ends)}
    return frozenset(folders | {f"{there.prefix}/"})


@cache
def _importable(name: str, there: Interpreter) -> str:
    if not there.is_current:
        return _found_there(name, there)
    try:
        return "none" if importlib.util.find_spec(name) is None else "found"
    except (ImportError, ValueError):
        return "none"


def _found_there(name: str, there: Interpreter) -> str:
    path: list[str] | None = list(there.path)
    done = ""
    for part in name.split("."):
        done = f"{done}.{part}" if done else part
        spec = None if path is None else PathFinder.find_spec(done, path)
        if spec is None:
            return "none"
        path = (
            None
            if spec.submodule_search_locations is None
            else list(spec.submodule_search_locations)
        )
    return "found"


@cache
def _of_module(name: str, there: Interpreter) -> str:
    for folder in _site_folders(there):
        path = Path(folder) / name
        files = [path] if path.is_file() else [f for f in path.rglob("*") if f.suffix in _CODE]
        if files:
            return _digest(path.parent, files)
    return ""


@cache
def _version(name: str, root: Path, there: Interpreter) -> str | None:
    distribution = there.distribution(name)
    if distribution is None:
        return None
    local = _local_path(distribution)
    if local is None or name == _INSTRUMENT:
        return distribution.version
    content = _content(distribution, local, root)
    return f"{distribution.version} ({content[:16]})" if content else distribution.version


def _local_path(distribution: metadata.Distribution) -> Path | None:
    """Return where a local install came from; None for one from an index."""
    text = distribution.read_text("direct_url.json")
    if not text:
        return None
    try:
        url = urlsplit(str(json.loads(text).get("url", "")))
    except (json.JSONDecodeError, AttributeError):
        return None
    return Path(unquote(url.path)) if url.scheme == "file" else None


def _is_editable(distribution: metadata.Distribution) -> bool:
    text = distribution.read_text("direct_url.json") or "{}"
    return bool(json.loads(text).get("dir_info", {}).get("editable"))


def _content(distribution: metadata.Distribution, local: Path, root: Path) -> str:
    """Digest a local install; files of the project are traced one by one and left out here."""
    if _is_editable(distribution):
        base, files = local, [f for f in local.rglob("*.py") if not _hidden(f.relative_to(local))]
    else:
        base = Path(str(distribution.locate_file("")))
        files = [
            base / str(file)
            for file in distribution.files or ()
            if file.parts[0] != ".." and not file.parts[0].endswith(".dist-info")
        ]
    return _digest(base, [f for f in files if not f.is_relative_to(root) or base != local])


def _digest(base: Path, files: Iterable[Path]) -> str:
    digest, any_ = hashlib.sha256(), False
    for file in sorted(files):
        if file.suffix != ".pyc" and file.is_file():
            any_ = True
            name = file.relative_to(base).as_posix().encode("utf-8", "surrogateescape")
            digest.update(name + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest() if any_ else ""


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in {"build", "node_modules"} for part in path.parts)


@cache
def _editable(there: Interpreter) -> Mapping[str, str]:
    folders: dict[str, str] = {}
    for distribution in metadata.distributions(path=list(there.path)):
        folder = _local_path(distribution)
        if folder is not None and folder.is_dir():
            folders[canonicalize_name(distribution.name)] = f"{folder}/"
    return folders
