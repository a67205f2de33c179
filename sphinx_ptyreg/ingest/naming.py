"""What the metrics of several tests are called: no name stands for two of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..record import Metric
from .reported import ReportError, slug

__all__ = ["stems", "united"]


def stems(tests: Mapping[str, tuple[Sequence[str], str]]) -> dict[str, str]:
    """Return node id → how the names of its metrics begin: the test's bare name, if that tells it.

    Tests of one name get the name of their class, file or folder in front, as much as it takes.

    Args:
        tests: Node id → where the test stands (folders, file, class) and its name.

    Raises:
        ReportError: Two tests differ in nothing that a name can say.

    Examples:
        >>> stems({"a": (["test_a"], "test_sum[1]"), "b": (["test_a"], "test_sum[2]")})
        {'a': 'test_sum-1', 'b': 'test_sum-2'}
        >>> stems({"a": (["t", "test_a"], "test_sum"), "b": (["t", "test_b"], "test_sum")})
        {'a': 'test_a-test_sum', 'b': 'test_b-test_sum'}
    """
    depth = dict.fromkeys(tests, 0)
    while True:
        owners: dict[str, list[str]] = {}
        for nodeid, (places, name) in tests.items():
            told = places[len(places) - depth[nodeid] :]
            owners.setdefault(slug("-".join([*told, name])), []).append(nodeid)
        alike = {stem: nodeids for stem, nodeids in owners.items() if len(nodeids) > 1}
        if not alike:
            return {nodeid: stem for stem, [nodeid] in owners.items()}
        deeper = [n for found in alike.values() for n in found if depth[n] < len(tests[n][0])]
        if not deeper:
            stem, (first, second, *_) = next(iter(alike.items()))
            raise _alike(stem, first, second)
        for nodeid in deeper:
            depth[nodeid] += 1


def united(parts: Iterable[tuple[str, Mapping[str, Metric]]]) -> dict[str, Metric]:
    """Return the metrics of several tests in one table.

    Args:
        parts: Where metrics come from, in words, and the metrics by name.

    Raises:
        ReportError: Two tests have a metric of one name.
    """
    found: dict[str, Metric] = {}
    origins: dict[str, str] = {}
    for origin, metrics in parts:
        for name, metric in metrics.items():
            if origins.setdefault(name, origin) != origin:
                raise _alike(name, origins[name], origin)
            found[name] = metric
    return found


def _alike(name: str, first: str, second: str) -> ReportError:
    return ReportError(
        f"Expected metrics with names of their own, but {first} and {second} would both have "
        f"{name!r}. Name one of the two in the selector's nodeids, or call one otherwise."
    )
