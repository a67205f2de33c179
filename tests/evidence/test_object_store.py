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
