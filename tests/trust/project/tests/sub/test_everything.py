"""Reads in every way that a project might; each file holds what only its own row changes."""

from __future__ import annotations

import ctypes
import glob
import gzip
import importlib.resources
import importlib.util
import json
import mmap
import multiprocessing
import os
import runpy
import signal
import sqlite3
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import edit_dep
import local_dep
import loose
import numpy as np
import plain_dep

sys.path.insert(0, "lib")
import lib_module
import optional_user

DATA = Path("data")


def python(*arguments, **options):
    subprocess.run([sys.executable, *arguments], check=True, timeout=60, **options)


def fork_worker(path):
    with open(path, encoding="utf-8") as file:
        os.write(1, file.read(1).encode())
    os._exit(0)


def by_python():
    open("data/open.txt", encoding="utf-8").close()
    (DATA / "read_text.txt").read_text(encoding="utf-8")
    np.load("data/array.npy")
    np.memmap("data/memmap.bin", dtype=np.uint8, mode="r")
    handle = os.open("data/os_open.bin", os.O_RDONLY)
    os.read(handle, 1)
    os.close(handle)
    with open("data/mmap.bin", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        pass
    with gzip.open("data/packed.gz") as packed:
        packed.read()
    base = sqlite3.connect("file:data/base.sqlite?mode=ro", uri=True)
    base.execute("select * from t").fetchall()
    base.close()
    np.fromfile("data/fromfile.bin", dtype=np.uint8)
    json.loads((DATA / "seed.json").read_text(encoding="utf-8"))
    tomllib.loads(Path("settings/pyproject.toml").read_text(encoding="utf-8"))
    importlib.resources.files("lib_package").joinpath("resource.txt").read_text(encoding="utf-8")
    Path("data/linked.txt").read_text(encoding="utf-8")
    os.readlink("data/pointer")


def by_code():
    sys.path.insert(0, "lib/zipped.zip")
    import in_zip  # noqa: F401

    runpy.run_path("lib/script.py")
    native = next(Path("native").glob("*.so"))
    ctypes.CDLL(os.path.abspath("native/dlopened.so.1"))
    spec = importlib.util.spec_from_file_location(native.name.partition(".")[0], native)
    importlib.util.module_from_spec(spec)


def by_looking():
    os.path.exists("data/exists.txt")
    os.path.exists("data/not_yet.txt")
    os.path.getsize("data/size.txt")
    os.path.isdir("data/folder")
    try:
        open("data/absent.txt", encoding="utf-8")
    except FileNotFoundError:
        pass
    glob.glob("data/globbed/*.txt")
    list(Path("data/tree").rglob("*.txt"))
    list(Path("data/nested").glob("*/x.txt"))
    os.listdir("data/listed")
    list(Path("data/iterated").iterdir())
    for _ in os.walk("data/walked"):
        pass


def by_libraries():
    try:
        import h5py
    except ImportError:
        pass
    else:
        with h5py.File("data/five.h5") as five:
            five["x"][()]
    try:
        from safetensors.numpy import load_file
    except ImportError:
        pass
    else:
        load_file("data/weights.safetensors")


def by_processes():
    worker = multiprocessing.get_context("fork").Process(
        target=fork_worker, args=("data/forked.txt",)
    )
    worker.start()
    worker.join()
    import lib_module as module

    worker = multiprocessing.get_context("spawn").Process(
        target=module.read, args=("data/spawned.txt",)
    )
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    python("lib/train.py")
    python("-c", "open('data/empty_env.txt')", env={})
    python("-c", "import os; os._exit(0 if open('data/exited.txt') else 1)")
    killed = "import os; open('data/killed.txt'); os.kill(os.getpid(), 9)"
    answer = subprocess.run([sys.executable, "-c", killed], check=False)
    assert answer.returncode == -signal.SIGKILL
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-c", "open('data/posix.txt')"], dict(os.environ)
    )
    os.waitpid(pid, 0)
    subprocess.run(
        "exec " + sys.executable + " -c \"open('data/shell.txt')\"", shell=True, check=True
    )


def by_threads():
    def read(number):
        for part in range(10):
            (DATA / "threads" / f"{number}-{part}.txt").read_text(encoding="utf-8")

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def by_writing():
    Path("work/made.txt").write_text("made", encoding="utf-8")
    Path("work/made.txt").read_text(encoding="utf-8")
    Path("data/listed/output.txt").write_text(str(os.getpid()), encoding="utf-8")


def test_everything(fixture_of_sub, top_fixture):
    assert not [name for name in os.environ if name.startswith("PTYREG") or name == "PYTHONPATH"]
    assert not [entry for entry in sys.path if entry.endswith("child")]
    assert os.environ["DECLARED"] == "one"
    assert (edit_dep.X, local_dep.X, loose.X, plain_dep.X) == (1, 1, 1, 1)
    assert lib_module.X
    assert optional_user.DEFAULT
    by_python()
    by_code()
    by_looking()
    by_libraries()
    by_processes()
    by_threads()
    by_writing()
