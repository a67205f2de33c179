"""The union of a store and bundles: in any order, any number of times, the same records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import InfrastructureError, RecordError
from ..receiving import Receiver, of_its_type
from ..store import Store
from .form import LIMITS, Limits, refused
from .reading import Bundle
from .zips import unwrapped

__all__ = ["Merged", "merge"]


#: Bytes of records beyond which a pack is closed.
_PACK = 16 * 2**20


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
        bundles: The files; a zip of bundles stands for those in it.
        limits: What each of them may be.

    Raises:
        RecordError: A bundle is refused; what came before it was kept.
        InfrastructureError: The store cannot be written.
    """
    store.local.hide()
    target = Receiver(store)
    merged = []
    try:
        for file in bundles:
            merged += _merge_file(file, limits, target)
    except OSError as error:
        raise InfrastructureError(
            f"Expected {store.local.folder.name} to be writable to merge, but got: "
            f"{error.strerror}."
        ) from error
    finally:
        target.close()
    return merged


def _merge_file(file: Path, limits: Limits, target: Receiver) -> list[Merged]:
    try:
        bundle = Bundle(file, limits)
    except RecordError:
        with unwrapped(file, limits) as found:
            if not found:
                raise
            return [_merge_one(Bundle(one.file, limits, one.name), target) for one in found]
    return [_merge_one(bundle, target)]


def _merge_one(bundle: Bundle, target: Receiver) -> Merged:
    with bundle:
        return _merged(bundle, target)


def _merged(bundle: Bundle, target: Receiver) -> Merged:
    named: dict[str, int] = {}
    count = new = 0
    for selector in bundle.manifest.records:
        fresh: list[tuple[str, bytes]] = []
        packing = 0
        for name, data, record in bundle.records(selector):
            count += 1
            named |= {a.file_name: a.size for a in record.artifacts.values()}
            if target.has(f"records/{selector}", name, len(data)):
                continue
            new += 1
            fresh.append((name, data))
            packing += len(data)
            if packing > _PACK:
                target.stage_pack(selector, fresh)
                fresh, packing = [], 0
        target.stage_pack(selector, fresh)
    for name, size in bundle.manifest.artifacts.items():
        if named.get(name) != size:
            raise refused(bundle.name, f"{name}: Expected an artifact of a record of this size.")
        chunks = of_its_type(name, bundle.chunks(name), bundle.name)
        if target.has("artifacts", name, size):
            for _ in chunks:  # to its end, which proves its digest
                pass
        else:
            target.stage("artifacts", name, chunks)
    target.commit()
    return Merged(bundle.name, count, new, len(bundle.manifest.artifacts))
