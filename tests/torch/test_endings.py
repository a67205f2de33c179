"""Ways in which commands end that are nobody's fault: closed pipes, signals, odd terminals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ptycho_torch.checks import UsageError
from ptycho_torch.commands import run_command, say

ROOT = Path(__file__).parents[2]


def start(module: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    environ |= {"OMP_NUM_THREADS": "1"} | options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", f"ptycho_torch.{module}", *map(str, arguments)], cwd=ROOT,
        env=environ, text=True, encoding=options.pop("encoding", "utf-8"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def until(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("validate", ["SCAN"]), ("env_report", ["--quick"]), ("simulate", ["--help"])],
)
def test_who_stops_reading_ends_it_quietly(module, arguments, small_scan_file) -> None:
    with start(module, *[small_scan_file if a == "SCAN" else a for a in arguments]) as child:
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(60) == 141


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_letters_gets_escapes(encoding, small_scan_file) -> None:
    child = start(
        "validate", small_scan_file, env={"PYTHONIOENCODING": encoding}, encoding=encoding
    )
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert "valid" in out
    assert r"\u2026" in out


def test_what_is_said_stops_nothing(tmp_path) -> None:
    closed = (tmp_path / "log").open("w")
    closed.close()
    say("into nothing", stream=closed)
    if Path("/dev/full").exists():
        with suppress(OSError), Path("/dev/full").open("w") as full:
            say("into what is full", stream=full)


@pytest.mark.torch
def test_training_goes_on_when_nobody_listens_any_more(tmp_path, small_scan_file) -> None:
    with start(
        "train", "--train_data_file", small_scan_file, "--output_dir", tmp_path / "out",
        "--max_epochs", 3, "--accelerator", "cpu",
    ) as child:  # fmt: skip
        assert child.stderr.readline().startswith("epoch 1/3")
        child.stderr.close()
        assert child.wait(120) == 0
    assert (tmp_path / "out" / "wts.h5.zip").is_file()


@pytest.mark.torch
def test_a_request_to_terminate_is_answered_like_ctrl_c(tmp_path, small_scan_file) -> None:
    with start(
        "inference", "--model_path", "none", "--test_data", small_scan_file, "--output_dir",
        tmp_path / "out", "--refine", 1_000_000, "--accelerator", "cpu",
    ) as child:  # fmt: skip
        until(lambda: list(tmp_path.glob(".out.*")))
        assert child.stderr.readline().startswith("pass 0/")
        child.send_signal(signal.SIGTERM)
        told = child.stderr.read().splitlines()
        assert (child.wait(60), told[-1]) == (143, "Interrupted. Nothing was written.")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_modules_are_loaded_leaves_no_traceback(tmp_path) -> None:
    interrupting = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "numpy.py").write_text(interrupting)
    child = start("inference", "--help", env={"PYTHONPATH": str(tmp_path)})
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (-signal.SIGINT, "")


@pytest.mark.torch
def test_ctrl_c_while_results_are_written_says_what_is_kept(
    tmp_path, small_scan_file, monkeypatch, capsys
) -> None:
    from ptycho_torch import train

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path / "out"),
                 "--max_epochs", "1", "--accelerator", "cpu", "--quiet"]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(train, "_write_metrics", interrupted)
        assert train.main(arguments) == 130
    assert "--resume" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoints"]
    assert train.main([*arguments, "--resume"]) == 0
    assert (tmp_path / "out" / "wts.h5.zip").is_file()


@pytest.mark.torch
def test_inference_leaves_a_training_alone(tmp_path, small_scan_file, trained, capsys) -> None:
    from ptycho_torch import inference

    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    status = inference.main(["--model_path", str(trained), "--test_data", str(small_scan_file),
                             "--output_dir", str(trained)])  # fmt: skip
    assert status == 2
    assert "to hold no training" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}


@pytest.mark.torch
def test_our_own_checkpoint_is_no_bundle_and_is_known(small_scan_file, trained, tmp_path, capsys):
    from ptycho_torch import inference

    last = trained / "checkpoints" / "last.ckpt"
    status = inference.main(["--model_path", str(last), "--test_data", str(small_scan_file),
                             "--output_dir", str(tmp_path / "out")])  # fmt: skip
    assert status == 2
    assert "but got a checkpoint of this program. Give the folder" in capsys.readouterr().err


def test_processes_that_train_together_tell_an_error_once(monkeypatch, capsys) -> None:
    def wrong() -> None:
        raise UsageError("Expected something else.")

    for rank, told in (("0", "Expected something else.\n"), ("1", "")):
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert run_command(wrong) == 2
        assert capsys.readouterr().err == told


def test_too_little_memory_is_told(capsys) -> None:
    def greedy() -> None:
        raise MemoryError("Unable to allocate 1.5 TiB")

    assert run_command(greedy) == 3
    assert capsys.readouterr().err == (
        "Expected the memory of this machine to be enough, but got Unable to allocate 1.5 TiB. "
        "Ask for fewer or smaller patterns.\n"
    )


@pytest.mark.torch
def test_a_full_disk_while_training_says_how_to_go_on(
    tmp_path, small_scan_file, monkeypatch, capsys
):
    import lightning.pytorch as lightning

    from ptycho_torch import train

    plain, written = lightning.Trainer.save_checkpoint, []

    def save(self: Any, path: Any, *arguments: Any) -> None:
        if written:
            raise OSError(28, "No space left on device", str(path))
        written.append(path)
        plain(self, path, *arguments)

    arguments = ["--train_data_file", str(small_scan_file), "--output_dir", str(tmp_path / "out"),
                 "--max_epochs", "2", "--accelerator", "cpu", "--quiet"]  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(lightning.Trainer, "save_checkpoint", save)
        assert train.main(arguments) == 3
    assert capsys.readouterr().err == (
        f"Expected {tmp_path / 'out' / 'checkpoints' / 'last.ckpt'} to take the checkpoint of "
        "epoch 2, but got No space left on device. Free what is missing, then run the same "
        "command with --resume: epoch 1 is kept.\n"
    )
    assert train.main([*arguments, "--resume"]) == 0
