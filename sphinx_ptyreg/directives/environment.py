"""``{ptyreg:environment}``: on what machine and with which versions a selector was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..catalogue import _
from ..citable import facts_of
from ..inputs import State
from ..nodes import origin
from ..tables import Cell, table
from ..values import shown
from .base import SelectorDirective, capital, sentences
from .options import Option, TableOptions, class_names, flag, known

if TYPE_CHECKING:
    from docutils.nodes import Node

    from ..declared import Selector
    from ..record import RunRecord
    from ..selector_evidence import SelectorEvidence

__all__ = ["EnvironmentDirective"]


class EnvironmentDirective(SelectorDirective):
    """A table of the machine, the versions, and what the test said; a column a machine class.

    Unless `full` is given, the distributions are those that the selector requires, and the
    variables those that it declares.
    """

    shows_history = True
    option_spec = TableOptions(
        short=Option(flag, "the machine alone, without versions, variables and the test's facts"),
        full=Option(flag, "every imported distribution and every pinned variable"),
        only=Option(
            class_names,
            "names of the machine classes to show, in this order, as they stand above the columns",
        ),
    )

    def show(self, evidence: SelectorEvidence) -> list[Node]:
        """Return the table."""
        newest = {name: records[-1] for name, records in evidence.classes.items()}
        wanted = self.options.get("only", list(newest))
        known("machine class", wanted, newest)
        self._shown = [newest[name] for name in wanted]
        columns = [self._facts(record, evidence.selector) for record in self._shown]
        keys = list(dict.fromkeys(key for column in columns for key in column))
        labels = [name for _, name in keys]
        rows: list[list[Cell]] = [
            [
                name if labels.count(name) == 1 else f"{name} ({kind})",
                *(column.get((kind, name), "") for column in columns),
            ]
            for kind, name in keys
        ]
        header = [_("fact"), *(wanted if len(wanted) > 1 else [_("value")])]
        return [table(header, rows, classes="ptyreg-environment")]

    def below(self, evidence: SelectorEvidence) -> list[str]:
        """Say when and where each column was measured: on the newest run there."""
        if self._shown == [evidence.measured]:
            return sentences(evidence, newest=True)
        told = "; ".join(_standing(record, evidence) for record in self._shown)
        return [f"{capital(told)}.", *super().below(evidence)]

    def _facts(self, record: RunRecord, selector: Selector) -> dict[tuple[str, str], str]:
        return {
            (kind, name): shown(value) or _("(empty)")
            for kind, name, value in facts_of(record)
            if self._is_wanted(kind, name, selector)
        }

    def _is_wanted(self, kind: str, name: str, selector: Selector) -> bool:
        if kind == "machine" or "short" in self.options:
            return kind == "machine"
        if kind == "fact" or "full" in self.options:
            return True
        if kind == "variable":
            return name in selector.env
        required = {canonicalize_name(Requirement(text).name) for text in selector.requires}
        return name in required | {"pytest"}


def _standing(record: RunRecord, evidence: SelectorEvidence) -> str:
    """Say where a column is from, and when that is no longer what the project is."""
    stale = evidence.judge(record).state is State.STALE
    return f"{origin(record)}, {_('stale')}" if stale else origin(record)
