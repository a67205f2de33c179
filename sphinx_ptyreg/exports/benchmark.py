"""``benchmark.json``: durations and stages in the form that pytest-benchmark compares and plots.

One file a machine class, as that form has one machine. The class of the newest measurement is in
``benchmark.json``, each other one in ``benchmark-CLASS.json``; imports are apart from runs of the
same class, whichever selector ran there. Host, user and commit author, which pytest-benchmark
writes, are left out.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ..citable import numbers_of
from ..plain import plain_parts
from ..record import IMPORTED, RunRecord
from ..selector_evidence import SelectorEvidence
from ..units import convert, same_dimension

__all__ = ["files"]

#: The version of pytest-benchmark's form that is written.
_FORM = "4.0.0"


def files(selectors: Sequence[SelectorEvidence]) -> dict[str, bytes]:
    """Return the files by their names."""
    sets = [(own.selector.name, samples) for own in selectors for samples in own.classes.values()]
    ran = {samples[-1].machine_class for _, samples in sets if not samples[-1].imported}
    by_class: dict[str, list[tuple[str, list[RunRecord]]]] = {}
    for selector, samples in sets:
        newest = samples[-1]
        name = newest.where if newest.machine_class in ran else newest.machine_class
        by_class.setdefault(name, []).append((selector, samples))
    first = max(
        by_class, key=lambda name: max(s[-1].started for _, s in by_class[name]), default=""
    )
    written = {}
    for name, of_class in by_class.items():
        slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name.replace(IMPORTED, ".imported"))
        file = "benchmark.json" if name == first else f"benchmark-{slug}.json"
        data = msgspec.json.encode(plain_parts(_told(name, of_class)))
        written[file] = msgspec.json.format(data, indent=1) + b"\n"
    return written


def _told(name: str, sets: list[tuple[str, list[RunRecord]]]) -> dict[str, Any]:
    record = max((samples[-1] for _, samples in sets), key=lambda record: record.started)
    machine, commit = record.machine, record.commit
    return {
        "machine_info": {
            "node": "",
            "machine": machine.architecture,
            "system": machine.system,
            "python_version": record.inputs.python,
            "machine_class": name,
            "cpu": {"brand_raw": machine.cpu, "count": machine.cores},
        },
        "commit_info": {
            "id": commit.id if commit else None,
            "dirty": commit.dirty if commit else False,
        },
        "benchmarks": [told for name, samples in sets for told in _benchmarks(name, samples)],
        "datetime": record.started,
        "version": _FORM,
    }


def _benchmarks(selector: str, samples: Sequence[RunRecord]) -> Iterator[dict[str, Any]]:
    times: dict[str, list[float]] = {}
    for record in samples:
        for path, value, unit in numbers_of(record):
            if same_dimension(unit, "s"):
                times.setdefault(path, []).append(convert(value, unit, "s"))
    record = samples[-1]
    for path, data in times.items():
        yield {
            "group": selector,
            "name": path,
            "fullname": f"{selector}.{path}",
            "params": None,
            "param": None,
            "extra_info": {"source": record.source, "records": [r.id for r in samples]},
            "options": {"warmup": False, "min_rounds": len(data)},
            "stats": _stats(data),
        }


def _stats(data: list[float]) -> dict[str, Any]:
    """Return what pytest-benchmark computes; the spread of one run is 0 there, as it does it."""
    q1, median, q3 = _quartiles(data)
    mean = statistics.fmean(data)
    stddev = statistics.stdev(data) if len(data) > 1 else 0.0
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    beyond = sum(abs(value - mean) > stddev for value in data) if len(data) > 1 else 0
    outside = sum(not low <= value <= high for value in data)
    return {
        "min": min(data), "max": max(data), "mean": mean, "stddev": stddev, "median": median,
        "iqr": q3 - q1, "q1": q1, "q3": q3, "ld15iqr": min(v for v in data if v >= low),
        "hd15iqr": max(v for v in data if v <= high), "stddev_outliers": beyond,
        "iqr_outliers": outside, "outliers": f"{beyond};{outside}", "rounds": len(data),
        "iterations": 1, "ops": 1 / mean if mean else 0.0, "total": sum(data), "data": data,
    }  # fmt: skip


def _quartiles(data: list[float]) -> tuple[float, float, float]:
    """Return the hinges and the median, the hinges at place (n + 2) / 4 from either end.

    Examples:
        >>> _quartiles([1.0, 2.0, 3.0, 4.0])
        (1.5, 2.5, 3.5)
        >>> _quartiles([1.0, 2.0, 3.0])
        (1.25, 2.0, 2.75)
    """
    ordered = sorted(data)
    whole, part = divmod(max(len(data) - 2, 0), 4)
    hinges = [
        values[whole] + part / 4 * (values[min(whole + 1, len(data) - 1)] - values[whole])
        for values in (ordered, ordered[::-1])
    ]
    return hinges[0], statistics.median(data), hinges[1]
