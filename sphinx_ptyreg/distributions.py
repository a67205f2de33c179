"""Imported distributions: which they are, and their versions.

Beside names of distributions, three kinds of keys tell what has none: ``module NAME`` for a file
or folder in site-packages that no distribution owns, told by its content, ``import NAME`` for a
module that the project asked for and nothing had, and ``plugins pytest11`` for what pytest loads
by itself.
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
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from .interpreter import Interpreter, current
from .trace import Trace

__all__ = ["PLUGINS", "foreign", "of_imports", "project_sources", "versions_now"]

#: This package is the instrument: its version counts, not the content of a local install.
_INSTRUMENT = "sphinx-ptyreg"
#: What tools put into every environment.
_PLUMBING = frozenset({"_virtualenv", "_distutils_hack", "bin", "__pycache__"})
_MODULE, _IMPORT = "module ", "import "
#: The distributions that pytest loads plugins from: one more of them may change what is measured.
PLUGINS = "plugins pytest11"
_LAYOUTS = ("", "src/", "lib/", "python/")
_CODE = frozenset({".py", ".so", ".pyd"})


def of_imports(trace: Trace, there: Interpreter | None = None) -> tuple[set[str], set[str]]:
    """Return the names of what was imported from outside the project, and the files of nobody.

    Args:
        trace: What the processes of the run told.
        there: The interpreter it ran in; the current one by default.
    """
    there = there or current()
    owners = _owners(there)
    names = {PLUGINS} | {_IMPORT + name for name in trace.unfound}
    names |= {folder.removesuffix(".dist-info").rpartition("-")[0] for folder in trace.metadata}
    for top, folder in trace.packages:
        stem = top.partition(".")[0]
        if top.endswith((".dist-info", ".egg-info")) or stem in _PLUMBING:
            continue
        owned = owners.get(stem, ())
        names.update(owned)
        if not owned and folder in _site_folders(there):
            names.add(_MODULE + top)
    strangers: set[str] = set()
    for file in trace.outside:
        owning = {name for name, folder in _editable(there).items() if file.startswith(folder)}
        names |= owning
        if not owning:
            strangers.add(file)
    return names, strangers


def project_sources(names: Iterable[str], root: Path, there: Interpreter | None = None) -> set[str]:
    """Return where the project may have the sources of its own, installed copy.

    What is measured then is the copy: when its sources change, it is not the project's any more.

    Args:
        names: Imported distributions.
        root: The project's root.
        there: The interpreter it ran in; the current one by default.
    """
    there = there or current()
    found: set[str] = set()
    for name in names:
        distribution = there.distribution(name) if name != _INSTRUMENT else None
        local = None if distribution is None else _local_path(distribution)
        if distribution is None or local is None or not local.is_relative_to(root):
            continue
        if not _is_editable(distribution):
            code = [str(file) for file in distribution.files or () if file.suffix in _CODE]
            found |= {layout + file for file in code for layout in _LAYOUTS}
    return found


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
        if name == PLUGINS:
            found[name] = _plugins(there)
        elif name.startswith(_IMPORT):
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
def _plugins(there: Interpreter) -> str:
    names = {
        canonicalize_name(distribution.name)
        for distribution in metadata.distributions(path=list(there.path))
        if any(point.group == "pytest11" for point in distribution.entry_points)
    }
    return ", ".join(sorted(names - {_INSTRUMENT})) or "none"


@cache
def _version(name: str, root: Path, there: Interpreter) -> str | None:
    distribution = there.distribution(name)
    if distribution is None:
        return None
    local = _local_path(distribution)
    if local is None and (commit := _told_of(distribution).get("vcs_info", {}).get("commit_id")):
        return f"{distribution.version} ({commit[:16]})"
    if local is None or name == _INSTRUMENT:
        return distribution.version
    content = _content(distribution, local, root)
    return f"{distribution.version} ({content[:16]})" if content else distribution.version


def _told_of(distribution: metadata.Distribution) -> dict[str, Any]:
    """Return what the installer wrote about where a distribution came from."""
    try:
        told = json.loads(distribution.read_text("direct_url.json") or "{}")
    except json.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _local_path(distribution: metadata.Distribution) -> Path | None:
    """Return where a local install came from; None for one from an index."""
    url = urlsplit(str(_told_of(distribution).get("url", "")))
    return Path(unquote(url.path)) if url.scheme == "file" else None


def _is_editable(distribution: metadata.Distribution) -> bool:
    return bool(_told_of(distribution).get("dir_info", {}).get("editable"))


def _content(distribution: metadata.Distribution, local: Path, root: Path) -> str:
    """Digest a local install; files of the project are traced one by one and left out here."""
    if _is_editable(distribution):
        code = (f for suffix in _CODE for f in local.rglob(f"*{suffix}"))
        base, files = local, [f for f in code if not _hidden(f.relative_to(local))]
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
