"""What directives and roles share: the evidence, citations noted, located typed warnings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

from .errors import PtyregError
from .nodes import problem
from .noted import Place

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

        def get_location(self) -> str:
            """Return the place in the source, for warnings."""

        def get_source_info(self, lineno: int | None = None) -> tuple[str, int]:
            """Return the file that is being read, and the line in it."""

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
        self.domain.note_citation(self.env.docname, key, self.place)

    def place(self) -> Place:
        """Return where this stands: in the document, or in a file that it includes."""
        found: Any = self.get_source_info()  # nothing, where a later Sphinx knows of no place
        source, line = found or ("", 0)
        if not source or source == os.fspath(self.env.doc2path(self.env.docname)):
            return Place(self.env.docname, line or 0)
        return Place(self.env.docname, line or 0, os.path.relpath(source, self.env.srcdir))

    def warn(self, error: PtyregError, shown: str) -> nodes.inline:
        """Warn at this place, and return marked text to stand there."""
        logger.warning(
            "%s", error, type="ptyreg", subtype=error.subtype, location=self.get_location()
        )
        return problem(shown)
