"""A project with a shared store: what a build and ``ptyreg run`` pull and push, and tell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .declared import Project
from .errors import WarningSubtype
from .selector_evidence import Notice
from .store import Store

__all__ = ["bring", "hand_over", "is_away"]


def bring(
    project: Project, store: Store, told: Callable[[str], None] = lambda _: None
) -> list[Notice]:
    """Copy what others ran to this machine; when the shared store is away, say so and go on.

    Args:
        project: Whose shared store; nothing happens when it has none.
        store: Its local copy.
        told: Called with what travelled, in words.

    Raises:
        InfrastructureError: What opens the shared store is not installed.
    """
    if not _shares(project, store):
        return []
    from .remote import UnreachableError, pull  # noqa: PLC0415 - for a shared store alone

    try:
        exchanged = pull(project, store)
    except UnreachableError as error:
        return [_away(project, error, "the local copy serves")]
    new = ", which has nothing of this project yet" if exchanged.is_new else ""
    told(f"{exchanged.records} records from {project.remote}{new}")
    return list(_refused(exchanged.refused))


def hand_over(
    project: Project, store: Store, told: Callable[[str], None] = lambda _: None
) -> list[Notice]:
    """Copy what was run here to the shared store, unless it is read-only or away.

    Raises:
        InfrastructureError: What opens the shared store is not installed.
    """
    if not _shares(project, store):
        return []
    from .remote import UnreachableError, push  # noqa: PLC0415 - likewise

    try:
        exchanged = push(project, store)
    except UnreachableError as error:
        return [_away(project, error, "what was run here stays here until it is back")]
    if exchanged.records:
        told(f"{exchanged.records} records to {project.remote}")
    return list(_refused(exchanged.refused))


def is_away(project: Project, notices: list[Notice]) -> bool:
    """Whether notices tell that the shared store cannot be reached."""
    return any(notice.text.startswith(f"{project.remote} cannot be reached") for notice in notices)


def _shares(project: Project, store: Store) -> bool:
    """Whether there is a shared store, and `store` its copy and not that of a frozen release."""
    return bool(project.remote) and store.local.folder == project.store


def _away(project: Project, error: Exception, what: str) -> Notice:
    told = f"{project.remote} cannot be reached, {what} ({error})"
    return Notice(WarningSubtype.STORE, "ptyreg", told)


def _refused(names: tuple[str, ...]) -> Iterator[Notice]:
    for told in names:
        yield Notice(WarningSubtype.STORE, "ptyreg", f"not taken: {told}")
