"""More processes, more data than memory, and Ctrl-C from outside: in processes of their own."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (POLICY-001)")

from ptycho_torch.data.npz import write_npz_rows
from ptycho_torch.simulate import simulate_probe

pytestmark = [pytest.mark.torch, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
LOSS_TOLERANCE = 1e-5
"""Two processes add the same numbers in another order; measured here: 1e-7."""


def losses(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [float(row[name]) for row in rows for name in ("train_loss", "test_loss") if row[name]]


def test_two_processes_that_train_together_give_the_loss_of_one(
    small_scan_file, tmp_path, command
) -> None:
    for name, flags in (("one", []), ("two", ["--devices", 2, "--strategy", "ddp"])):
        child = command(
            "train", "--train_data_file", small_scan_file, "--output_dir", tmp_path / name,
            "--test_data_file", small_scan_file, "--max_epochs", 3, "--batch_size", 6,
            "--accelerator", "cpu", *flags, OMP_NUM_THREADS="1",
        )  # fmt: skip
        assert child.returncode == 0, child.stderr
        assert child.stderr.count("epoch 3/3") == 1, child.stderr
        assert child.stderr.count("wrote") == 1, child.stderr
    for one, two in zip(losses(tmp_path / "one"), losses(tmp_path / "two"), strict=True):
        assert two == pytest.approx(one, rel=LOSS_TOLERANCE)


LIMITED = """
import resource, sys
import ptycho_torch.fitting
from ptycho_torch.train import main
def status(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return 1024 * int(line.split()[1])
limit = status("VmData") + {room}
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits what a process may hold, as Linux does")
def test_a_scan_that_does_not_fit_into_memory_trains(tmp_path) -> None:
    size, count, block = 128, 6000, 500
    rng = np.random.default_rng(0)
    probe = np.pad(simulate_probe(32) * np.float32(1e3), 48)
    beam = np.abs(np.fft.fftshift(np.fft.fft2(probe, norm="ortho")))
    positions = rng.random((count, 2)) * 900
    noise = (0.9 + 0.2 * rng.random((block, size, size), dtype=np.float32)) * beam
    blocks = (noise.astype(np.float32) for _ in range(count // block))
    scan = tmp_path / "scan.npz"
    write_npz_rows(
        scan,
        {
            "diff3d": ((count, size, size), np.dtype(np.float32), blocks),
            "ycoords": ((count,), None, [positions[:, 0]]),
            "xcoords": ((count,), None, [positions[:, 1]]),
            "probeGuess": (probe.shape, None, [probe]),
        },
    )
    room = 250 * 2**20
    assert scan.stat().st_size > 1.4 * room
    arguments = [
        "--train_data_file", str(scan), "--output_dir", str(tmp_path / "out"), "--max_epochs", "1",
        "--batch_size", "32", "--accelerator", "cpu", "--quiet",
    ]  # fmt: skip
    child = subprocess.run(
        [sys.executable, "-c", LIMITED.format(room=room), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr[-2000:]
    assert np.isfinite(losses(tmp_path / "out")).all()


def test_ctrl_c_from_outside_keeps_the_last_epoch(small_scan_file, tmp_path) -> None:
    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path / "out")]
    child = subprocess.Popen(
        [sys.executable, "-m", "ptycho_torch.train", *arguments, "--max_epochs", "100000",
         "--accelerator", "cpu"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    checkpoint = tmp_path / "out" / "checkpoints" / "last.ckpt"
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("Interrupted after epoch ")
    assert "--resume" in last
    assert "Traceback" not in err
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["last.ckpt"]
