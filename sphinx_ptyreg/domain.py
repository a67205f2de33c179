"""The domain ``ptyreg``: the only memory of a build.

Loaded by every build that has the extension, so directives, roles and evidence load on first use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from docutils import nodes
from sphinx.domains import Domain, ObjType
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from .errors import UnknownNameError, WarningSubtype, did_you_mean
from .indices import INDICES
from .objects import CITED_BY, DEFINED_BY, KINDS

if TYPE_CHECKING:
    from docutils.nodes import Element
    from docutils.parsers.rst import Directive
    from sphinx.addnodes import pending_xref
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import RoleFunction

    from .evidence import ClaimMade, Evidence, Notice
    from .modes import Effective

__all__ = ["BuildState", "Citation", "PtyregDomain"]

logger = logging.getLogger(__name__)


class Citation(NamedTuple):
    """What a page showed: the digest of the value when it was read, and the first line."""

    digest: str
    line: int


class BuildState(NamedTuple):
    """What one build knows beside its pages; never pickled with the environment."""

    mode: Effective
    evidence: Evidence
    failed: bool
    notices: tuple[Notice, ...]


class PtyregDomain(Domain):
    """Cites evidence, defines what can be linked to, and knows which page shows what."""

    name = "ptyreg"
    label = "ptyreg"
    object_types = {
        kind: ObjType(kind, *[role for role, kinds in CITED_BY.items() if kind in kinds])
        for kind in KINDS
    }
    indices = list(INDICES)
    directives = {}  # loaded on first use
    roles = {}
    initial_data = {"citations": {}, "claims": {}, "objects": {}, "pictured": {}}
    data_version = 3

    #: Set at builder-inited, before any page is read.
    build: BuildState

    def directive(self, name: str) -> type[Directive] | None:
        """Load the directives when the first is asked for."""
        if not self.directives:
            from .directives import DIRECTIVES  # noqa: PLC0415 - a build may need none

            self.directives.update(DIRECTIVES)
        return super().directive(name)

    def role(self, name: str) -> RoleFunction | None:
        """Load the roles when the first is asked for."""
        if not self.roles:
            from .roles import ROLES  # noqa: PLC0415 - a build may need none

            self.roles.update(ROLES)
        return super().role(name)

    @property
    def evidence(self) -> Evidence:
        """The snapshot that every page of this build is read with."""
        return self.build.evidence

    @property
    def citations(self) -> dict[str, dict[str, Citation]]:
        """Document → key → what it showed."""
        found: dict[str, dict[str, Citation]] = self.data["citations"]
        return found

    @property
    def claims(self) -> dict[str, list[tuple[str, int]]]:
        """Document → the claims in it, with their lines."""
        found: dict[str, list[tuple[str, int]]] = self.data["claims"]
        return found

    @property
    def objects(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Kind and name → document and target that define it."""
        found: dict[tuple[str, str], tuple[str, str]] = self.data["objects"]
        return found

    def note_citation(self, docname: str, key: str, line: int) -> None:
        """Remember that `docname` shows `key`, a selector, a finding or the path of a value."""
        shown = self.citations.setdefault(docname, {})
        if key not in shown:
            shown[key] = Citation(self.evidence.digest(key), line)

    def note_claim(self, docname: str, text: str, line: int) -> None:
        """Remember that `docname` claims `text`, and shows what the claim is about."""
        claims = self.claims.setdefault(docname, [])
        if (text, line) not in claims:
            claims.append((text, line))
        for path in self.evidence.claimed(text):
            self.note_citation(docname, path, line)

    def note_picture(self, docname: str) -> None:
        """Remember that `docname` shows an artifact, whose alternative text is given when written.

        Earlier it would be a message to translate.
        """
        self.data["pictured"][docname] = True

    def claims_made(self) -> Iterator[ClaimMade]:
        """Yield every claim of every page, judged."""
        for docname in sorted(self.claims):
            for text, line in self.claims[docname]:
                yield self.evidence.claim_made(docname, line, text)

    def claims_hold(self) -> bool:
        """Whether every claim of every page holds."""
        return all(made.holds for made in self.claims_made())

    def note_object(self, kind: str, name: str, target: str, docname: str, location: str) -> None:
        """Remember where an object is defined; a second definition warns."""
        there = self.objects.setdefault((kind, name), (docname, target))
        if there[0] != docname:
            logger.warning(
                "Expected %s %s to be defined once, but it is also defined in %s. "
                "Give one of them :no-index:.",
                kind, name, there[0],
                type="ptyreg", subtype=WarningSubtype.CONFIG, location=location,
            )  # fmt: skip

    def outdated(self) -> Iterator[str]:
        """Yield the documents that show something that has changed since they were read."""
        for docname, shown in self.citations.items():
            if any(self.evidence.digest(key) != then.digest for key, then in shown.items()):
                yield docname

    def places(self, selector: str) -> Iterator[tuple[str, int]]:
        """Yield document and line of the first citation of `selector` in each page."""
        for docname in sorted(self.citations):
            lines = [
                citation.line
                for key, citation in self.citations[docname].items()
                if self.evidence.owner(key) == selector
            ]
            if lines:
                yield docname, min(lines)

    def clear_doc(self, docname: str) -> None:
        """Forget a document."""
        self.citations.pop(docname, None)
        self.claims.pop(docname, None)
        self.data["pictured"].pop(docname, None)
        for key in [key for key, (of, _) in self.objects.items() if of == docname]:
            del self.objects[key]

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        """Take over what a read worker noted about its documents."""
        for part in ("citations", "claims", "pictured"):
            found = otherdata[part]
            self.data[part].update({name: found[name] for name in docnames if name in found})
        for (kind, name), (docname, target) in otherdata["objects"].items():
            if docname in docnames:
                self.note_object(kind, name, target, docname, docname)

    def find(self, role: str, target: str) -> tuple[str, str] | None:
        """Return kind and name of the defined object that `role` means by `target`."""
        names = [target]
        selector, dot, rest = target.partition(".")
        with contextlib.suppress(UnknownNameError):  # a finding has no selector
            names.append(self.evidence.project.selector(selector).name + dot + rest)
        for kind in CITED_BY.get(role, ()):
            for name in names:
                if (kind, name) in self.objects:
                    return kind, name
        return None

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> nodes.reference | None:
        """Link a citation to the definition."""
        found = self.find(typ, target)
        if found is None:
            return None
        docname, node_id = self.objects[found]
        return make_refnode(builder, fromdocname, docname, node_id, contnode, self.title(*found))

    def resolve_any_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: pending_xref,
        contnode: Element,
    ) -> list[tuple[str, nodes.reference]]:
        """Answer ``{any}``."""
        hits = []
        for kind in KINDS:
            link = self.resolve_xref(env, fromdocname, builder, kind, target, node, contnode)
            if link is not None:
                hits.append((f"ptyreg:{kind}", link))
        return hits

    def get_objects(self) -> Iterable[tuple[str, str, str, str, str, int]]:
        """List what other projects can cite."""
        for (kind, name), (docname, target) in self.objects.items():
            yield name, self.title(kind, name), kind, docname, target, 1

    def title(self, kind: str, name: str) -> str:
        """Return what an object is called in lists and tooltips."""
        project = self.evidence.project
        if kind == "finding" and name in project.findings:
            return f"{name}: {project.findings[name].title}"
        if kind == "selector" and name in project.selectors:
            return project.selectors[name].title or name
        return name

    def warn_missing(self, node: Element) -> bool:
        """Name the close matches when something is cited that no page defines."""
        if "ptyreg-optional" in node:
            return True
        role, target = node["reftype"], node["reftarget"]
        kinds = CITED_BY.get(role, ())
        known = [name for kind, name in self.objects if kind in kinds]
        what = "target" if role == "ref" else role
        by = " or ".join(
            f"{{ptyreg:{name}}}" for name in dict.fromkeys(DEFINED_BY[kind] for kind in kinds)
        )
        logger.warning(
            "Expected the %s to be defined in a page by %s, but got %r.%s",
            what, by, target, did_you_mean(target, known),
            type="ptyreg", subtype=WarningSubtype.UNKNOWN, location=node,
        )  # fmt: skip
        return True
