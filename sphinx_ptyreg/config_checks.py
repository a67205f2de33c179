"""What a declaration must be beyond its types; each error names the file and the key."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .declared import MEASURED, PUBLISHED, Finding, Guardrail, Mode, Selector
from .errors import ConfigError, did_you_mean
from .record import NAME
from .units import parse_quantity, same_dimension

__all__ = ["Place", "check_aliases", "check_finding", "check_folders", "check_selector", "store_of"]


#: msgspec's names of types → what a TOML file has.
_IN_TOML = {
    "float": "a number", "int": "a whole number", "str": "text in quotes", "bool": "true or false",
    "array": "a list", "object": "a table", "null": "nothing",
}  # fmt: skip
#: A requirement that needs no parser to be known for one: a name, and bounds in plain numbers.
_SIMPLE = re.compile(
    r"[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*"
    r"(?: *(?:>=|<=|==|!=|<|>) *\d+(?:\.\d+)*(?: *, *(?:>=|<=|==|!=|<|>) *\d+(?:\.\d+)*)*)?",
    re.ASCII,
)

#: A URL that lost a slash, and what follows ``file://`` in one that did not.
_ONE_SLASH, _LOCAL = re.compile(r"[a-z][a-z0-9+.-]+:/[^/]"), re.compile(r"/|[A-Za-z]:[\\/]")

_TYPE = re.compile(rf"\b({'|'.join(_IN_TOML)})\b")


class Place:
    """A key in the file, for errors: ``pyproject.toml, tool.ptyreg.selectors.x``."""

    def __init__(self, file: str, keys: tuple[str, ...] = ("tool", "ptyreg")) -> None:
        self.file, self.keys = file, keys

    def __truediv__(self, key: str) -> Place:
        return Place(self.file, (*self.keys, key))

    def __str__(self) -> str:
        return f"{self.file}, {'.'.join(self.keys)}"

    def of(self, message: str) -> tuple[str, str]:
        """Split msgspec's ``Expected … - at `$.a.b``` into the place and the problem."""
        problem, _, path = message.partition(" - at `$")
        keys = tuple(part for part in path.rstrip("`").replace("[...]", "").split(".") if part)
        place = str(Place(self.file, (*self.keys, *keys)))
        problem = problem.replace("`", "").replace(", got", ", but got")
        if missing := re.fullmatch(r"Object missing required field (\w+)", problem):
            return place, f"Expected the key {missing[1]}, but it is missing."
        if wrong := re.fullmatch(r"Invalid enum value '(.*)'", problem):
            known = ", ".join(Mode)
            close = did_you_mean(wrong[1], list(Mode))
            return place, f"Expected one of {known}, but got {wrong[1]!r}.{close}"
        return place, _TYPE.sub(lambda word: _IN_TOML[word[0]], problem) + "."


def check_selector(selector: Selector, where: Place) -> None:
    """Raise a :class:`ConfigError` when a selector cannot be run as declared."""
    if bool(selector.nodeids) == bool(selector.markers):
        raise ConfigError(str(where), "Expected either nodeids or markers to say what is run.")
    _check_paths(selector, where)
    _check_conditions(selector, where)
    for requirement in selector.requires:
        _check_requirement(where / "requires", requirement)
    for key, least in (("retries", 0), ("repeats", 1), ("warmup", 0), ("timeout", 0.001)):
        if not least <= getattr(selector, key) < math.inf:
            raise ConfigError(
                str(where / key), f"Expected at least {least}, but got {getattr(selector, key)}."
            )
    for metric, guardrail in selector.guardrails.items():
        _check_guardrail(metric, guardrail, where / "guardrails" / metric)


def _check_paths(selector: Selector, where: Place) -> None:
    for nodeid in selector.nodeids:
        if nodeid.startswith("-") or not _is_inside(nodeid.split("::")[0]) or "\0" in nodeid:
            raise ConfigError(
                str(where / "nodeids"), f"Expected node ids inside the project, but got {nodeid!r}."
            )
    for key in ("inputs", "ignore"):
        for pattern in getattr(selector, key):
            if not _is_inside(pattern):
                raise ConfigError(
                    str(where / key), f"Expected paths inside the project, but got {pattern!r}."
                )


def _check_conditions(selector: Selector, where: Place) -> None:
    if selector.python.startswith(("/", "-", "~")) or selector.python != selector.python.strip():
        raise ConfigError(
            str(where / "python"),
            "Expected a path from the project's root (.venv/bin/python) or a name on PATH "
            f"(python3.12), but got {selector.python!r}.",
        )
    for name, value in selector.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise ConfigError(
                str(where / "env"), f"Expected a variable, but got {name!r} = {value!r}."
            )
    for name, amount in selector.resources.items():
        if not NAME.fullmatch(name) or not 0 < amount < math.inf:
            raise ConfigError(
                str(where / "resources"),
                f"Expected names with an amount above 0, but got {name!r} = {amount:g}.",
            )
    if selector.max_age:
        _check_quantity(where / "max_age", selector.max_age)
        if not same_dimension(parse_quantity(selector.max_age).unit, "s"):
            raise ConfigError(
                str(where / "max_age"), f"Expected a time ('90 d'), but got {selector.max_age!r}."
            )
    if selector.machine_class and not NAME.fullmatch(selector.machine_class):
        raise ConfigError(
            str(where / "machine_class"),
            f"Expected a name of letters, digits, '-' and '_', but got {selector.machine_class!r}.",
        )


