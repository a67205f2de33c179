"""``{ptyreg:output}``: what the run printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import _
from ..nodes import literal
from .base import SelectorDirective, sentences
from .options import Option, Options, at_least_one, flag

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..selector_evidence import SelectorEvidence

__all__ = ["OutputDirective"]


class OutputDirective(SelectorDirective):
    """An excerpt of the run's output, the last lines by default."""

    option_spec = Options(
        head=Option(at_least_one, "how many of the first lines to show"),
        tail=Option(at_least_one, "how many of the last lines to show (default: 20)"),
        command=Option(flag, "show the command above the output"),
    )

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the excerpt."""
        record = evidence.measured
        lines = record.output.strip("\n").splitlines() if record else []
        head = self.options.get("head", 0)
        tail = self.options.get("tail", 0 if head else 20)
        if len(lines) > head + tail:
            left_out = _("… {n} lines left out …").format(n=len(lines) - head - tail)
            lines = [*lines[:head], left_out, *(lines[-tail:] if tail else [])]
        if record and "command" in self.options:
            lines.insert(0, "$ " + " ".join(record.command))
        return [literal("\n".join(lines) or _("(no output)"))]

    def below(self, evidence: SelectorEvidence) -> list[str]:
        """Say when and where the newest run was."""
        return sentences(evidence, newest=True)
