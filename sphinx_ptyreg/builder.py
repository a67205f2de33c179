"""``sphinx-build -b ptyreg``: run and judge everything, write reports, no pages."""

from __future__ import annotations

from collections.abc import Iterator, Set as AbstractSet

from docutils import nodes
from sphinx.builders import Builder

__all__ = ["PtyregBuilder"]


class PtyregBuilder(Builder):
    """Reads the pages, so that their claims are judged; the session writes the reports."""

    name = "ptyreg"
    epilog = "The verdicts are in %(outdir)s/ptyreg.json and %(outdir)s/junit.xml."
    allow_parallel = True

    def get_outdated_docs(self) -> Iterator[str]:
        """Return no document: none is written."""
        return iter(())

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Return nothing: there are no pages."""
        return ""

    def prepare_writing(self, docnames: AbstractSet[str]) -> None:
        """Prepare nothing."""

    def write_documents(self, docnames: AbstractSet[str]) -> None:
        """Write no pages."""

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Write no page."""
