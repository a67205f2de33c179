"""What live values cost: pages with values against the same pages as plain text.

    python tests/benchmarks/pages.py [--pairs 15] [--quick] [--instructions]

Compares user + system CPU seconds of ``sphinx-build`` in alternating pairs, with a bootstrap 95 %
interval of the median ratio, beside an A/A control (plain against plain). Also: CPU per value at
10,000 values against 500, ``setup()``, and a store of 10,000 records. Exit status 1 when a bound
does not hold.

A build collects all its garbage about ten times, after fixed numbers of allocations: one of two
builds of nearly the same size may just have had one time more, which is 3 % of it. So the pairs
differ in size, by plain paragraphs without values. A busy machine can only slow a build down, so
each build of a pair is done twice, there and back, and the faster counts. Where seconds vary too
much to tell, ``--instructions`` counts instructions instead, by Valgrind, the same on every run.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
WORDS = "one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905


class Cost(NamedTuple):
    """CPU seconds, or 10^9 instructions, and peak memory (MiB) of one build."""

    cpu: float
    memory: float


def bench_project(root: Path):
    """Return a project with records, as the tests use it."""
    spec = importlib.util.spec_from_file_location("ptyreg_bench", HERE.parent / "bench/conftest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ptyreg_bench"] = module
    spec.loader.exec_module(module)
    bench = module.Bench(root)
    bench.seed_all()
    return bench


def write_pages(root: Path, pages: int, values: int, *, live: bool, plain: int = 0) -> None:
    """Write `pages` with the same words; a value is a role or the text that it shows.

    Args:
        root: The project.
        pages: How many there are beside the index.
        values: How many each has, in a section of its own.
        live: Whether they are roles.
        plain: How many paragraphs without values each has beside.
    """
    chance = random.Random(1)  # noqa: S311 - the same words each time
    docs = root / "docs"
    shutil.rmtree(docs, ignore_errors=True)
    docs.mkdir(parents=True)
    extensions = ["myst_parser", *(["sphinx_ptyreg"] if live else [])]
    (docs / "conf.py").write_text(f"extensions = {extensions!r}\nproject = 'p'\n")
    names = [f"page{i:04d}" for i in range(pages)]
    toc = "\n".join(names)
    (docs / "index.md").write_text(f"# Index\n\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n")
    for name in names:
        blocks = [f"# {name}"]
        for i in range(values):
            text = " ".join(chance.choices(WORDS, k=60))
            value = "{ptyreg:value}`quick.duration.mean:.1f s`" if live else "36.0 s"
            blocks.append(f"## Part {i}\n\n{text} takes {value} {text}.")
        blocks += [" ".join(chance.choices(WORDS, k=60)) for _ in range(plain)]
        (docs / f"{name}.md").write_text("\n\n".join(blocks) + "\n")


COUNTER = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def build(root: Path, *arguments: str, counted: bool = False) -> Cost:
    """Build once in a child; measure that child alone."""
    code = (
        "import resource, sys\n"
        "from sphinx.cmd.build import main\n"
        "status = main(sys.argv[1:])\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print('COST', used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [*(COUNTER if counted else ()), sys.executable, "-c", code, "-q", "-b", "html", *arguments,
         "docs", "out"],
        cwd=root, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "PTYREG_MODE": "replay", "PYTHONHASHSEED": "0",
             "PYTHONPATH": str(HERE.parents[1])},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    cpu, memory = done.stdout.rsplit("COST ", 1)[1].split()
    if counted:
        cpu = re.search(r"I +refs: +([\d,]+)", done.stderr)[1].replace(",", "")
        return Cost(int(cpu) / 1e9, 1.0)  # Valgrind's own memory would count
    return Cost(float(cpu), float(memory))


def cold(root: Path, *, counted: bool = False) -> Cost:
    """Build into an empty folder."""
    shutil.rmtree(root / "out", ignore_errors=True)
    return build(root, counted=counted)


def anew(root: Path, *, counted: bool = False) -> Cost:
    """Build everything again into a folder that was built before."""
    return build(root, "-E", counted=counted)


#: How many sizes the pages come in.
SIZES = 5

KINDS = {"cold": cold, "-E": anew, "no-op": build}


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Return the median ratio and its bootstrap 95 % interval."""
    chance = random.Random(2)  # noqa: S311 - the same interval each time
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(4000))
    return statistics.median(ratios), medians[100], medians[-101]


