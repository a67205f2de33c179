"""Records and artifacts from elsewhere, on their way into a store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence

from .artifacts import sniffed
from .errors import RecordError
from .packs import pack_name, packed
from .store import Store

__all__ = ["Receiver", "of_its_type"]


class Receiver:
    """Keeps what came from elsewhere: staged beside its place, then put there all at once.

    Args:
        store: Where to.
    """

    def __init__(self, store: Store) -> None:
        self._layer = store.received
        self._local = store.local
        self._known: dict[str, dict[str, int]] = {}
        self._staged: list[tuple[str, str]] = []
        self._count = 0

    def has(self, folder: str, name: str, size: int) -> bool:
        """Whether a file of this name and size is here; a cut-off one is written again."""
        return self._files(folder).get(name) == size

    def _files(self, folder: str) -> dict[str, int]:
        if folder not in self._known:
            known: dict[str, int] = {}
            for layer in (self._local, self._layer):
                place = layer.folder / folder
                if place.is_dir():
                    known |= {file.name: file.stat().st_size for file in os.scandir(place)}
            kind, _, selector = folder.partition("/")
            if kind == "records":
                known |= {entry.name: entry.size for entry in self._layer.packed(selector)}
            self._known[folder] = known
            (self._layer.folder / folder).mkdir(parents=True, exist_ok=True)
        return self._known[folder]

    def stage(self, folder: str, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file beside its place."""
        known = self._files(folder)
        final = f"{self._layer.folder}/{folder}/{name}"
        self._count += 1
        temporary = f"{self._layer.folder}/{folder}/.new-{os.getpid()}-{self._count}"
        self._staged.append((temporary, final))
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        size = 0
        try:
            for chunk in chunks:
                size += len(chunk)
                while chunk:
                    chunk = chunk[os.write(handle, chunk) :]  # noqa: PLW2901
        finally:
            os.close(handle)
        known[name] = size

    def stage_pack(self, selector: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Write records, each a file name and bytes, as one file beside its place."""
        if records:
            folder = f"records/{selector}"
            self.stage(folder, pack_name(records), packed(records))
            self._known[folder] |= {name: len(data) for name, data in records}

    def commit(self) -> None:
        """Put what is staged in its place."""
        for temporary, final in self._staged:
            os.replace(temporary, final)  # noqa: PTH105
        self._staged.clear()

    def drop(self) -> None:
        """Forget what is staged."""
        for temporary, final in self._staged:
            folder = final.rpartition("/")[0]
            self._known.pop(folder.removeprefix(f"{self._layer.folder}/"), None)  # look again
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
        self._staged.clear()

    def close(self) -> None:
        """Drop what was staged and not committed; let the disk have the rest."""
        self.drop()
        if self._count and hasattr(os, "sync"):
            os.sync()  # once: a record a sync would take minutes


def of_its_type(name: str, chunks: Iterator[bytes], origin: str) -> Iterator[bytes]:
    """Yield an artifact whose suffix is that of its first bytes: no page may run from here.

    Args:
        name: Its file name.
        chunks: Its content.
        origin: Where it comes from, for the error.

    Raises:
        RecordError: It is something else than its name says.
    """
    head = next(chunks, b"")
    suffix = sniffed(head) or (".bin" if b"\0" in head[:4096] else ".txt")
    if not name.endswith(suffix):
        raise RecordError(
            f"{origin}: {name}: Expected the suffix of its content, {suffix}. "
            "Nothing of it was kept."
        )
    yield head
    yield from chunks
