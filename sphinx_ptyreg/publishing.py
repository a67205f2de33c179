"""What a build publishes: which evidence its pages show, and what it writes beside them.

``ptyreg_release`` keeps the pages of a release with its own numbers. ``ptyreg_exports`` writes
evidence to ``OUTDIR/ptyreg`` of an HTML build, for READMEs and other sites.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .declared import Mode, Project
from .errors import ConfigError, did_you_mean
from .frozen import release_store
from .modes import Effective
from .store import Store

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from .evidence import Evidence

__all__ = ["FOLDER", "check_formats", "publish", "shown_store"]

#: Below an HTML build's folder.
FOLDER = "ptyreg"


def check_formats(formats: object) -> tuple[str, ...]:
    """Return the formats that `ptyreg_exports` names.

    Raises:
        ConfigError: It is no list, or one of them is not known.
    """
    from .exports import FORMATS  # noqa: PLC0415 - most projects export nothing

    if not isinstance(formats, list | tuple):
        raise ConfigError(
            "conf.py, ptyreg_exports", f"Expected a list of formats, but got {formats!r}."
        )
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(
                "conf.py, ptyreg_exports",
                f"Expected formats of {', '.join(FORMATS)}, but got {name!r}."
                f"{did_you_mean(str(name), FORMATS)}",
            )
    return tuple(formats)


def shown_store(version: str | None, project: Project, mode: Effective) -> tuple[Store, Effective]:
    """Return the store that the pages are read with, and the mode that this allows.

    Args:
        version: ``ptyreg_release``: a frozen version; None for what is newest.
        project: The declaration.
        mode: What is asked for.

    Raises:
        UnknownNameError: No such version was frozen.
    """
    if version is None:
        return Store(project.store, project.published), mode
    store = release_store(project, version)
    if mode.mode.runs:
        mode = Effective(Mode.REPLAY, f"ptyreg_release, below {mode.mode} from {mode.source}")
    return store, mode


def publish(app: Sphinx, evidence: Evidence) -> None:
    """Write what `ptyreg_exports` names; a file that would not change is left alone."""
    formats = app.config.ptyreg_exports
    if app.builder.format != "html" or app.builder.name == "epub" or not formats:
        return
    from .exports import export  # noqa: PLC0415 - most projects export nothing

    folder = Path(app.outdir) / FOLDER
    for name, data in export(check_formats(formats), list(evidence.selectors.values())).items():
        path = folder / name
        if path.exists() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
