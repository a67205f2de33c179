"""Directives: declared here once."""

from __future__ import annotations

from .artifact_figure import ArtifactFigureDirective
from .compare import CompareDirective
from .environment import EnvironmentDirective
from .finding import FindingDirective, FindingsDirective, FindingStatusDirective
from .guardrails import GuardrailsDirective
from .history import HistoryDirective
from .ledger import LedgerDirective
from .machines import MachinesDirective
from .metrics import MetricsDirective
from .output import OutputDirective
from .runtime import RuntimeDirective
from .selector import SelectorCardDirective, SelectorsDirective
from .stages import StagesDirective

__all__ = ["DIRECTIVES"]

DIRECTIVES = {
    "artifact-figure": ArtifactFigureDirective,
    "compare": CompareDirective,
    "environment": EnvironmentDirective,
    "finding": FindingDirective,
    "finding-status": FindingStatusDirective,
    "findings": FindingsDirective,
    "guardrails": GuardrailsDirective,
    "history": HistoryDirective,
    "ledger": LedgerDirective,
    "machines": MachinesDirective,
    "metrics": MetricsDirective,
    "output": OutputDirective,
    "runtime": RuntimeDirective,
    "selector": SelectorCardDirective,
    "selectors": SelectorsDirective,
    "stages": StagesDirective,
}