def counts(run: Callable[..., Cost], roots: list[Path]) -> dict[Path, Cost]:
    """Count the instructions of each; nothing that happens at the same time changes them."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(roots, pool.map(partial(run, counted=True), roots), strict=True))


def seconds(run: Callable[..., Cost], roots: list[Path]) -> dict[Path, Cost]:
    """Time each there and back; the faster counts."""
    costs = [(root, run(root)) for root in (*roots, *reversed(roots))]
    return {root: min(found for of, found in costs if of == root) for root in roots}


def compare(
    plain: Path, live: Path, again: Path, pairs: int, measure: Callable[..., dict[Path, Cost]]
) -> bool:
    """Compare each kind of build in alternating pairs; print a row each."""
    good = True
    for kind, run in KINDS.items():
        ratios, control, memory = [], [], []
        for pair in range(pairs):
            for root in (plain, live, again):
                write_pages(root, 100, 5, live=root is live, plain=4 * (pair % SIZES))
                if kind == "no-op":
                    build(root)
            order = random.Random(pair).sample([plain, live, again], 3)  # noqa: S311
            cost = measure(run, order)
            ratios.append(cost[live].cpu / cost[plain].cpu)
            control.append(cost[again].cpu / cost[plain].cpu)
            memory.append(cost[live].memory / cost[plain].memory)
        median, low, high = interval(ratios)
        own = interval(control)
        steady = 0.97 <= own[0] <= 1.03
        holds = high <= 1.08 and statistics.median(memory) <= 1.05 and steady
        good = good and holds
        print(
            f"{kind:6} {median:.3f}x [{low:.3f}, {high:.3f}]  memory "
            f"{statistics.median(memory):.3f}x  A/A {own[0]:.3f} [{own[1]:.3f}, {own[2]:.3f}]"
            f"  {'holds' if holds else 'DOES NOT HOLD'}",
            flush=True,
        )
    return good


def per_value(
    work: Path, repeats: int, measure: Callable[..., dict[Path, Cost]], unit: str
) -> bool:
    """CPU that a value adds at 1,000 pages of 10, against 100 pages of 5."""
    cost = {}
    for pages, values in ((100, 5), (1000, 10)):
        added = []
        for _ in range(repeats):
            roots = [work / "plain", work / "live"]
            for root in roots:
                write_pages(root, pages, values, live=root.name == "live")
            plain, live = measure(cold, roots).values()
            added.append((live.cpu - plain.cpu) / (pages * values))
        cost[pages] = statistics.median(added)
    ratio = cost[1000] / cost[100]
    print(f"per value: {1e6 * cost[100]:.0f} {unit} at 500, {1e6 * cost[1000]:.0f} at 10,000: "
          f"{ratio:.2f}x  {'holds' if ratio <= 1.2 else 'DOES NOT HOLD'}", flush=True)  # fmt: skip
    return ratio <= 1.2


def setup_cost(repeats: int = 11) -> bool:
    """Milliseconds of ``setup()`` in a process that has loaded Sphinx."""
    code = (
        "import time, tempfile, pathlib\n"
        "from sphinx.application import Sphinx\n"
        "with tempfile.TemporaryDirectory() as d:\n"
        "    (pathlib.Path(d) / 'conf.py').touch()\n"
        "    app = Sphinx(d, d, d + '/o', d + '/t', 'html', status=None)\n"
        "    t = time.perf_counter(); app.setup_extension('sphinx_ptyreg')\n"
        "    print(1e3 * (time.perf_counter() - t))\n"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                             check=True, env={"PATH": "/usr/bin:/bin",
                                              "PYTHONPATH": str(HERE.parents[1])}).stdout)
        for _ in range(repeats)
    ]  # fmt: skip
    median = statistics.median(times)
    print(f"setup(): {median:.1f} ms  {'holds' if median <= 10 else 'DOES NOT HOLD'}", flush=True)
    return median <= 10


def store_cost(work: Path, records: int = 10_000) -> bool:
    """Milliseconds that a snapshot of a store with 10,000 records costs more."""
    from sphinx_ptyreg.citations import Cited
    from sphinx_ptyreg.config import load
    from sphinx_ptyreg.evidence import Evidence

    bench = bench_project(work / "store")

    def snapshot() -> float:
        best = []
        for _ in range(7):
            start = time.process_time()
            evidence = Evidence(load(bench.root), bench.store)
            list(evidence.notices())
            Cited(evidence).digest("quick.duration.mean")
            evidence.remember()
            best.append(time.process_time() - start)
        return min(best)

    few = snapshot()
    old = bench.older()
    for i in range(records):
        stamp = f"2025-{1 + i // 1000:02d}-{1 + i % 28:02d}T{i % 24:02d}:{i % 60:02d}:00.{i:06d}Z"
        bench.seed(started=stamp, inputs=old)
    more = 1e3 * (snapshot() - few)
    print(f"store: 10,000 records cost {more:.0f} ms more  "
          f"{'holds' if more <= 100 else 'DOES NOT HOLD'}", flush=True)  # fmt: skip
    return more <= 100


def main() -> int:
    """Measure everything; 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="without 10,000 values and records")
    parser.add_argument("--instructions", action="store_true", help="count them, with Valgrind")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    work = Path(tempfile.mkdtemp(prefix="ptyreg-pages-"))
    try:
        good = setup_cost()
        for name in ("plain", "live", "again"):
            if name == "live":
                bench_project(work / name)
        roots = [work / name for name in ("plain", "live", "again")]
        measure = counts if arguments.instructions else seconds
        good &= compare(*roots, arguments.pairs, measure)
        if not arguments.quick:
            good &= store_cost(work)
            if arguments.instructions:
                good &= per_value(work, 1, counts, "thousand instructions")
            else:
                good &= per_value(work, 3, seconds, "us")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
