"""From a store to a bundle."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..errors import InfrastructureError, RecordError, VerdictError
from ..record import NAME, RECORD_LIMIT, canonical
from ..store import Entry, Store
from .form import LIMITS, MANIFEST, SCHEMA, Manifest, compact, restored
from .reading import Bundle

__all__ = ["Written", "selectors_of", "write_bundle"]

_EPOCH = (1980, 1, 1, 0, 0, 0)


class Written(NamedTuple):
    """What a bundle holds, and what it does not.

    Attributes:
        records: How many records.
        artifacts: How many artifacts.
        size: Bytes of the bundle.
        gone: Artifacts that its records name, but no layer has or no bundle may hold.
        left_out: Records that are larger than any that is merged.
    """

    records: int
    artifacts: int
    size: int
    gone: tuple[str, ...]
    left_out: tuple[str, ...]


def selectors_of(store: Store) -> list[str]:
    """Return the selectors that the store has records of, declared or not."""
    names: set[str] = set()
    for layer in store.layers:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            names |= {path.name for path in (layer.folder / "records").iterdir()}
    return sorted(name for name in names if NAME.fullmatch(name))


def write_bundle(store: Store, selectors: Iterable[str], file: Path) -> Written:
    """Write the records of `selectors`, from every layer, with their artifacts.

    The same records give the same bytes; nothing tells when or where they were bundled.

    Raises:
        RecordError: A record was changed or cut off; the text begins with its name.
        VerdictError: The whole would be larger than a bundle that is merged.
        InfrastructureError: The file cannot be written.
    """
    temporary = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            written = _write(archive, store, sorted(set(selectors)))
        _check(temporary, file.name)
        os.replace(temporary, file)  # noqa: PTH105 - as the store does
        return written._replace(size=file.stat().st_size)
    except OSError as error:
        raise InfrastructureError(
            f"Expected {file} to be writable, but got: {error.strerror}."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _check(temporary: Path, name: str) -> None:
    """Refuse to hand out what nobody could merge."""
    try:
        Bundle(temporary, name=name).close()
    except RecordError as error:
        told = str(error).removesuffix(" Nothing of it was kept.")
        raise VerdictError(f"{told} Bundle fewer selectors at once.") from error


def _write(archive: zipfile.ZipFile, store: Store, selectors: list[str]) -> Written:
    names: dict[str, list[str]] = {}
    artifacts: dict[str, Path] = {}
    gone: set[str] = set()
    left_out: list[str] = []
    for selector in selectors:
        found = _unique(store.entries(selector))
        entries = [entry for entry in found if entry.size <= RECORD_LIMIT]
        left_out += [entry.name for entry in found if entry.size > RECORD_LIMIT]
        if not entries:
            continue
        names[selector] = [entry.name for entry in entries]
        with archive.open(_member(f"records/{selector}.jsonl"), "w", force_zip64=True) as member:
            for entry in entries:
                for artifact in entry.read().artifacts.values():  # which holds it to its name
                    path = store.artifact(artifact)
                    if path is None or artifact.size > LIMITS.artifact:
                        gone.add(artifact.file_name)
                    else:
                        artifacts[artifact.file_name] = path
                member.write(_line(entry) + b"\n")
    for name, path in sorted(artifacts.items()):
        archive.writestr(_member(f"artifacts/{name}"), path.read_bytes())
    sizes = {name: path.stat().st_size for name, path in artifacts.items()}
    manifest = Manifest(bundle=SCHEMA, records=names, artifacts=sizes)
    archive.writestr(_member(MANIFEST), canonical(manifest))
    count = sum(map(len, names.values()))
    return Written(count, len(artifacts), 0, tuple(sorted(gone)), tuple(left_out))


def _unique(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for _, entry in sorted({entry.name: entry for entry in entries}.items())]


def _line(entry: Entry) -> bytes:
    data = entry.data()
    line = compact(data)
    if restored(line) != data:
        raise RecordError(f"{entry.name}: Expected a record as a store spells it.")
    return line


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o100644 << 16
    member.create_system = 3
    return member
