"""How long it takes to merge 1,000 bundles of 100 records, and how much memory that takes.

``python tests/benchmarks/merge.py [--bundles 1000] [--records 100]``. Ends with 1 above 10 s or
200 MB. Merging all of it again, where nothing is new, is timed too.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from sphinx_ptyreg.bundles.merging import merge
from sphinx_ptyreg.bundles.writing import write_bundle
from sphinx_ptyreg.record import (
    SCHEMA,
    Durations,
    Inputs,
    Machine,
    Metric,
    Outcome,
    Resources,
    RunRecord,
    Stage,
    TestResult,
)
from sphinx_ptyreg.store import Store

LIMIT_S, LIMIT_MB = 10.0, 200.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=int, default=1000)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="merge the bundles there (used by the script)")
    arguments = parser.parse_args()
    if arguments.folder:
        return measure(arguments.folder)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write(folder, arguments.bundles, arguments.records)
        count = arguments.bundles * arguments.records
        print(f"{arguments.bundles} bundles of {arguments.records} records, {size} bytes a record")
        answers = [
            subprocess.run(
                [sys.executable, __file__, "--folder", name],
                capture_output=True, text=True, check=True,
            ).stdout.split()
            for _ in range(2)
        ]  # fmt: skip
    for what, (new, wall, cpu, memory) in zip(("first", "again"), answers, strict=True):
        print(f"{what}: {new} of {count} new in {float(wall):.2f} s "
              f"(CPU {float(cpu):.2f} s), peak {float(memory):.0f} MB")  # fmt: skip
    _, wall, _, memory = map(float, answers[0])
    print(f"load {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    return 0 if wall <= LIMIT_S and memory <= LIMIT_MB else 1


def measure(folder: Path) -> int:
    """Merge all bundles in `folder`; print new records, seconds, CPU seconds and peak memory."""
    bundles = sorted(folder.glob("*.zip"))
    store = Store(folder / "store", folder / "published")
    begun, cpu = time.monotonic(), time.process_time()
    new = sum(one.new for one in merge(store, bundles))
    wall, cpu = time.monotonic() - begun, time.process_time() - cpu
    print(new, wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    return 0


def write(folder: Path, bundles: int, records: int) -> int:
    """Write bundles of records that differ; return the bytes of a record."""
    # In memory: ext4 is slow to make files for half a minute after many were deleted beside them.
    memory = Path("/dev/shm")  # noqa: S108 - named after what it is
    size = 0
    for number in range(bundles):
        source = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        store = Store(source, source / "published")
        for index in range(records):
            path = store.local.folder / "records" / "bench"
            size = put(store, number * records + index, path)
        write_bundle(store, ["bench"], folder / f"{number:05}.zip")
        shutil.rmtree(source)
    return size


def put(store: Store, number: int, folder: Path) -> int:
    """Write a record without waiting for the disk; return its size."""
    from sphinx_ptyreg.entries import file_name
    from sphinx_ptyreg.record import encode

    record = msgspec.structs.replace(
        LIKE,
        started=f"2026-{1 + number % 12:02}-{1 + number // 12 % 28:02}T00:00:00.{number:06}Z",
        durations=Durations(duration=30 + number / 1e4, duration_call=30.0, wall=33.0),
        machine_class=f"class-{number % 7}",
    )
    data = encode(record)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file_name(record, data)).write_bytes(data)
    return len(data)


LIKE = RunRecord(
    schema=SCHEMA, selector="bench", started="", outcome=Outcome.PASSED, reason="", source="run",
    command=["python", "-m", "pytest", "tests/test_bench.py"], exit_code=0, attempt=1,
    warmup=False, commit=None,
    durations=Durations(duration=1.0, duration_call=1.0, wall=1.0),
    resources=Resources(cpu_s=30.0, peak_rss_mib=900.0),
    stages=[Stage(name=name, seconds=3.0) for name in ("import", "train", "save", "infer")],
    metrics={name: Metric(value=0.5, unit="dB") for name in ("psnr", "loss")},
    artifacts={},
    tests=[TestResult(nodeid="tests/test_bench.py::test", outcome=Outcome.PASSED, seconds=30.0)],
    machine=Machine(system="Linux", architecture="x86_64", cpu="A CPU", isa="AVX2", cores=8,
                    memory_mib=64000, accelerator="none"),
    machine_class="", environment={"torch": "2.13.0"},
    inputs=Inputs(
        declaration="{}",
        files={f"src/module_{n}.py": f"{n:064x}" for n in range(25)},
        packages={f"package-{n}": "1.0" for n in range(20)}, python="3.11.7",
    ),
    output="1 passed in 30.00s\n",
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
