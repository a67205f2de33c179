"""Which mode a build runs in, and who said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .declared import Mode
from .errors import ConfigError, did_you_mean

__all__ = ["CHECK_BUILDERS", "Effective", "decide"]

#: Builders that never run a selector: they look at the pages, they do not publish them.
CHECK_BUILDERS = frozenset({"gettext", "linkcheck", "doctest", "coverage", "dummy"})


class Effective(NamedTuple):
    """The mode of a build and its source."""

    mode: Mode
    source: str


def decide(
    *,
    override: str | None,
    conf: str | None,
    project: Mode,
    environ: Mapping[str, str],
    builder: str,
) -> Effective:
    """Decide by ``-D``, ``PTYREG_MODE``, conf.py, pyproject.toml; then lower to the ceiling.

    Args:
        override: ``-D ptyreg_mode``.
        conf: ``ptyreg_mode`` of conf.py.
        project: ``[tool.ptyreg] mode``.
        environ: The environment.
        builder: The builder's name.

    Raises:
        ConfigError: A mode or ceiling is unknown.

    Examples:
        >>> decide(override=None, conf="force", project=Mode.AUTO,
        ...        environ={"PTYREG_MAX_MODE": "replay"}, builder="html")
        Effective(mode=<Mode.REPLAY: 'replay'>, source='PTYREG_MAX_MODE, below force from conf.py')
    """
    named = environ.get("PTYREG_MODE") or None
    if override is not None:
        wanted = Effective(_mode("-D ptyreg_mode", override), "-D ptyreg_mode")
    elif named is not None:
        wanted = Effective(_mode("PTYREG_MODE", named), "PTYREG_MODE")
    elif conf is not None:
        wanted = Effective(_mode("conf.py, ptyreg_mode", conf), "conf.py")
    else:
        wanted = Effective(project, "pyproject.toml")
    ceiling, source = Mode.FORCE, ""
    if environ.get("PTYREG_MAX_MODE"):
        ceiling = _mode("PTYREG_MAX_MODE", environ["PTYREG_MAX_MODE"])
        source = "PTYREG_MAX_MODE"
    if environ.get("READTHEDOCS") == "True" and ceiling.runs > 0:
        ceiling, source = Mode.REPLAY, "Read the Docs"
    if builder in CHECK_BUILDERS and wanted.mode is not Mode.REPLAY:
        ceiling, source = Mode.REPLAY, f"builder {builder}"
    elif wanted.mode.runs <= ceiling.runs:
        return wanted
    return Effective(ceiling, f"{source}, below {wanted.mode} from {wanted.source}")


def _mode(place: str, text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise ConfigError(
            place,
            f"Expected one of {', '.join(Mode)}, but got {text!r}."
            f"{did_you_mean(str(text), list(Mode))}",
        ) from None
