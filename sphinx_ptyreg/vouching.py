"""Who vouches for a published record: a signer that the project declares, or its own commit.

A digest proves that a record was not changed, not who made it. Signatures are Ed25519, made with
the SSH keys that people have, over the record's bytes; those name every artifact by its digest.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .declared import Project
from .entries import Entry
from .errors import ConfigError, InfrastructureError, UsageError
from .frozen import MANIFEST, ReleaseLayer
from .revision import committed_in
from .store import Layer, write_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Vouch", "load_key", "sign", "sign_release", "vouch", "vouch_for_release"]

_CONTEXT = b"sphinx-ptyreg record 1\n"


class Vouch(NamedTuple):
    """Whether somebody vouches for a record, and who, in words."""

    verified: bool
    told: str


def vouch(project: Project, layer: Layer, entry: Entry, *others: Layer) -> Vouch:
    """Find who vouches for a record as it lies in a tracked folder, artifacts and all.

    Args:
        project: Declares the signers.
        layer: The tracked folder.
        entry: The record.
        others: Layers whose signatures of the same bytes count too.

    Raises:
        RecordError: The record cannot be read or was changed.
        InfrastructureError: There is a signature, and nothing installed can check it.
        ConfigError: A declared key is none.
    """
    record = entry.read()  # which holds it to its digest
    for name, artifact in record.artifacts.items():
        if layer.artifact(artifact) is None:
            return Vouch(False, f"not verified: artifact {name!r} is gone or was changed")
    signatures = [_signature(place, entry.name) for place in (layer, *others)]
    return _vouch(project, entry.path, entry.data(), signatures)


def vouch_for_release(project: Project, layer: ReleaseLayer) -> Vouch:
    """Find who vouches for the list of what a release keeps.

    Raises:
        InfrastructureError: There is a signature, and nothing installed can check it.
        ConfigError: A declared key is none.
    """
    if gone := layer.gone():
        return Vouch(False, f"not verified: {gone[0]}, which it names, is gone")
    file = layer.folder / MANIFEST
    return _vouch(project, file, file.read_bytes(), [_signature(layer, MANIFEST)])


def _vouch(project: Project, file: Path, data: bytes, signatures: Sequence[Path]) -> Vouch:
    signed = [signature for signature in signatures if signature.exists()]
    if signed and project.signers:
        signers = (_signer(project, signature, data) for signature in signed)
        if signer := next(filter(None, signers), None):
            return Vouch(True, f"verified: signed by {signer}")
        return Vouch(False, "not verified: its signature is of no declared signer")
    if commit := committed_in(project.root, file):
        return Vouch(True, f"verified: commit {commit[:7]}")
    return Vouch(False, "not verified")


def load_key(file: Path) -> Ed25519PrivateKey:
    """Read a private Ed25519 key in OpenSSH's form, such as ``~/.ssh/id_ed25519``.

    Raises:
        UsageError: It is none, or has a passphrase.
        InfrastructureError: cryptography is not installed.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_ssh_private_key,
        )
    except ImportError as error:
        raise _not_installed() from error
    try:
        key = load_ssh_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"Expected a key in {file.name}, but got: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"Expected {file.name} to be an Ed25519 key without a passphrase, but got: {error}. "
            "Make one for this: ssh-keygen -t ed25519 -N '' -f FILE"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"Expected {file.name} to be an Ed25519 key, but got another kind.")
    return key


def sign(layer: Layer, entry: Entry, key: Ed25519PrivateKey) -> Path:
    """Sign a record of a tracked folder; return the signature's file."""
    entry.read()
    return _sign(_signature(layer, entry.name), entry.data(), key)


def sign_release(layer: ReleaseLayer, key: Ed25519PrivateKey) -> None:
    """Sign every record that a release keeps, and the list of them."""
    for folder in sorted((layer.folder / "records").iterdir()):
        for entry in layer.entries(folder.name):
            sign(layer, entry, key)
    _sign(_signature(layer, MANIFEST), (layer.folder / MANIFEST).read_bytes(), key)


def _sign(file: Path, data: bytes, key: Ed25519PrivateKey) -> Path:
    write_once(file, base64.b64encode(key.sign(_CONTEXT + data)) + b"\n")
    return file


def _signature(layer: Layer, name: str) -> Path:
    return layer.folder / "signatures" / f"{name.removesuffix('.json')}.sig"


def _signer(project: Project, file: Path, data: bytes) -> str | None:
    """Return the declared signer whose signature is in `file`; None when it is nobody's."""
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - where one is checked
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_ssh_public_key,
        )
    except ImportError as error:
        raise _not_installed() from error
    try:
        signature = base64.b64decode(file.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error):
        return None
    for name, text in project.signers.items():
        try:
            key = load_ssh_public_key(text.encode())
        except ValueError as error:
            raise ConfigError(
                f"pyproject.toml, tool.ptyreg.signers.{name}",
                f"Expected a public key, 'ssh-ed25519 AAAA…', but got: {error}.",
            ) from error
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigError(
                f"pyproject.toml, tool.ptyreg.signers.{name}",
                "Expected a public Ed25519 key, 'ssh-ed25519 AAAA…', but got another kind.",
            )
        try:
            key.verify(signature, _CONTEXT + data)
        except InvalidSignature:
            continue
        return name
    return None


def _not_installed() -> InfrastructureError:
    return InfrastructureError(
        "Expected cryptography to sign or to check a signature. Install sphinx-ptyreg[sign]."
    )
