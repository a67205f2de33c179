"""How long it takes to judge 10 selectors with 500 inputs each, when their files are known.

``python tests/benchmarks/freshness.py [--repeats 20]``. Ends with 1 above 50 ms.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sphinx_ptyreg import environment
from sphinx_ptyreg.config import load
from sphinx_ptyreg.evidence import Evidence
from sphinx_ptyreg.reads import Here, capture
from sphinx_ptyreg.record import (
    SCHEMA,
    Durations,
    Outcome,
    Resources,
    RunRecord,
    timestamp,
)  # fmt: skip
from sphinx_ptyreg.store import Store
from sphinx_ptyreg.trace import Trace

SELECTORS, FILES, LIMIT_MS = 10, 500, 50.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root)
        project = load(root)
        store = Store(project.store, project.published)
        seed(project, store)
        times = [milliseconds(project, store) for _ in range(repeats + 1)]
    cold, warm = times[0], statistics.median(times[1:])
    print(f"{SELECTORS} selectors x {FILES} inputs: warm {warm:.1f} ms "
          f"(first {cold:.1f} ms, slowest {max(times[1:]):.1f} ms)")  # fmt: skip
    return 0 if warm <= LIMIT_MS else 1


def build(root: Path) -> None:
    """Write the files, old enough for their time stamps to be trusted."""
    text = ""
    for selector in range(SELECTORS):
        text += f'[tool.ptyreg.selectors.s{selector}]\nnodeids = ["p{selector}/f0.py"]\n'
        (root / f"p{selector}").mkdir()
        for number in range(FILES):
            file = root / f"p{selector}" / f"f{number}.py"
            file.write_text(f"X = {number}\n", encoding="utf-8")
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    time.sleep(2.1)


def seed(project, store) -> None:
    """Store a record of each selector that nobody ran."""
    for number, selector in enumerate(project.selectors.values()):
        files = frozenset(f"p{number}/f{n}.py" for n in range(FILES))
        evidence = Evidence(project, store)
        here = Here(platform.python_version(), {})
        inputs = capture(project, selector, Trace(read=files), here, evidence.prints)
        store.local.add(
            RunRecord(
                schema=SCHEMA, selector=selector.name, started=timestamp(), source="run",
                outcome=Outcome.PASSED, reason="", command=[], exit_code=0, attempt=1,
                warmup=False, commit=None, stages=[], metrics={}, artifacts={}, tests=[],
                durations=Durations(duration=1.0, duration_call=1.0, wall=1.0),
                resources=Resources(), machine=environment.machine(), machine_class="x",
                environment={}, inputs=inputs, output="",
            )
        )  # fmt: skip


def milliseconds(project, store) -> float:
    """Judge all selectors as a build does, with a new snapshot."""
    start = time.perf_counter()
    evidence = Evidence(project, store)
    states = {evidence.selector(name).freshness.state for name in project.selectors}
    took = (time.perf_counter() - start) * 1000
    assert states == {"fresh"}
    evidence.prints.save()
    return took


if __name__ == "__main__":
    os.environ.pop("PTYREG_CLASS", None)
    sys.exit(main())
