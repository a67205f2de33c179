"""What pytest printed to a terminal, kept as a log."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ..record import Machine, Outcome, TestResult
from .reported import Reported, ReportError, by_worst, seconds
from .wanted import Wanted

__all__ = ["read_log"]

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_SUMMARY = re.compile(
    r"=*\s*(?P<told>no tests ran|\d+ [a-z]+(?:, \d+ [a-z]+)*) in (?P<seconds>\d+\.\d+)s"
    r"(?: \([\d:, day]+\))?\s*=*"
)
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|xfailed|xpassed|error)s?\b")
_PLATFORM = re.compile(
    r"platform (?P<system>\w+) -- Python (?P<python>[\w.+]+), pytest-(?P<pytest>[\w.+]+)"
)
_TORCH = re.compile(r"(?:py)?torch\b[^\d\n]{0,20}(?P<version>\d+\.\d+[\w.+]*)", re.IGNORECASE)
_PLUGIN = re.compile(r"([A-Za-z][\w.-]*?)-(\d[\w.+]*)")
_STATUS = "PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS"
_TEST = re.compile(rf"(?P<nodeid>\S+?\.py::.+?) (?P<status>{_STATUS})(?:\s.*)?")
_WORKER = re.compile(
    rf"\[gw\d+\](?: \[\s*\d+%\])? (?P<status>{_STATUS}) (?P<nodeid>\S+?\.py::.+?)\s*"
)
_FILE = re.compile(r"(?P<path>\S+\.py) [.FEsxX]+(?:\s+\[\s*\d+%\])?\s*")
_SLOWEST = re.compile(r"\s*(?P<seconds>\d+\.\d+)s call\s+(?P<nodeid>\S.*?)\s*")

_OUTCOMES = {
    "PASSED": Outcome.PASSED, "FAILED": Outcome.FAILED, "ERROR": Outcome.ERROR,
    "SKIPPED": Outcome.SKIPPED, "XFAIL": Outcome.XFAILED, "XPASS": Outcome.XPASSED,
}  # fmt: skip
_SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def read_log(data: bytes, wanted: Wanted) -> Reported:
    """Read the terminal output of one pytest session.

    Args:
        data: The log; colours are no hindrance.
        wanted: The selector's tests.

    Raises:
        ReportError: It has no summary line, or the session ran other tests too.
    """
    text = _ESCAPES.sub("", data.decode("utf-8", errors="replace"))
    lines = text.splitlines()
    summaries = [(n, m) for n, line in enumerate(lines, 1) if (m := _SUMMARY.fullmatch(line))]
    if not summaries:
        raise ReportError(
            "Expected a pytest log with its summary line, such as '1 passed in 35.92s', "
            "but got none. The log may be cut off."
        )
    number, summary = summaries[-1]
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
        duration=seconds(summary["seconds"]),
        tests=tuple(tests),
        machine=Machine(system=system),
        python=python,
        packages=packages,
        text=text,
    )


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
            nodeid = match["nodeid"]
            if not wanted.has(nodeid):
                others.append(nodeid)
                continue
            found[nodeid] = TestResult(
                nodeid=nodeid, outcome=_OUTCOMES[match["status"]], seconds=None
            )
        elif (match := _FILE.fullmatch(line)) and not wanted.has_file(match["path"]):
            others.append(match["path"])
    if others:
        raise ReportError(
            f"Expected a session of {' and '.join(wanted.nodeids)} alone, because its time is "
            f"that of all its tests, but it ran {others[0]}"
            f"{f' and {len(others) - 1} more' if len(others) > 1 else ''}. "
            "Import the JUnit XML of that session, which tells each test's time."
        )
    for line in lines:
        if (match := _SLOWEST.fullmatch(line)) and match["nodeid"] in found:
            found[match["nodeid"]] = msgspec.structs.replace(
                found[match["nodeid"]], seconds=float(match["seconds"])
            )
    return list(found.values())


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
