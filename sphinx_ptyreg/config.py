"""`[tool.ptyreg]` in pyproject.toml, as frozen values.

A page can only name what is declared here: nothing a page says runs a command or reads a path.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .config_checks import (
    Place,
    check_aliases,
    check_finding,
    check_folders,
    check_selector,
    store_of,
)
from .declared import Finding, Guardrail, Mode, Project, Selector, Table
from .errors import ConfigError, did_you_mean
from .record import NAME

__all__ = ["find_root", "load"]


_T = TypeVar("_T", bound=Table)


class _Tool(Table, frozen=True, kw_only=True):
    mode: Mode = Mode.AUTO
    store: str = ".ptyreg"
    published: str = "docs/evidence"
    signers: dict[str, str] = {}
    selectors: dict[str, Selector] = {}
    findings: dict[str, Finding] = {}


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` whose pyproject.toml has ``[tool.ptyreg]``.

    The search ends at the root of the version control checkout and at a home folder.

    Raises:
        ConfigError: There is none.
    """
    home = Path("~").expanduser()
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file() and "ptyreg" in _tool(file):
            return folder
        if (folder / ".git").exists() or (folder / ".hg").exists() or folder == home:
            break
    raise ConfigError(
        str(start / "pyproject.toml"),
        "Expected a [tool.ptyreg] table here or in a parent folder, but got none. "
        "Declare a selector: [tool.ptyreg.selectors.NAME] with nodeids = [...].",
    )


def load(root: Path) -> Project:
    """Read the declaration of the project at `root`.

    Raises:
        ConfigError: It cannot be used; the text names the file and the key.
    """
    file = root / "pyproject.toml"
    data = _tool(file).get("ptyreg")
    if not isinstance(data, dict):
        raise ConfigError(file.name, "Expected a [tool.ptyreg] table, but got none.")
    where = Place(file.name)
    selectors = {
        name: _selector(name, entry, where / "selectors" / name)
        for name, entry in _tables(data, "selectors", where)
    }
    findings = {
        id_: _finding(id_, entry, where / "findings" / id_)
        for id_, entry in _tables(data, "findings", where)
    }
    check_aliases(selectors, where / "selectors")
    tool = _convert({**data, "selectors": {}, "findings": {}}, _Tool, where)
    folder, remote = store_of(os.environ.get("PTYREG_STORE") or tool.store)
    check_folders(folder, tool.published, where)
    return Project(
        root=root,
        mode=tool.mode,
        store=root / folder,
        remote=remote,
        signers=tool.signers,
        published=root / tool.published,
        selectors=selectors,
        findings=findings,
    )


def _selector(name: str, entry: dict[str, Any], where: Place) -> Selector:
    guardrails = {
        metric: _convert(bounds, Guardrail, where / "guardrails" / metric)
        for metric, bounds in _tables(entry, "guardrails", where)
    }
    selector = _convert({**entry, "guardrails": {}}, Selector, where)
    selector = msgspec.structs.replace(selector, name=name, guardrails=guardrails)
    check_selector(selector, where)
    return selector


def _finding(id_: str, entry: dict[str, Any], where: Place) -> Finding:
    finding = msgspec.structs.replace(_convert(entry, Finding, where), id=id_)
    check_finding(finding, where)
    return finding


def _convert(entry: dict[str, Any], table: type[_T], where: Place) -> _T:
    allowed = [key for key in table.__struct_fields__ if key not in {"name", "id"}]
    for key in entry:
        if key not in allowed:
            raise ConfigError(
                str(where / key),
                f"Expected a known key, but got {key!r}.{did_you_mean(key, allowed)}",
            )
    try:
        return msgspec.convert(entry, type=table)
    except msgspec.ValidationError as error:
        raise ConfigError(*where.of(str(error))) from error


def _tool(file: Path) -> dict[str, Any]:
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except FileNotFoundError:
        raise ConfigError(file.name, "Expected the file to exist, but it does not.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(file.name, f"Expected valid TOML, but got: {error}.") from error
    except OSError as error:
        raise ConfigError(file.name, f"Expected to read it, but got: {error.strerror}.") from error
    return tool if isinstance(tool, dict) else {}


def _tables(data: dict[str, Any], key: str, where: Place) -> Iterable[tuple[str, dict[str, Any]]]:
    tables = data.get(key, {})
    if not isinstance(tables, dict):
        raise ConfigError(str(where / key), f"Expected a table, but got {tables!r}.")
    for name, entry in tables.items():
        if not NAME.fullmatch(name):
            raise ConfigError(
                str(where / key),
                f"Expected names of letters, digits, '-' and '_', but got {name!r}.",
            )
        if not isinstance(entry, dict):
            raise ConfigError(str(where / key / name), f"Expected a table, but got {entry!r}.")
        yield name, entry
