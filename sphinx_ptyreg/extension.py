"""What Sphinx must know of the extension before a build; nothing heavy is loaded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.locale import translators

from .builder import PtyregBuilder
from .catalogue import DOMAIN, LOCALE
from .domain import PtyregDomain
from .headings import StableHeadingIds
from .heads import HeadEntry, depart_head, visit_head
from .objects import CONFIG_VALUES, CSS
from .tooltips import (
    BookPictures,
    ImageAlternatives,
    LatexPictures,
    LatexSigns,
    ProvenanceAbbreviation,
    ProvenanceTooltips,
    XmlAttributes,
    depart_provenance,
    visit_provenance,
)
from .written import NO_DOCUMENT

if TYPE_CHECKING:
    from docutils.nodes import Element
    from markupsafe import Markup
    from sphinx.application import Sphinx
    from sphinx.domains import Domain
    from sphinx.environment import BuildEnvironment

__all__ = ["connect"]


def connect(app: Sphinx) -> None:
    """Declare the configuration, the domain, the builder and the handlers."""
    for name, (default, types, told) in CONFIG_VALUES.items():
        app.add_config_value(name, default, "", frozenset(types), told)
    translators.pop(("general", DOMAIN), None)  # of an earlier build in this process
    app.add_message_catalog(DOMAIN, str(LOCALE))
    app.add_builder(PtyregBuilder)
    app.add_domain(PtyregDomain)
    app.add_transform(StableHeadingIds)
    app.add_node(HeadEntry, override=True, html=(visit_head, depart_head))
    app.add_node(ProvenanceAbbreviation, override=True, html=(visit_provenance, depart_provenance))
    app.add_post_transform(ImageAlternatives)
    app.add_post_transform(ProvenanceTooltips)
    app.add_post_transform(LatexPictures)
    app.add_post_transform(LatexSigns)
    app.add_post_transform(BookPictures)
    app.add_post_transform(XmlAttributes)
    app.add_css_file(CSS)
    app.connect("builder-inited", on_builder_inited)
    app.connect("source-read", on_source_read)
    app.connect("doctree-resolved", on_doctree_resolved)
    app.connect("html-page-context", on_html_page_context)
    app.connect("env-get-outdated", on_env_get_outdated)
    app.connect("env-updated", on_env_updated)
    app.connect("warn-missing-reference", on_warn_missing_reference)
    app.connect("build-finished", on_build_finished)


def on_builder_inited(app: Sphinx) -> None:
    """Run what is due, in the main process and before any page is read; then take the snapshot."""
    from . import session  # noqa: PLC0415 - setup stays light

    session.begin(app)


def on_env_get_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Re-read exactly the pages that show something that has changed."""
    return sorted(set(domain_of(env).outdated(lint=app.config.ptyreg_lint)) - added - removed)


def on_source_read(app: Sphinx, docname: str, source: list[str]) -> None:
    """Look for typed numbers, when the project asks for it."""
    if app.config.ptyreg_lint:
        from . import session  # noqa: PLC0415 - setup stays light

        session.read_prose(app, domain_of(app.env), docname, source[0])


def on_doctree_resolved(app: Sphinx, doctree: Any, docname: str) -> None:
    """Forget what the page asked when it was last written; its links are noted by now."""
    domain_of(app.env).build.written.start(docname)


def on_html_page_context(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give a theme's templates ``ptyreg_value("selector.path:.1f s")``.

    A plain function: builders that write the context to a file leave those out.
    """
    from . import session  # noqa: PLC0415 - setup stays light

    page = pagename if pagename in app.env.found_docs else NO_DOCUMENT
    domain_of(app.env).build.written.start(page)

    def ptyreg_value(reference: str) -> Markup:
        return session.value_text(domain_of(app.env), page, reference)

    context["ptyreg_value"] = ptyreg_value


def on_env_updated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Tell what is missing, stale, failed or false, where it is shown; also in a no-op build.

    Returns:
        The pages to write, although nothing that they were read from has changed.
    """
    from . import session  # noqa: PLC0415 - setup stays light

    session.tell(app, domain_of(env))
    return session.written_otherwise(app, domain_of(env))


def on_warn_missing_reference(app: Sphinx, domain: Domain | None, node: Element) -> bool | None:
    """Name the close matches of an unknown target."""
    return domain.warn_missing(node) if isinstance(domain, PtyregDomain) else None


def on_build_finished(app: Sphinx, exception: Exception | None) -> None:
    """Let the exit status tell, also when no page had to be read."""
    if exception is None:
        from . import publishing, session  # noqa: PLC0415 - setup stays light

        session.end(app, domain_of(app.env))
        publishing.publish(app, domain_of(app.env).evidence)


def domain_of(env: BuildEnvironment) -> PtyregDomain:
    """Return the extension's domain."""
    return env.get_domain("ptyreg")  # type: ignore[return-value]
