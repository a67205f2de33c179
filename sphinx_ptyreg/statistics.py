"""Summaries of a sample set, honest about how small it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Summary", "summarise"]


class Summary(NamedTuple):
    """A sample set in numbers; `range`, `stdev` and `cv` (in %) are absent for one sample."""

    n: int
    mean: float
    median: float
    min: float
    max: float
    range: float | None
    stdev: float | None
    cv: float | None


def summarise(samples: Sequence[float]) -> Summary:
    """Summarise `samples`; the standard deviation is the sample one (n - 1).

    Raises:
        ValueError: There are no samples, or one is not finite.

    Examples:
        >>> runs = summarise([35.86, 35.98, 35.92])
        >>> runs.n, round(runs.mean, 2), round(runs.stdev, 2), round(runs.cv, 2)
        (3, 35.92, 0.06, 0.17)
        >>> summarise([3.0]).stdev is None
        True
    """
    if not samples or not all(math.isfinite(sample) for sample in samples):
        raise ValueError(f"Expected samples to be finite numbers, but got {list(samples)}.")
    mean = _mean(samples)
    stdev = _stdev(samples, mean) if len(samples) > 1 else None
    return Summary(
        n=len(samples),
        mean=mean,
        median=_median(samples),
        min=min(samples),
        max=max(samples),
        range=max(samples) - min(samples) if len(samples) > 1 else None,
        stdev=stdev,
        cv=None if stdev is None or mean == 0 else 100.0 * stdev / abs(mean),
    )


def _mean(samples: Sequence[float]) -> float:
    try:
        return math.fsum(samples) / len(samples)
    except OverflowError:  # a sum may be beyond what a float holds, the mean is not
        most = max(map(abs, samples))
        return math.fsum(sample / most for sample in samples) / len(samples) * most


def _median(samples: Sequence[float]) -> float:
    ordered = sorted(samples)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    middle = (low + high) / 2
    return middle if math.isfinite(middle) else low / 2 + high / 2


def _stdev(samples: Sequence[float], mean: float) -> float | None:
    spread = math.hypot(*(sample - mean for sample in samples)) / math.sqrt(len(samples) - 1)
    return spread if math.isfinite(spread) else None  # finite samples may be too far apart
