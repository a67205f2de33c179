"""The form of a bundle: a zip of a manifest, records a selector, and artifacts by digest.

``bundle.json`` names every record and artifact; ``records/SELECTOR.jsonl`` has a record a line,
as compact canonical JSON; ``artifacts/SHA256.suffix`` is as in a store. The same evidence is the
same bytes, whoever bundles it.
"""

from __future__ import annotations

import re

import msgspec

from ..errors import RecordError
from ..record import RECORD_LIMIT

__all__ = [
    "ARTIFACT", "LIMITS", "MANIFEST", "RECORDS", "SCHEMA", "Limits", "Manifest", "compact",
    "refused", "restored",
]  # fmt: skip

SCHEMA = 1
MANIFEST = "bundle.json"
RECORDS = re.compile(r"records/(?P<selector>[A-Za-z][A-Za-z0-9_-]{0,199})\.jsonl")
ARTIFACT = re.compile(r"artifacts/(?P<sha256>[0-9a-f]{64})(?P<suffix>\.(?:png|jpg|npz|txt|bin))")


class Limits(msgspec.Struct, frozen=True):
    """What a bundle may be, so that reading one costs little whatever it holds.

    Attributes:
        file: Bytes of the zip.
        members: Files in it.
        record: Bytes of one record.
        records: Number of records.
        manifest: Bytes of the manifest.
        artifact: Bytes of one artifact.
        total: Bytes of everything, unpacked.
        ratio: Unpacked to packed bytes of a file beyond a mebibyte. Alike records reach about
            140, which is what deflate makes of text that repeats; zeros reach 1000.
    """

    file: int = 512 * 2**20
    members: int = 10_000
    record: int = RECORD_LIMIT
    records: int = 200_000
    manifest: int = 24 * 2**20
    artifact: int = 64 * 2**20
    total: int = 2 * 2**30
    ratio: int = 250


LIMITS = Limits()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is in a bundle.

    Attributes:
        bundle: Version of this form.
        records: Selector → file names in a store, which tell each record's digest; sorted.
        artifacts: File name → bytes.
    """

    bundle: int
    records: dict[str, list[str]]
    artifacts: dict[str, int]


def compact(data: bytes) -> bytes:
    """Return a record's bytes as one line."""
    return msgspec.json.format(data, indent=-1)


def restored(line: bytes) -> bytes:
    """Return a line as the bytes that a store keeps."""
    return msgspec.json.format(line, indent=1) + b"\n"


def refused(bundle: str, why: str) -> RecordError:
    """Return the error that refuses a whole bundle by name."""
    return RecordError(f"{bundle}: {why} Nothing of it was kept.")
