"""What changed while a run went on: then it is not known what was measured."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from .fingerprints import Fingerprints
from .listing import paths_matching
from .locks import pins
from .pytest_settings import FILES
from .record import digest_of
from .trace import Trace

__all__ = ["changes", "settings_of"]


def settings_of(root: Path) -> dict[str, str]:
    """Return digests of what a run goes by without a trace: settings of pytest, and pins."""
    prints = Fingerprints(root)
    found = {name: prints.section(name) for name in FILES}
    return found | {"what is pinned": digest_of(pins(root))}


def changes(
    files: Collection[str],
    trace: Trace,
    root: Path,
    moment_ns: int,
    before: Mapping[str, str],
    but: Collection[str] = (),
) -> Iterator[str]:
    """Yield what changed between `moment_ns` and now, and was no work of the run.

    A time stamp in the future is an older clock's: it tells nothing of this run.

    Args:
        files: What the run depended on, relative to the root.
        trace: What it told.
        root: The project's root.
        moment_ns: When the run began.
        before: What :func:`settings_of` said then.
        but: Files that are left out.
    """
    now = settings_of(root)
    yield from (name for name in before if before[name] != now[name])
    during = _During(root, moment_ns)
    yield from (path for path in files if during.is_changed(path, path in trace.linked))
    folders = {str(folder) for path in files for folder in PurePosixPath(path).parents}
    yield from (folder for folder in sorted(folders) if during.is_moved(folder))
    if trace.unseen:  # what nobody saw may have made them
        return
    for path in sorted(trace.found - trace.written - set(but)):
        if not os.path.lexists(root / path):
            yield path
    for path in sorted(trace.absent - trace.written - set(but)):
        if os.path.exists(root / path):
            yield path
    for pattern in sorted(trace.scanned):
        for path in paths_matching(f"{root}{os.sep}", pattern):
            if path not in trace.written and path not in but and during.is_new(path):
                yield path


class _During:
    """Time stamps of a project's files against the time of a run."""

    def __init__(self, root: Path, moment_ns: int) -> None:
        self._root, self._from = root, moment_ns
        self._to = time.time_ns() + 1_000_000_000

    def _is_in(self, *stamps_ns: int) -> bool:
        return any(self._from < stamp < self._to for stamp in stamps_ns)

    def is_changed(self, path: str, linked: bool) -> bool:
        """Whether a file was written, replaced or taken away, or a link turned elsewhere.

        One that was `linked` by the run has an inode of now, and only its content counts.
        """
        try:
            status, link = os.stat(self._root / path), os.lstat(self._root / path)
        except OSError:
            return True
        stamps = (status.st_mtime_ns, link.st_mtime_ns)
        return self._is_in(*stamps, *(() if linked else (status.st_ctime_ns,)))

    def is_moved(self, folder: str) -> bool:
        """Whether a folder was put in another's place: it changed, and nothing in it did."""
        try:
            status = os.stat(self._root / folder)
        except OSError:
            return True
        return self._is_in(status.st_ctime_ns) and status.st_mtime_ns < self._from

    def is_new(self, path: str) -> bool:
        """Whether a file came into its folder."""
        file = self._root / path
        try:
            status, folder = os.lstat(file), os.stat(file.parent)
        except OSError:
            return False
        return (
            not file.is_dir()
            and self._is_in(status.st_ctime_ns)
            and self._is_in(folder.st_mtime_ns)
        )
