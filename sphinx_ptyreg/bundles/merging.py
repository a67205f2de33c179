"""The union of a store and bundles: in any order, any number of times, the same records."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..artifacts import sniffed
from ..errors import InfrastructureError
from ..store import Layer, Store
from .form import LIMITS, Limits, refused
from .reading import Bundle

__all__ = ["Merged", "merge"]


class Merged(NamedTuple):
    """What one bundle held, and how much of it was new."""

    bundle: str
    records: int
    new: int
    artifacts: int


def merge(store: Store, bundles: Iterable[Path], limits: Limits = LIMITS) -> list[Merged]:
    """Keep what `bundles` hold among what was received; a bundle is kept whole or not at all.

    Args:
        store: Where to.
        bundles: The files.
        limits: What each of them may be.

    Raises:
        RecordError: A bundle is refused; what came before it was kept.
        InfrastructureError: The store cannot be written.
    """
    store.local.hide()
    target = _Target(store)
    merged = []
    try:
        for file in bundles:
            with Bundle(file, limits) as bundle:
                merged.append(_merge_one(bundle, target))
    except OSError as error:
        raise InfrastructureError(
            f"Expected {store.local.folder.name} to be writable to merge, but got: "
            f"{error.strerror}."
        ) from error
    finally:
        target.close()
    return merged


class _Target:
    """The layer that is merged into; a file appears whole or not at all."""

    def __init__(self, store: Store) -> None:
        self._layer: Layer = store.received
        self._local = store.local
        self._known: dict[str, dict[str, int]] = {}
        self._staged: list[tuple[str, str]] = []
        self._count = 0

    def has(self, folder: str, name: str, size: int) -> bool:
        """Whether a file of this name and size is here; a cut-off one is written again."""
        if folder not in self._known:
            known: dict[str, int] = {}
            for layer in (self._local, self._layer):
                place = layer.folder / folder
                if place.is_dir():
                    known |= {file.name: file.stat().st_size for file in os.scandir(place)}
            self._known[folder] = known
            (self._layer.folder / folder).mkdir(parents=True, exist_ok=True)
        return self._known[folder].get(name) == size

    def stage(self, folder: str, name: str, chunks: Iterable[bytes]) -> None:
        """Write a file beside its place."""
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
        self._known[folder][name] = size

    def commit(self) -> None:
        """Put what is staged in its place."""
        for temporary, final in self._staged:
            os.replace(temporary, final)  # noqa: PTH105
        self._staged.clear()

    def close(self) -> None:
        """Drop what was staged and not committed; let the disk have the rest."""
        for temporary, _ in self._staged:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
        if self._count and hasattr(os, "sync"):
            os.sync()  # once: a record a sync would take minutes


def _merge_one(bundle: Bundle, target: _Target) -> Merged:
    named: dict[str, int] = {}
    count = new = 0
    for selector in bundle.manifest.records:
        folder = f"records/{selector}"
        for name, data, record in bundle.records(selector):
            count += 1
            named |= {a.file_name: a.size for a in record.artifacts.values()}
            if not target.has(folder, name, len(data)):
                target.stage(folder, name, [data])
                new += 1
    for name, size in bundle.manifest.artifacts.items():
        if named.get(name) != size:
            raise refused(bundle.name, f"{name}: Expected an artifact of a record of this size.")
        chunks = _typed(bundle, name)
        if target.has("artifacts", name, size):
            for _ in chunks:  # to its end, which proves its digest
                pass
        else:
            target.stage("artifacts", name, chunks)
    target.commit()
    return Merged(bundle.name, count, new, len(bundle.manifest.artifacts))


def _typed(bundle: Bundle, name: str) -> Iterator[bytes]:
    """Yield an artifact whose suffix is that of its first bytes: no page may run from here."""
    chunks = bundle.chunks(name)
    head = next(chunks, b"")
    suffix = sniffed(head) or (".bin" if b"\0" in head[:4096] else ".txt")
    if not name.endswith(suffix):
        raise refused(bundle.name, f"{name}: Expected the suffix of its content, {suffix}.")
    yield head
    yield from chunks
