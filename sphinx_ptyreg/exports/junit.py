"""``junit.xml``: the tests of recorded runs, as pytest would have reported them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from ..plain import plain
from ..record import Outcome, RunRecord, TestResult

__all__ = ["junit"]

#: Outcome → the element that says it; a test that passed needs none.
_TOLD = {
    Outcome.SKIPPED: "skipped", Outcome.XFAILED: "skipped", Outcome.FAILED: "failure",
    Outcome.XPASSED: "failure",
}  # fmt: skip


def junit(records: Sequence[RunRecord]) -> bytes:
    """Write one suite a record."""
    root = ET.Element("testsuites", name="ptyreg")
    for record in records:
        root.append(_suite(record))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(record: RunRecord) -> ET.Element:
    suite = ET.Element("testsuite", name=record.selector, timestamp=record.started)
    if record.durations.duration is not None:
        suite.set("time", repr(record.durations.duration))
    cases = list(_cases(record.tests))
    told = any(test.outcome is not Outcome.PASSED for test in record.tests)
    if record.outcome is not Outcome.PASSED and not told:  # it never came to a test
        case = ET.Element("testcase", classname=record.selector, name="run")
        message = _fit(f"{record.outcome.words}: {record.reason}")
        ET.SubElement(case, _TOLD.get(record.outcome, "error"), message=message)
        cases.append(case)
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("record", record.id), ("machine_class", record.machine_class),
                        ("source", record.source)):  # fmt: skip
        ET.SubElement(properties, "property", name=name, value=_fit(value))
    suite.extend(cases)
    return suite


def _cases(tests: Sequence[TestResult]) -> Iterator[ET.Element]:
    for test in tests:
        path, _, name = test.nodeid.partition("::")
        group = path.removesuffix(".py").replace("/", ".")
        case = ET.Element("testcase", classname=_fit(group), name=_fit(name))
        if test.seconds is not None:
            case.set("time", repr(test.seconds))
        if test.properties:
            properties = ET.SubElement(case, "properties")
            for key, value in test.properties.items():
                told = _fit(str(value))
                ET.SubElement(properties, "property", name=_fit(key), value=told)
        if test.outcome is not Outcome.PASSED:
            told = _TOLD.get(test.outcome, "error")
            ET.SubElement(case, told, message=test.outcome.words)
        yield case


def _fit(text: str) -> str:
    return " ".join(plain(text).split())
