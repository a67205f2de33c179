"""What pytest printed to a terminal, kept as a log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from ..record import Machine, Outcome, TestResult
from .reported import Reported, ReportError, by_worst, moment, seconds
from .sources import text_of
from .wanted import Wanted

__all__ = ["read_log"]

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
#: What GitHub and others put before each line: the job's and the step's name, and the time.
_STAMP = re.compile(
    r"(?:[^\t]{1,200}\t[^\t]{1,200}\t)?\ufeff?"
    r"\[?(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\]?(?: |$)"
)
_HEADER = re.compile(r"=+ test session starts \S*\s*=+")
_SUMMARY = re.compile(
    r"=*\s*(?P<told>no tests ran|\d+ [a-z -]+(?:, \d+ [a-z -]+)*) in "
    r"(?P<seconds>\d+\.\d+)(?:s| seconds)(?: \([\d:, day]+\))?\s*=*"
)
_COUNT = re.compile(r"(\d+) (?:subtests )?(passed|failed|skipped|xfailed|xpassed|error)s?(?![a-z])")
_PLATFORM = re.compile(
    r"platform (?P<system>\w+) -- Python (?P<python>[\w.+]+), pytest-(?P<pytest>[\w.+]+)"
)
_TORCH = re.compile(r"(?:py)?torch\b[^\d\n]{0,20}(?P<version>\d+\.\d+[\w.+]*)", re.IGNORECASE)
_PLUGIN = re.compile(r"([A-Za-z][\w.-]*?)-(\d[\w.+]*)")
_STATUS = "PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS"
_NODEID = r"(?P<nodeid>\S+?\.py::.+?)(?: <- \S.*?\.\w+)?"  # inherited: where the code stands
_TEST = re.compile(rf"{_NODEID} (?P<status>{_STATUS})(?:\s.*)?")
_WORKER = re.compile(rf"\[gw\d+\](?: \[\s*\d+%\])? (?P<status>{_STATUS}) {_NODEID}\s*")
#: A letter for each test; subtests have their own.
_FILE = re.compile(r"(?P<path>\S+\.py) [.FEsxXRu,-]+(?:\s+\[\s*\d+%\])?\s*")
_SLOWEST = re.compile(r"\s*(?P<seconds>\d+\.\d+)s call\s+(?P<nodeid>\S.*?)\s*")

_OUTCOMES = {
    "PASSED": Outcome.PASSED, "FAILED": Outcome.FAILED, "ERROR": Outcome.ERROR,
    "SKIPPED": Outcome.SKIPPED, "XFAIL": Outcome.XFAILED, "XPASS": Outcome.XPASSED,
}  # fmt: skip
_SYSTEMS = {"linux": "Linux", "linux2": "Linux", "darwin": "Darwin", "win32": "Windows"}


class _Line(NamedTuple):
    """A line without colours, and when it was written, where the log tells that."""

    text: str
    when: str = ""


def read_log(data: bytes, wanted: Wanted) -> Reported:
    """Read the terminal output of one pytest session.

    Args:
        data: The log; colours, and a time before each line, are no hindrance.
        wanted: The selector's tests.

    Raises:
        ReportError: It has no summary line, is of several sessions, or the session ran other
            tests too.
    """
    told = _lines(_ESCAPES.sub("", text_of(data)).splitlines())
    lines = [line.text for line in told]
    number, summary = _summary(lines)
    tests = _tests(lines, wanted)
    outcome, guilty = by_worst(((t.nodeid, t.outcome) for t in tests), wanted.nodeids)
    counted = _counted(summary["told"])
    if not tests or outcome is Outcome.PASSED:  # a count knows of errors outside of tests too
        outcome, guilty = by_worst(("", each) for each in counted)
    if any(line.startswith("!") and "Interrupt" in line for line in lines):
        outcome = Outcome.INTERRUPTED
    system, python, packages = _header(lines)
    return Reported(
        line=number,
        excerpt=lines[number - 1].strip(" ="),
        outcome=outcome,
        reason=guilty,
        started=_started(told, number, float(summary["seconds"])),
        duration=seconds(summary["seconds"]),
        tests=tuple(tests),
        machine=Machine(system=system),
        python=python,
        packages=packages,
        text="\n".join([*lines, ""]),
    )


def _lines(texts: list[str]) -> list[_Line]:
    """Take the times off the lines, when the log has them everywhere: a test may print one too."""
    stamps = [_STAMP.match(text) for text in texts]
    if 2 * sum(stamp is not None for stamp in stamps) < len(texts):
        return [_Line(text) for text in texts]
    return [
        _Line(text[stamp.end() :], stamp["when"]) if stamp else _Line(text)
        for text, stamp in zip(texts, stamps, strict=True)
    ]


def _summary(lines: Sequence[str]) -> tuple[int, re.Match[str]]:
    """Return the number of the last line of the session, and what it says."""
    found = [(n, match) for n, line in enumerate(lines, 1) if (match := _SUMMARY.fullmatch(line))]
    begun = sum(_HEADER.fullmatch(line) is not None for line in lines)
    if not found:
        raise ReportError(
            "Expected a pytest log with its summary line, such as '1 passed in 35.92s', "
            "but got none. The log may be cut off."
        )
    if max(len(found), begun) > 1:
        ends = ", ".join(str(number) for number, _ in found[:8])
        raise ReportError(
            f"Expected the log of one pytest session, but got {max(len(found), begun)} "
            f"(summaries at line {ends}). Cut it into a file for each, and import those that are "
            "of the selector together: they are one batch."
        )
    return found[0]


def _started(told: Sequence[_Line], last: int, took: float) -> str | None:
    """Return when the session began, where each line tells when it was written."""
    header = next((line for line in told if line.when and _HEADER.fullmatch(line.text)), None)
    if header is not None:
        return moment(header.when)
    ended = moment(told[last - 1].when)
    return ended and moment(str(datetime.fromisoformat(ended) - timedelta(seconds=took)))


def _counted(told: str) -> Iterator[Outcome]:
    for number, word in _COUNT.findall(told):
        if int(number):
            yield Outcome(word)


def _tests(lines: list[str], wanted: Wanted) -> list[TestResult]:
    """Return the tests that a verbose log names; refuse a session that ran others too."""
    found: dict[str, TestResult] = {}
    others: list[str] = []
    for line in lines:
        if match := _TEST.fullmatch(line) or _WORKER.fullmatch(line):
            nodeid = _slashed(match["nodeid"])
            if not wanted.has(nodeid):
                others.append(nodeid)
                continue
            found[nodeid] = TestResult(
                nodeid=nodeid, outcome=_OUTCOMES[match["status"]], seconds=None
            )
        elif match := _FILE.fullmatch(line):
            path = _slashed(match["path"])
            if not wanted.has_file(path):
                others.append(path)
    if others:
        raise ReportError(
            f"Expected a session of {' and '.join(wanted.nodeids)} alone, because its time is "
            f"that of all its tests, but it ran {others[0]}"
            f"{f' and {len(others) - 1} more' if len(others) > 1 else ''}. "
            "Import the JUnit XML of that session, which tells each test's time."
        )
    for line in lines:
        if match := _SLOWEST.fullmatch(line):
            nodeid = _slashed(match["nodeid"])
            if nodeid in found:
                took = float(match["seconds"])
                found[nodeid] = msgspec.structs.replace(found[nodeid], seconds=took)
    return list(found.values())


def _slashed(nodeid: str) -> str:
    """Return a node id as pytest spells it everywhere: on Windows a log has the system's own."""
    path, mark, inside = nodeid.partition("::")
    return path.replace("\\", "/") + mark + inside


def _header(lines: list[str]) -> tuple[str | None, str, dict[str, str]]:
    """Return the system, the interpreter and the distributions that the header names."""
    system, python, packages = None, "", {}
    for line in lines[:40]:
        if match := _PLATFORM.match(line):
            system = _SYSTEMS.get(match["system"], match["system"])
            python = match["python"]
            packages["pytest"] = match["pytest"]
        elif line.startswith("plugins: "):
            packages |= dict(_PLUGIN.findall(line[9:]))
        elif match := _TORCH.match(line):
            packages["torch"] = match["version"]
    return system, python, packages
