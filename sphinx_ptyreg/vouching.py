"""Who vouches for a published record: a signer that the project declares, or its own commit.

A digest proves that a record was not changed, not who made it. Signatures are Ed25519, made with
the SSH keys that people have, over the record's bytes; those name every artifact by its digest.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .declared import Project
from .entries import Entry
from .errors import ConfigError, InfrastructureError, UsageError
from .revision import committed_in
from .store import Store, write_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Vouch", "load_key", "sign", "vouch"]

_CONTEXT = b"sphinx-ptyreg record 1\n"


class Vouch(NamedTuple):
    """Whether somebody vouches for a record, and who, in words."""

    verified: bool
    told: str


def vouch(project: Project, store: Store, entry: Entry) -> Vouch:
    """Find who vouches for a record as it lies in the tracked folder.

    Args:
        project: Declares the signers.
        store: Its store.
        entry: The record.

    Raises:
        RecordError: The record cannot be read or was changed.
        InfrastructureError: There is a signature, and nothing installed can check it.
        ConfigError: A declared key is none.
    """
    entry.read()  # which holds it to its digest
    published = store.published.folder / "records" / entry.path.parent.name / entry.name
    signature = _signature(store, entry)
    if signature.exists() and project.signers:
        signer = _signer(project, signature, entry.data())
        if signer is None:
            return Vouch(False, "not verified: its signature is of no declared signer")
        return Vouch(True, f"verified: signed by {signer}")
    if commit := committed_in(project.root, published):
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


def sign(store: Store, entry: Entry, key: Ed25519PrivateKey) -> Path:
    """Sign a record for the tracked folder; return the signature's file."""
    entry.read()
    file = _signature(store, entry)
    write_once(file, base64.b64encode(key.sign(_CONTEXT + entry.data())) + b"\n")
    return file


def _signature(store: Store, entry: Entry) -> Path:
    return store.published.folder / "signatures" / f"{entry.name.removesuffix('.json')}.sig"


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
