"""Verified is said only of what a declared signer or the project's commit vouches for."""

from __future__ import annotations

import shutil
import subprocess

import pytest

pytest.importorskip("cryptography")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

pytestmark = pytest.mark.usefixtures("in_process")


def write_key(file, key):
    """Write a key as OpenSSH does; return its public half."""
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.fixture
def key(tmp_path):
    """A key and its public half."""
    file = tmp_path / "id_ed25519"
    return file, write_key(file, Ed25519PrivateKey.generate())


def declare(project, **signers):
    text = (project.root / "pyproject.toml").read_text()
    lines = "".join(f'{name} = "{public}"\n' for name, public in signers.items())
    project.write("pyproject.toml", f"[tool.ptyreg.signers]\n{lines}\n{text}")


@pytest.fixture
def measured(project):
    project.store.local.add(project.record())
    return project


def verified(project):
    done = project.cli("verify")
    return done.returncode, done.stdout


def test_a_declared_signer_vouches(measured, key):
    file, public = key
    declare(measured, other=_stranger(), ada=public)
    done = measured.cli("publish", "quick", "--sign", str(file))
    assert done.returncode == 0, done.stderr
    code, told = verified(measured)
    assert code == 0
    assert told.rstrip().endswith("verified: signed by ada")


def _stranger():
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_a_stranger_s_signature_vouches_for_nothing(measured, key):
    declare(measured, ada=_stranger())
    measured.cli("publish", "quick", "--sign", str(key[0]))
    assert verified(measured)[0] == 1
    assert "not verified: its signature is of no declared signer" in verified(measured)[1]


def test_the_signature_of_another_record_vouches_for_nothing(measured, key):
    declare(measured, ada=key[1])
    measured.cli("publish", "quick", "--sign", str(key[0]))
    [signed] = (measured.root / "docs/evidence/signatures").iterdir()
    entry = measured.store.published.add(measured.record(started="2026-03-05T00:00:00.000000Z"))
    shutil.copy(signed, signed.with_name(entry.stem + ".sig"))
    code, told = verified(measured)
    assert code == 1
    assert [line.rpartition(": ")[2] for line in told.splitlines()] == [
        "signed by ada", "its signature is of no declared signer",
    ]  # fmt: skip


@pytest.mark.parametrize("garbage", [b"", b"!!!", b"AAAA", b"\xff" * 100])
def test_a_broken_signature_vouches_for_nothing(measured, key, garbage):
    declare(measured, ada=key[1])
    measured.cli("publish", "quick", "--sign", str(key[0]))
    [signed] = (measured.root / "docs/evidence/signatures").iterdir()
    signed.write_bytes(garbage)
    assert verified(measured)[0] == 1


def git(project, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments],
        cwd=project.root, check=True, capture_output=True,
    )  # fmt: skip


def test_the_project_s_commit_vouches_and_only_as_it_is(measured):
    git(measured, "init", "-q")
    measured.cli("publish", "quick")
    assert verified(measured) == (1, verified(measured)[1])
    assert "not verified" in verified(measured)[1]
    git(measured, "add", "docs")
    assert verified(measured)[0] == 1  # nobody has committed it yet
    git(measured, "commit", "-qm", "evidence")
    code, told = verified(measured)
    assert code == 0
    assert ": verified: commit " in told
    [entry] = measured.store.published.entries("quick")
    entry.path.write_bytes(entry.path.read_bytes().replace(b"1.25", b"0.25"))
    code, told = verified(measured)
    assert code == 1
    assert "it was changed or cut off" in told


def test_a_key_that_cannot_sign_says_what_would(measured, tmp_path):
    cases = {
        "none": ("no key", b"x"),
        "missing": ("No such file", None),
        "rsa": ("another kind", generate_private_key(65537, 2048)),
    }
    for name, (told, key) in cases.items():
        file = tmp_path / name
        if isinstance(key, bytes):
            file.write_bytes(key)
            told = "to be an Ed25519 key without a passphrase"  # noqa: PLW2901
        elif key is not None:
            write_key(file, key)
        done = measured.cli("publish", "quick", "--sign", str(file))
        assert done.returncode == 2
        assert told in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (measured.root / "docs/evidence/records").exists()


def test_a_public_key_that_is_none_is_told_with_its_place(measured, key):
    declare(measured, ada="ssh-ed25519 nonsense")
    measured.cli("publish", "quick", "--sign", str(key[0]))
    done = measured.cli("verify")
    assert done.returncode == 2
    assert "pyproject.toml, tool.ptyreg.signers.ada: Expected a public key" in done.stderr


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (OpenSSH)")
@pytest.mark.parametrize("passphrase", ["", "a secret"])
def test_a_key_of_openssh_signs_unless_it_has_a_passphrase(measured, tmp_path, passphrase):
    file = tmp_path / "id"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "ada", "-f", str(file)],
        check=True,
    )  # fmt: skip
    declare(measured, ada=file.with_suffix(".pub").read_text().strip())
    done = measured.cli("publish", "quick", "--sign", str(file))
    if passphrase:
        assert done.returncode == 2
        assert "to be an Ed25519 key without a passphrase" in done.stderr
    else:
        assert verified(measured)[0] == 0
