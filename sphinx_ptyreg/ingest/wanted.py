"""Which tests of a report are the selector's."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Wanted"]


class Wanted(NamedTuple):
    """The node ids that a selector names; none, for a marker expression, wants every test.

    Examples:
        >>> wanted = Wanted(("tests/test_a.py::TestA::test_one",))
        >>> wanted.has("tests/test_a.py::TestA::test_one[3]")
        True
        >>> wanted.has("tests/test_a.py::TestA::test_other")
        False
        >>> wanted.nodeid("tests.test_a.TestA", "test_one[3]")
        'tests/test_a.py::TestA::test_one[3]'
        >>> wanted.nodeid("tests.test_b", "test_one") is None
        True
    """

    nodeids: tuple[str, ...]

    def has(self, nodeid: str) -> bool:
        """Whether a test is wanted."""
        return not self.nodeids or any(_covers(wanted, nodeid) for wanted in self.nodeids)

    def has_file(self, path: str) -> bool:
        """Whether a test file has tests that are wanted."""
        return not self.nodeids or any(
            _covers(wanted, path) or wanted.partition("::")[0] == path for wanted in self.nodeids
        )

    def nodeid(self, classname: str, name: str) -> str | None:
        """Return the node id of a JUnit test case; None when it is not wanted."""
        told = f"{classname}.{name}" if classname else name
        if not self.nodeids:
            return f"{classname}::{name}" if classname else name
        for wanted in self.nodeids:
            rest = told.removeprefix(_dotted(wanted))
            if rest == told or rest[:1] not in {"", "[", "."}:
                continue
            if wanted.endswith(".py") or not rest.startswith("."):
                return wanted + (_joined(rest) if rest.startswith(".") else rest)
            if "::" in wanted:  # a class
                return wanted + _joined(rest)
            return told  # a folder: where the file's name ends is not told
        return None


def _covers(wanted: str, nodeid: str) -> bool:
    rest = nodeid.removeprefix(wanted)
    return rest != nodeid and (rest == "" or rest[0] in "[/" or rest.startswith("::"))


def _dotted(nodeid: str) -> str:
    path, _, inside = nodeid.partition("::")
    dotted = path.removesuffix(".py").strip("/").replace("/", ".")
    return ".".join(filter(None, [dotted, inside.replace("::", ".")]))


def _joined(rest: str) -> str:
    """Turn ``.TestA.test_one[a.b]`` into ``::TestA::test_one[a.b]``."""
    head, bracket, parameters = rest.partition("[")
    return head.replace(".", "::") + bracket + parameters
