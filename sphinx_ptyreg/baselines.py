"""What a guardrail's ``baseline`` means for a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .citable import summary_of
from .declared import PUBLISHED, Guardrail
from .guardrails import Baseline
from .record import RunRecord
from .units import Quantity, parse_quantity

__all__ = ["baseline_of"]


def baseline_of(
    metric: str,
    guardrail: Guardrail,
    measured: RunRecord | None,
    published: Callable[[], Sequence[RunRecord]],
) -> Baseline:
    """Return what a metric is held against, or why there is nothing.

    Args:
        metric: Its name.
        guardrail: Its declaration.
        measured: What is judged.
        published: Returns the published records of the same inputs and machine class.
    """
    if guardrail.baseline is None or measured is None:
        return Baseline(None, "nothing is measured")
    if guardrail.baseline != PUBLISHED:
        same = guardrail.machine_class == measured.machine_class
        if not same or not measured.inputs.digest.startswith(guardrail.inputs or ""):
            return Baseline(None, f"measured on {guardrail.machine_class}")
        return Baseline(parse_quantity(guardrail.baseline, any_unit=True), "declared")
    found = summary_of(published(), metric)
    if found is None:
        return Baseline(None, "no published run of this machine class and inputs")
    return Baseline(Quantity(found[0].mean, found[1]), f"published, n = {found[0].n}")
