"""An S3-compatible object store as the shared store: moto's server, on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.slow
if os.environ.get("PTYREG_CI") != "1":
    pytest.importorskip("moto", reason="the stores environment has it: tox -e stores")
    pytest.importorskip("s3fs", reason="the stores environment has it: tox -e stores")

URL = "s3://evidence/project"
PAGE = "{ptyreg:value}`quick.duration` {ptyreg:value}`quick.machine_class`"


@pytest.fixture
def server(monkeypatch):
    """Start the server, make a bucket, and tell AWS's own variables of it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": address, "AWS_MAX_ATTEMPTS": "2",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                make = urllib.request.Request(f"{address}/evidence", method="PUT")  # noqa: S310
                urllib.request.urlopen(make, timeout=5).close()  # noqa: S310
                break
            assert process.poll() is None
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def test_run_here_replay_there_and_offline(server, project, another, page):
    here = another("gpu-box")
    for one in (here, project):
        text = (one.root / "pyproject.toml").read_text()
        one.write("pyproject.toml", f'[tool.ptyreg]\nstore = "{URL}"\n\n{text}')
    done = here.cli("run", "quick", env={"PTYREG_CLASS": "gpu-node"})
    assert done.returncode == 0, done.stderr
    assert f"1 records to {URL}" in done.stdout

    built = page(PAGE)
    assert built.warnings == ""
    assert f"1 records from {URL}" in built.log
    values = built.spans("ptyreg-value")
    assert values[1] == "gpu-node"
    assert project.runs == 0

    server.kill()
    server.wait()
    built = page(PAGE)
    assert built.spans("ptyreg-value") == values
    assert f"WARNING: ptyreg: store: {URL} cannot be reached, the local copy serves" in (
        built.warnings
    )
    assert built.warnings.count("WARNING") == 1
    done = here.cli("run", "quick")
    assert done.returncode == 0
    assert "what was run here stays here until it is back" in done.stderr


def test_a_bucket_that_is_not_there_is_told_and_not_made(server, project, monkeypatch):
    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f'[tool.ptyreg]\nstore = "s3://evidnce/project"\n\n{text}')
    project.seed()
    for _ in range(2):  # nor by the first attempt
        done = project.cli("sync")
        assert done.returncode == 3
        assert "there is no 'evidnce': make it, or correct the URL" in done.stderr


def test_a_new_prefix_is_told_and_a_cut_off_upload_is_repaired(server, project):
    import s3fs

    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f'[tool.ptyreg]\nstore = "{URL}/new"\n\n{text}')
    entry = project.seed()
    done = project.cli("sync")
    assert done.returncode == 0, done.stderr
    assert "0 records from s3://evidence/project/new, which has nothing of this project yet" in (
        done.stdout
    )
    files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    [name] = files.ls("evidence/project/new/records/quick")
    assert files.cat(name) == entry.read_bytes()
    files.pipe(name, b"")
    assert "1 records to" in project.cli("sync").stdout
    assert files.cat(name) == entry.read_bytes()