def check_aliases(selectors: Mapping[str, Selector], where: Place) -> None:
    """Raise a :class:`ConfigError` when a name would mean two selectors."""
    owner = dict(zip(selectors, selectors, strict=True))
    for name, selector in selectors.items():
        for alias in selector.aliases:
            if owner.setdefault(alias, name) != name:
                raise ConfigError(
                    str(where / name / "aliases"),
                    f"Expected a name of its own, but got {alias!r}, which is {owner[alias]}'s.",
                )


def store_of(text: str) -> tuple[str, str]:
    """Return the local folder and the URL of the shared store, if ``store`` names one.

    Raises:
        ConfigError: The URL holds a password, or is none.

    Examples:
        >>> store_of("../records"), store_of("s3://bucket/p/")
        (('../records', ''), ('.ptyreg', 's3://bucket/p'))
        >>> store_of("file:///")
        ('.ptyreg', 'file:///')
    """
    protocol, mark, rest = text.partition("://")
    if not mark:
        if _ONE_SLASH.match(text):
            raise ConfigError("store", f"Expected '://' in a URL, but got {text!r}.")
        return text, ""
    user, _, host = rest.partition("/")[0].rpartition("@")
    if ":" in user:
        raise ConfigError(
            "store", f"Expected a URL without a password, but got {protocol}://…@{host}. "
            "Let the environment tell who you are, as the library of this protocol does.",
        )  # fmt: skip
    if protocol in {"file", "local"} and not _LOCAL.match(rest):
        raise ConfigError(
            "store", f"Expected a file URL with a whole path, 'file:///…', but got {text!r}."
        )
    try:
        urlsplit(text)
    except ValueError as error:
        raise ConfigError("store", f"Expected a URL, but got {text!r} ({error}).") from error
    whole = rest.rstrip("/") if protocol in {"file", "local"} else rest.strip("/")
    if not whole and protocol not in {"file", "local", "memory"}:
        raise ConfigError("store", f"Expected a URL with a host or a bucket, but got {text!r}.")
    return ".ptyreg", f"{protocol}://{whole or '/'}"


def check_folders(store: str, published: str, where: Place) -> None:
    """Raise a :class:`ConfigError` when the two layers of the store are no two folders."""
    for key, folder in (("store", store), ("published", published)):
        if not folder.strip("./") or "\0" in folder:
            raise ConfigError(
                str(where / key), f"Expected a folder of the project, but got {folder!r}."
            )
    if Path(store) == Path(published):
        raise ConfigError(
            str(where / "published"), f"Expected another folder than store, but got {published!r}."
        )


def _is_inside(pattern: str) -> bool:
    parts = Path(pattern).parts
    return bool(parts) and not pattern.startswith("/") and ".." not in parts and "\0" not in pattern


def _check_guardrail(metric: str, guardrail: Guardrail, where: Place) -> None:
    unit = MEASURED.get(metric)  # a metric of the test's own may have a unit of its own
    units = {metric: unit} if unit else {}
    for key in ("fail", "warn", "minimum", "baseline", "tolerance"):
        text = getattr(guardrail, key)
        if text is not None and not (key == "baseline" and text == PUBLISHED):
            _check_quantity(where / key, text, any_unit=unit is None)
            units[key] = parse_quantity(text, any_unit=unit is None).unit
    if units.get("tolerance") == "%":
        del units["tolerance"]
    kinds = list(units.items())
    for key, unit in kinds[1:]:
        if not same_dimension(kinds[0][1], unit):
            raise ConfigError(
                str(where / key),
                f"Expected the unit of {kinds[0][0]} ({kinds[0][1]}), but got {unit}.",
            )
    if (guardrail.baseline is None) != (guardrail.tolerance is None):
        raise ConfigError(str(where), "Expected baseline and tolerance together.")
    typed = guardrail.baseline not in (None, PUBLISHED)
    if typed and guardrail.machine_class is None:
        raise ConfigError(
            str(where / "baseline"),
            f"Expected machine_class to say where {guardrail.baseline!r} was measured, "
            f"or baseline = {PUBLISHED!r}.",
        )


def check_finding(finding: Finding, where: Place) -> None:
    """Raise a :class:`ConfigError` when a finding cannot be judged as declared."""
    checks = [finding.requires is not None, bool(finding.nodeids), finding.claim is not None]
    if sum(checks) != 1:
        raise ConfigError(str(where), "Expected exactly one check: requires, nodeids or claim.")
    if finding.claim is not None:
        from .claims import ClaimError, parse  # noqa: PLC0415 - most findings claim nothing

        try:
            parse(finding.claim)
        except ClaimError as error:
            raise ConfigError(str(where / "claim"), str(error)) from error
    if finding.requires is not None:
        _check_requirement(where / "requires", finding.requires)


def _check_requirement(where: Place, text: str) -> None:
    if _SIMPLE.fullmatch(text):
        return
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 5 ms

    try:
        Requirement(text)
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0]
        raise ConfigError(
            str(where),
            f"Expected a requirement such as 'torch>=2.2', but got {text!r} ({problem}).",
        ) from error


def _check_quantity(where: Place, text: str, *, any_unit: bool = False) -> None:
    try:
        parse_quantity(text, any_unit=any_unit)
    except ValueError as error:
        raise ConfigError(str(where), str(error)) from error
