"""What directives and roles share: the evidence, citations noted, located typed warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sphinx.util import logging

from .errors import PtyregError
from .nodes import problem

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.environment import BuildEnvironment

    from .domain import PtyregDomain
    from .evidence import Evidence

__all__ = ["Citing"]

logger = logging.getLogger(__name__)


class Citing:
    """Mixed into a Sphinx directive or role."""

    if TYPE_CHECKING:
        env: BuildEnvironment
        lineno: int

        def get_location(self) -> str:
            """Return the place in the source, for warnings."""

    @property
    def domain(self) -> PtyregDomain:
        """The domain, which holds the snapshot."""
        return self.env.get_domain("ptyreg")  # type: ignore[return-value]

    @property
    def evidence(self) -> Evidence:
        """The snapshot of this build."""
        return self.domain.evidence

    def note(self, key: str) -> None:
        """Remember that this page shows `key`."""
        self.domain.note_citation(self.env.docname, key, self.lineno or 0)

    def warn(self, error: PtyregError, shown: str) -> nodes.inline:
        """Warn at this place, and return marked text to stand there."""
        logger.warning(
            "%s", error, type="ptyreg", subtype=error.subtype, location=self.get_location()
        )
        return problem(shown)
