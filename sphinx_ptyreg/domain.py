"""The domain ``ptyreg``: the only memory of a build.

Loaded by every build that has the extension, so directives, roles and evidence load on first use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from docutils import nodes
from sphinx.domains import Domain, ObjType
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from .errors import UnknownNameError, WarningSubtype, did_you_mean
from .indices import INDICES
from .noted import Citation, Defined
from .objects import CITED_BY, DEFINED_BY, KINDS

if TYPE_CHECKING:
    from docutils.nodes import Element
    from docutils.parsers.rst import Directive
    from sphinx.addnodes import pending_xref
    from sphinx.builders import Builder
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import RoleFunction

    from .citations import Cited
    from .evidence import ClaimMade, Evidence, Notice
    from .modes import Effective
    from .noted import Linted, Place
    from .written import Written

__all__ = ["BuildState", "PtyregDomain"]

logger = logging.getLogger(__name__)


class BuildState(NamedTuple):
    """What one build knows beside its pages; never pickled with the environment."""

    mode: Effective
    evidence: Evidence
    cited: Cited
    failed: bool
    notices: tuple[Notice, ...]
    written: Written


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
    initial_data = {"citations": {}, "claims": {}, "objects": {}, "pictured": {}, "prose": {}}
    data_version = 4

    #: Set at builder-inited, before any page is read.
    build: BuildState

    _objects: dict[tuple[str, str], tuple[str, str]] | None = None

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
    def claims(self) -> dict[str, list[tuple[str, Place]]]:
        """Document → the claims in it, with their places."""
        found: dict[str, list[tuple[str, Place]]] = self.data["claims"]
        return found

    @property
    def defined(self) -> dict[str, list[Defined]]:
        """Document → the objects that it defines."""
        found: dict[str, list[Defined]] = self.data["objects"]
        return found

    @property
    def prose(self) -> dict[str, Linted]:
        """Document → its typed numbers, when they were looked for."""
        found: dict[str, Linted] = self.data["prose"]
        return found

    @property
    def objects(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Kind and name → document and target that define it: the first in the order of names."""
        if self._objects is None:
            self._objects = {}
            for docname in sorted(self.defined):
                for kind, name, target, *_ in self.defined[docname]:
                    self._objects.setdefault((kind, name), (docname, target))
        return self._objects

    def note_citation(self, docname: str, key: str, place: Callable[[], Place]) -> None:
        """Remember that `docname` shows `key`; `place` is asked when that is new."""
        shown = self.citations.setdefault(docname, {})
        if key not in shown:
            shown[key] = Citation(self.build.cited.digest(key), *place()[1:])

    def note_claim(self, text: str, place: Place) -> None:
        """Remember that a page claims `text`, and shows what the claim is about."""
        claims = self.claims.setdefault(place.docname, [])
        if (text, place) not in claims:
            claims.append((text, place))
        for path in self.evidence.claimed(text):
            self.note_citation(place.docname, path, lambda: place)

    def note_picture(self, docname: str) -> None:
        """Remember that `docname` shows an artifact, whose alternative text is given when written.

        Earlier it would be a message to translate.
        """
        self.data["pictured"][docname] = True

    def note_object(self, kind: str, name: str, target: str, place: Place) -> None:
        """Remember where an object is defined."""
        self._objects = None
        known = self.defined.setdefault(place.docname, [])
        known.append(Defined(kind, name, target, *place[1:]))

    def claims_made(self) -> Iterator[tuple[ClaimMade, Place]]:
        """Yield every claim of every page, judged, and its place."""
        for docname in sorted(self.claims):
            for text, place in self.claims[docname]:
                yield self.evidence.claim_made(place.file, place.line, text), place

    def outdated(self, *, lint: bool) -> Iterator[str]:
        """Yield the documents that show something that has changed since they were read.

        Args:
            lint: Whether typed numbers are looked for: a page where they were not is out of date.
        """
        cited = self.build.cited
        for docname, shown in self.citations.items():
            if any(cited.digest(key) != then.digest for key, then in shown.items()):
                yield docname
        for docname in self.env.found_docs if lint else ():
            then = self.prose.get(docname)
            if then is None or then.digest != cited.prose_digest(then.selectors):
                yield docname

    def clear_doc(self, docname: str) -> None:
        """Forget a document."""
        self._objects = None
        for part in self.initial_data:
            self.data[part].pop(docname, None)

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        """Take over what a read worker noted about its documents."""
        self._objects = None
        for part in self.initial_data:
            found = otherdata[part]
            self.data[part].update({name: found[name] for name in docnames if name in found})

    def find(self, role: str, target: str) -> tuple[str, str] | None:
        """Return kind and name of the defined object that `role` means by `target`."""
        names = [target]
        selector, dot, rest = target.partition(".")
        with contextlib.suppress(UnknownNameError):  # a finding has no selector
            names.append(self.evidence.project.selector(selector).name + dot + rest)
        for kind in CITED_BY.get(role, ()):
            for name in names:
                # A value's path names its metric or guardrail too: quick.metrics.answer.
                for spelt in (name, name.replace(f".{kind}s.", ".", 1)):
                    if (kind, spelt) in self.objects:
                        return kind, spelt
        return None

    def leads_to(self, role: str, target: str) -> str:
        """Return what a page shows of a link: where it leads, and its title; nothing when dead."""
        return self._told(self.find(role, target))

    def _told(self, found: tuple[str, str] | None) -> str:
        return "" if found is None else " ".join((*self.objects[found], self.title(*found)))

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
        self.build.written.note(fromdocname, typ, target, self._told(found))
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
        """Answer ``{any}`` as ``{ptyreg:ref}`` does: by the first kind that has the name."""
        found = self.find("ref", target)
        link = self.resolve_xref(env, fromdocname, builder, "ref", target, node, contnode)
        return [] if found is None or link is None else [(f"ptyreg:{found[0]}", link)]

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
