"""One build: configured, run, told about, ended."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from sphinx.util import get_filetype, logging

from .citations import Cited
from .config import find_root, load
from .declared import Mode, Project, Selector
from .domain import BuildState, PtyregDomain
from .errors import ConfigError, PtyregError, WarningSubtype
from .evidence import Evidence, Notice
from .exchange import bring, hand_over
from .modes import Effective, decide
from .noted import Linted
from .objects import CSS
from .plain import one_line
from .publishing import check_formats, shown_store
from .record import Outcome, RunRecord
from .releases import releases
from .store import Store
from .telling import Told, told, told_of_templates
from .values import parse_reference
from .written import NO_DOCUMENT, TEMPLATE, Written

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from .ensure import Ensured

__all__ = ["begin", "end", "read_prose", "tell", "value_text", "written_otherwise"]

logger = logging.getLogger(__name__)

_ON_FAILURE = ("error", "warn")


def begin(app: Sphinx) -> None:
    """Run what is due, then take the snapshot."""
    releases.cache_clear()  # another build of this process may have seen other tags
    try:
        project, mode = _configure(app)
        release = app.config.ptyreg_release
        store, mode = shown_store(release, project, mode)
        logger.info("ptyreg: mode: %s (from %s)", mode.mode, mode.source)
        brought = bring(project, store, _exchanged)
        ensured = _ensured(app, project, store, mode.mode)
        if ensured is not None and ensured.records:
            brought += hand_over(project, store, _exchanged)
        kept = f"release {release} keeps nothing of it" if release else "no run is recorded"
        evidence = Evidence(project, store, absent=kept)
        notices = (*brought, *_notices(ensured, evidence, mode.mode))
        evidence.remember()
    except PtyregError as error:
        logger.error("%s", error, type="ptyreg", subtype=error.subtype)  # noqa: TRY400
        raise SystemExit(2) from None  # a crash report would tell the reader nothing more
    failed = ensured is not None and _report(app, ensured)
    domain: PtyregDomain = app.env.get_domain("ptyreg")  # type: ignore[assignment]
    written = Written(Path(app.doctreedir) / f"ptyreg-{app.builder.name}.jsonl")
    domain.build = BuildState(mode, evidence, Cited(evidence), failed, notices, written)
    _install_css(app)


def tell(app: Sphinx, domain: PtyregDomain) -> None:
    """Warn at each page that shows something missing, stale, failed, or claims what is not so."""
    _log(app, domain, told(domain, lint=app.config.ptyreg_lint))


def _log(app: Sphinx, domain: PtyregDomain, sentences: Iterable[Told]) -> None:
    required = domain.build.mode.mode is Mode.REQUIRE
    for found in sentences:
        log = logger.error if required and found.is_verdict else logger.warning
        place = None if found.place is None else found.place.location(app.srcdir)
        log("%s", found.text, type="ptyreg", subtype=found.subtype, location=place)


def end(app: Sphinx, domain: PtyregDomain) -> None:
    """Tell what is wrong with the values in templates, and set the exit status."""
    build = domain.build
    build.written.finish(app.env.found_docs)
    templated = list(told_of_templates(domain, build.written.templated()))
    _log(app, domain, templated)
    required = build.mode.mode is Mode.REQUIRE
    all_told = chain(told(domain, lint=False), templated)
    if build.failed or (required and any(each.is_verdict for each in all_told)):
        app.statuscode = 1
    if app.builder.name == "ptyreg":
        _write_reports(app, domain)


def read_prose(app: Sphinx, domain: PtyregDomain, docname: str, source: str) -> None:
    """Look for the numbers of a page that no record supports; they are told with the rest."""
    from . import prose  # noqa: PLC0415 - opt-in

    markup = get_filetype(app.config.source_suffix, app.env.doc2path(docname))
    read = prose.read_prose(source, domain.evidence, rst=markup == "restructuredtext")
    digest = domain.build.cited.prose_digest(read.selectors)
    domain.prose[docname] = Linted(digest, read.selectors, read.found)


def value_text(domain: PtyregDomain, page: str, reference: str) -> Markup:
    """Return a value as the value role shows it, escaped for a theme's templates.

    What is wrong is told when all pages are written: once, though each is written by them.
    """
    text = _templated(domain, reference)
    domain.build.written.note(page, TEMPLATE, reference, text)
    return escape(text)


def _templated(domain: PtyregDomain, reference: str) -> str:
    from .nodes import cited_value  # noqa: PLC0415 - few templates show a value

    try:
        parsed = parse_reference(reference)
        return one_line(cited_value(parsed, *domain.evidence.value(parsed.path)).astext())
    except PtyregError:
        return one_line(f"⚠ {reference}")


def written_otherwise(app: Sphinx, domain: PtyregDomain) -> list[str]:
    """Return the pages whose links or templates would show something else; writing begins."""

    def answer(kind: str, name: str) -> str:
        return _templated(domain, name) if kind == TEMPLATE else domain.leads_to(kind, name)

    there = app.env.found_docs
    changed = domain.build.written.changed(answer, there)
    domain.build.written.begin()
    if NO_DOCUMENT in changed:
        changed.add(app.config.root_doc)
    return sorted(changed & there)


def _write_reports(app: Sphinx, domain: PtyregDomain) -> None:
    from . import report  # noqa: PLC0415 - for one builder

    claims = [made for made, _place in domain.claims_made()]
    judged = report.report(domain.evidence, domain.build.mode.mode.value, claims)
    outdir = Path(app.outdir)
    (outdir / "ptyreg.json").write_bytes(report.as_json(judged))
    (outdir / "junit.xml").write_bytes(report.junit(judged))
    if not report.is_good(judged):
        app.statuscode = 1


def _configure(app: Sphinx) -> tuple[Project, Effective]:
    config = app.config
    if config.ptyreg_on_failure not in _ON_FAILURE:
        raise ConfigError(
            "conf.py, ptyreg_on_failure",
            f"Expected one of {', '.join(_ON_FAILURE)}, but got {config.ptyreg_on_failure!r}.",
        )
    if not isinstance(config.ptyreg_timeout, int | float) or not config.ptyreg_timeout >= 0:
        raise ConfigError(
            "conf.py, ptyreg_timeout",
            f"Expected seconds, or 0 for no limit, but got {config.ptyreg_timeout!r}.",
        )
    if config.ptyreg_exports:
        check_formats(config.ptyreg_exports)
    project = load(_root(Path(app.confdir), config.ptyreg_root))
    override = config.overrides.get("ptyreg_mode")
    mode = decide(
        override=override,
        conf=None if override is not None else config.ptyreg_mode,
        project=project.mode,
        environ=os.environ,
        builder=app.builder.name,
    )
    return project, mode


def _root(confdir: Path, named: str | None) -> Path:
    if named is None:
        return find_root(confdir).resolve()
    root = (confdir / named).resolve()
    if not (root / "pyproject.toml").is_file():
        raise ConfigError(
            "conf.py, ptyreg_root",
            f"Expected a folder with a pyproject.toml, but got {named!r}, which is {root}.",
        )
    return root


def _ensured(app: Sphinx, project: Project, store: Store, mode: Mode) -> Ensured | None:
    if mode.runs == 0:
        return None
    from .ensure import ensure  # noqa: PLC0415 - replay runs nothing

    limit = app.config.ptyreg_timeout
    return ensure(
        project, store, mode, announce=_announce, progress=_progress, told=_ended,
        deadline=time.monotonic() + limit if limit else None,
    )  # fmt: skip


def _announce(selector: Selector) -> None:
    what = " ".join(selector.nodeids) or f"-m {selector.markers!r}"
    logger.info("ptyreg: %s: running %s", selector.name, what)


def _progress(name: str, stage: str, seconds: float) -> None:
    logger.info("ptyreg: %s: %.0f s%s", name, seconds, f", in {stage}" if stage else "")


def _exchanged(text: str) -> None:
    logger.info("ptyreg: %s", text)


def _ended(record: RunRecord) -> None:
    seconds = record.durations.duration
    took = "" if seconds is None else f" in {seconds:.2f} s"
    logger.info("ptyreg: %s: %s%s", record.selector, record.outcome.words, took)


def _notices(ensured: Ensured | None, evidence: Evidence, mode: Mode) -> Iterator[Notice]:
    """Yield all notices but the failures of this build, which are reported with their output."""
    ran = ensured.records.keys() if ensured else ()
    yield from ensured.notices if ensured else ()
    yield from evidence.unfit_for_release() if mode is Mode.REQUIRE else ()
    for notice in evidence.notices():
        if notice.subtype is not WarningSubtype.FAILED or notice.selector not in ran:
            yield notice


def _report(app: Sphinx, ensured: Ensured) -> bool:
    """Tell how each run of this build ended; return whether the build must fail for it."""
    failed = False
    for name, records in ensured.records.items():
        record = records[-1]
        if record.outcome is Outcome.PASSED:
            continue
        fatal = app.config.ptyreg_on_failure == "error"
        failed = failed or fatal
        tail = "\n".join(record.output.strip().splitlines()[-15:])
        (logger.error if fatal else logger.warning)(
            "%s: %s: %s\n$ %s\n%s",
            name, record.outcome.words, record.reason, " ".join(record.command), tail,
            type="ptyreg", subtype=WarningSubtype.FAILED,
        )  # fmt: skip
    return failed


def _install_css(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    source = Path(__file__).parent / "static" / CSS
    target = Path(app.outdir) / "_static" / CSS
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
