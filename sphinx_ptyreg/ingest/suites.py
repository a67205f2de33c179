"""The suites, cases and properties of JUnit XML, as expat reads them: what is wanted is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat

from ..record import Outcome
from .reported import ReportError, Scalar, by_worst, typed
from .wanted import Wanted

__all__ = ["Case", "Suite", "Suites", "read_suites"]

_DEPTH = 40
#: Suites, wanted tests and properties that are kept in memory.
_KEPT = 50_000

_DECLARED = re.compile(rb"\A\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
#: What expat reads by itself.
_NATIVE = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1"})


class Suite:
    """A suite: its element, and how many tests it and the suites in it have."""

    def __init__(self, attributes: Mapping[str, str], line: int, inside: tuple[Suite, ...]) -> None:
        self.attributes, self.line = attributes, line
        #: The suite itself and those that it stands in, the outermost first.
        self.path: tuple[Suite, ...] = (*inside, self)
        self.cases = self.wanted = 0
        self.facts: dict[str, Scalar] = {}


class Case:
    """A wanted test case."""

    def __init__(
        self, nodeid: str, attributes: Mapping[str, str], line: int, path: tuple[Suite, ...]
    ) -> None:
        self.nodeid, self.attributes, self.line, self.path = nodeid, attributes, line, path
        self.outcome = Outcome.PASSED
        self.properties: dict[str, Scalar] = {}

    def worsen(self, outcome: Outcome) -> None:
        """Take what else is told of the test."""
        passed = self.outcome is Outcome.PASSED
        self.outcome = outcome if passed else by_worst([("", self.outcome), ("", outcome)])[0]


class Suites:
    """What a file tells: all suites, the wanted cases by node id, the first names of the others."""

    def __init__(self, wanted: Wanted) -> None:
        self.suites: list[Suite] = []
        self.cases: dict[str, Case] = {}
        self.others: list[str] = []
        self._wanted = wanted
        self._elements: list[str] = []
        self._path: tuple[Suite, ...] = ()
        self._case: Case | None = None
        self._kept = 0

    def parser(self, encoding: str | None) -> expat.XMLParserType:
        """Return what reads a file."""
        self._parser = expat.ParserCreate(encoding)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._refuse
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.ExternalEntityRefHandler = self._refuse
        return self._parser

    @staticmethod
    def _refuse(*_: object) -> int:
        raise ReportError("Expected XML without a document type, but it declares one.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._elements[-1] if self._elements else ""
        self._elements.append(name)
        if len(self._elements) > _DEPTH:
            raise ReportError(f"Expected at most {_DEPTH} elements in each other, but got more.")
        if not parent and name not in {"testsuites", "testsuite"}:
            raise ReportError(f"Expected JUnit XML, but its first element is {name[:40]!r}.")
        if name == "testsuite":
            self._keep()
            suite = Suite(attributes, self._parser.CurrentLineNumber, self._path)
            self.suites.append(suite)
            self._path = suite.path
        elif name == "testcase":
            self._begin(attributes)
        elif name == "property":
            self._property(attributes)
        elif name in {"failure", "error", "skipped"} and parent == "testcase" and self._case:
            told = {"failure": Outcome.FAILED, "error": Outcome.ERROR, "skipped": Outcome.SKIPPED}
            expected = attributes.get("type") == "pytest.xfail"
            self._case.worsen(Outcome.XFAILED if expected else told[name])

    def _end(self, name: str) -> None:
        self._elements.pop()
        if name == "testsuite":
            self._path = self._path[:-1]
        elif name == "testcase" and self._case is not None:
            self._take(self._case)
            self._case = None

    def _begin(self, attributes: dict[str, str]) -> None:
        classname, name = attributes.get("classname", ""), attributes.get("name", "")
        nodeid = self._wanted.nodeid(classname, name)
        for suite in self._path:
            suite.cases += 1
            suite.wanted += nodeid is not None
        if nodeid is not None:
            self._keep()
            self._case = Case(nodeid, attributes, self._parser.CurrentLineNumber, self._path)
        elif len(self.others) < 4:
            self.others.append(".".join(filter(None, (classname, name))))

    def _take(self, case: Case) -> None:
        """Take a case; pytest tells an error in tear-down as a case of its own."""
        known = self.cases.setdefault(case.nodeid, case)
        if known is case:
            return
        if known.path != case.path:
            raise ReportError(
                f"Expected each test once, but {case.nodeid} stands in two suites, at lines "
                f"{known.line} and {case.line}. Import each session's file, together: one batch."
            )
        known.worsen(case.outcome)

    def _property(self, attributes: dict[str, str]) -> None:
        if "testcase" in self._elements and self._case is None:  # of a test that nobody wants
            return
        self._keep()
        key, value = attributes.get("name", ""), typed(attributes.get("value", ""))
        if self._case is not None:
            self._case.properties[key] = value
        elif self._path:
            self._path[-1].facts[key] = value

    def _keep(self) -> None:
        self._kept += 1
        if self._kept > _KEPT:
            raise ReportError(
                f"Expected at most {_KEPT} suites, tests and properties, but got more. "
                "Name fewer tests in the selector's nodeids, or split the report."
            )


def read_suites(data: bytes, wanted: Wanted) -> Suites:
    """Read a file.

    Raises:
        ReportError: It is no JUnit XML, declares a document type, or holds too much.
    """
    found = Suites(wanted)
    text, encoding = _decoded(data)
    try:
        found.parser(encoding).Parse(text, True)
    except ReportError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ReportError(f"Expected XML, but got: {error}.") from error
    return found


def _decoded(data: bytes) -> tuple[bytes, str | None]:
    """Return the file in an encoding that expat reads, and its name when it is another now."""
    match = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    declared = match[1].decode("ascii", errors="replace") if match else "utf-8"
    if declared.lower() in _NATIVE:
        return data, None
    try:
        return data.decode(declared).encode(), "utf-8"
    except LookupError as error:
        raise ReportError(
            f"Expected XML in an encoding that is known, but got {declared!r}."
        ) from error
    except ValueError as error:
        raise ReportError(f"Expected XML in {declared}, but got: {error}.") from error
