"""What tracing costs, in CPU seconds of the whole process tree of a test run.

``python tests/benchmarks/tracing.py [--pairs 15] [NODEID …]``, from the project's root. Each round
runs the tests plain, plain again and traced, in a turning order; the ratio's interval is a
bootstrap of the median. Ends with 1 when the two plain runs differ by more than 3 %, for then the
machine is too unquiet to tell, or when the upper bound of the cost is above 3 %.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sphinx_ptyreg
from sphinx_ptyreg.process import hermetic

CHILD = Path(sphinx_ptyreg.__file__).parent / "child"
LIMIT = 0.03

#: Without node ids: a test that imports much, which is where tracing has the most to do.
BUILT_IN = """
def test_imports_and_computes():
    import numpy as np

    try:
        import torch  # noqa: F401
    except ImportError:
        pass
    a = np.random.default_rng(0).normal(size=(200, 200))
    for _ in range(400):
        a = np.tanh(a @ a)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodeids", nargs="*")
    parser.add_argument("--pairs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, nodeids = Path.cwd(), arguments.nodeids
        if not nodeids:
            root, nodeids = Path(folder), ["test_built_in.py"]
            (root / nodeids[0]).write_text(BUILT_IN, encoding="utf-8")
        log = Path(folder) / "trace.log"
        seconds(root, nodeids, log, traced=True)  # compiles, and fills the disk's cache
        lines = len(log.read_text(encoding="utf-8", errors="replace").splitlines())
        rounds = [one_round(root, nodeids, log, n) for n in range(arguments.pairs)]
    same = interval([second / first for first, second, _ in rounds])
    cost = interval([2 * traced / (first + second) for first, second, traced in rounds])
    plain = statistics.median(first for first, _, _ in rounds)
    print(f"{arguments.pairs} rounds of {' '.join(nodeids)}: {plain:.2f} CPU s, {lines} lines told")
    print("plain/plain   {:.4f} [{:.4f}, {:.4f}]".format(*same))
    print("traced/plain  {:.4f} [{:.4f}, {:.4f}]".format(*cost))
    quiet = same[1] >= 1 - LIMIT and same[2] <= 1 + LIMIT
    print("quiet enough" if quiet else "NOT QUIET ENOUGH to tell")
    print("cost within 3 %" if cost[2] <= 1 + LIMIT else "COST ABOVE 3 %")
    return 0 if quiet and cost[2] <= 1 + LIMIT else 1


def one_round(root: Path, nodeids: list[str], log: Path, number: int) -> tuple[float, ...]:
    """Run plain, plain, traced in an order that turns; return their seconds in that order."""
    order = [(number + step) % 3 for step in range(3)]
    found = {kind: seconds(root, nodeids, log, traced=kind == 2) for kind in order}
    return found[0], found[1], found[2]


def seconds(root: Path, nodeids: list[str], log: Path, *, traced: bool) -> float:
    """Return user and system seconds of a test run and all its descendants."""
    env = hermetic(os.environ, {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"})
    env["OPENBLAS_NUM_THREADS"] = "1"
    if traced:
        log.unlink(missing_ok=True)
        env |= {
            "PYTHONPATH": str(CHILD),
            "PTYREG_TRACE": str(log),
            "PTYREG_TRACE_ROOT": str(root),
            "PTYREG_TRACE_BEGAN": str(time.time_ns()),
        }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *nodeids]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=root, env=env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Return the median and its 95 % bootstrap interval."""
    source = random.Random(1)  # noqa: S311 - a seed, not a secret
    medians = sorted(statistics.median(source.choices(ratios, k=len(ratios))) for _ in range(4000))
    return statistics.median(ratios), medians[100], medians[3899]


if __name__ == "__main__":
    sys.exit(main())
