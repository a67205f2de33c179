"""What a project declares, as frozen values."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from .errors import UnknownNameError
from .record import canonical

__all__ = [
    "MEASURED", "PUBLISHED", "THREAD_VARIABLES", "Finding", "Guardrail", "Mode", "Project",
    "Selector", "Table",
]  # fmt: skip

#: What is measured of every run, and its unit.
MEASURED = {
    "duration": "s", "duration_call": "s", "wall": "s", "cpu_time": "s", "peak_memory": "MiB",
}  # fmt: skip

#: The value of `baseline` that means: the published records of the same machine class and inputs.
PUBLISHED = "published"

#: Variables that numerical libraries read their thread count from; the runner pins each.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Mode(StrEnum):
    """What a build does about a record that is missing or stale."""

    AUTO = "auto"
    REPLAY = "replay"
    REQUIRE = "require"
    FORCE = "force"

    @property
    def runs(self) -> int:
        """How much this mode may run: nothing, what is not fresh, everything."""
        return {"replay": 0, "require": 0, "auto": 1, "force": 2}[self.value]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table."""


class Guardrail(Table, frozen=True, kw_only=True):
    """Declared bounds on a metric, as quantities with units.

    Attributes:
        fail: Above it the verdict is fail.
        warn: Above it the verdict is warn.
        minimum: Below it the verdict is fail; for a time, warn.
        baseline: ``"published"`` or a quantity measured on `machine_class` with `inputs`.
        tolerance: How far from the baseline is still within the band (``"30 %"``, ``"5 s"``).
        machine_class: Where a typed baseline was measured.
        inputs: The inputs digest (or its beginning) that a typed baseline was measured with.
    """

    fail: str | None = None
    warn: str | None = None
    minimum: str | None = None
    baseline: str | None = None
    tolerance: str | None = None
    machine_class: str | None = None
    inputs: str | None = None


class Selector(Table, frozen=True, kw_only=True):
    """What is run: pytest node ids or a marker expression, and under which conditions."""

    name: str = ""
    title: str = ""
    proves: str = ""
    nodeids: tuple[str, ...] = ()
    markers: str = ""
    python: str = ""
    requires: tuple[str, ...] = ()
    env: dict[str, str] = {}
    timeout: float = 600.0
    retries: int = 0
    repeats: int = 1
    warmup: int = 0
    inputs: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    machine_class: str = ""
    max_age: str = ""
    resources: dict[str, float] = {}
    aliases: tuple[str, ...] = ()
    guardrails: dict[str, Guardrail] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called, and what it was called before: its records may have either name."""
        return self.name, *self.aliases

    @property
    def declaration(self) -> str:
        """All that decides what a run does, as canonical JSON; titles and thresholds do not.

        Of `env` only the names: a record has the values among its variables.
        """
        decides: dict[str, object] = {
            "nodeids": self.nodeids,
            "markers": self.markers,
            "env": sorted(self.env),
            "inputs": sorted(self.inputs),
            "ignore": sorted(self.ignore),
        }
        return canonical(decides | ({"python": self.python} if self.python else {})).decode()


class Finding(Table, frozen=True, kw_only=True):
    """A policy or lesson, its rule in one sentence, and one check against the evidence."""

    id: str = ""
    title: str
    rule: str
    requires: str | None = None
    nodeids: tuple[str, ...] = ()
    claim: str | None = None


class Project(Table, frozen=True, kw_only=True):
    """A project's root folder and everything it declares."""

    root: Path
    mode: Mode
    store: Path
    published: Path
    selectors: dict[str, Selector]
    findings: dict[str, Finding]
    remote: str = ""
    signers: dict[str, str] = {}

    def selector(self, name: str) -> Selector:
        """Return the selector declared as `name`, or by one of its aliases.

        Raises:
            UnknownNameError: Nothing declares it.
        """
        if name in self.selectors:
            return self.selectors[name]
        for selector in self.selectors.values():
            if name in selector.aliases:
                return selector
        raise UnknownNameError("selector", name, self.selectors)

    def finding(self, id_: str) -> Finding:
        """Return the finding declared as `id_`.

        Raises:
            UnknownNameError: Nothing declares it.
        """
        try:
            return self.findings[id_]
        except KeyError:
            raise UnknownNameError("finding", id_, self.findings) from None
