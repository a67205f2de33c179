"""Which records the project's pages show beyond the newest of each machine class.

Pages are read as text, wherever they lie and whatever includes them: a directive that names a side
of a comparison or a number of earlier runs, and ids of records anywhere. What is kept for a text
that is no page is kept in vain; the other way round a page would lose what it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .errors import PtyregError
from .evidence import Evidence
from .record import RunRecord
from .selector_evidence import SelectorEvidence
from .sides import find_sides

__all__ = ["Named", "named_in", "shown_by"]

#: The id of a record, or its beginning down to the second, also with punctuation.
_ID = re.compile(r"\b(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})")
_DIRECTIVE = re.compile(
    r"(?:\{ptyreg:(?P<myst>compare|history|ledger)\}|ptyreg:(?P<rest>compare|history|ledger)::)"
    r"[ \t]+(?P<name>[A-Za-z][\w-]*)[^\n]*(?P<options>(?:\n[ \t>]*(?::?\w[\w-]*:[^\n]*|---))*)"
)
_OPTION = re.compile(
    r"^[ \t>]*:?(?P<key>left|right|limit):[ \t]*[\"']?(?P<value>[^\n\"']*)", re.MULTILINE
)
#: How many runs a history (of each machine class) and a ledger show unless they say.
_LIMITS = {"history": 20, "ledger": 10}


class Named:
    """What a text names: seconds at which runs began, and what its directives show."""

    def __init__(self) -> None:
        self.seconds: set[str] = set()
        self.directives: set[tuple[str, str, str, str]] = set()


def named_in(texts: Iterable[str]) -> Named:
    r"""Return what any of the texts names.

    Examples:
        >>> found = named_in(["```{ptyreg:compare} quick\n:left: 1.0\n```\n20261123T154510.1Z"])
        >>> found.seconds, found.directives
        ({'20261123T154510'}, {('compare', 'quick', '1.0', 'latest')})
    """
    found = Named()
    for text in texts:
        for year, month, day, *time in _ID.findall(text):
            found.seconds.add(f"{year}{month}{day}T{''.join(time)}")
        for match in _DIRECTIVE.finditer(text):
            kind = match["myst"] or match["rest"]
            told = {m["key"]: m["value"].strip() for m in _OPTION.finditer(match["options"])}
            if kind == "compare":
                sides = (told.get("left") or "previous", told.get("right") or "latest")
                found.directives.add((kind, match["name"], *sides))
            else:
                limit = told.get("limit", "")
                number = limit if limit.isdecimal() else str(_LIMITS[kind])
                found.directives.add((kind, match["name"], number, ""))
    return found


def shown_by(evidence: Evidence, named: Named) -> Iterator[RunRecord]:
    """Yield the records that directives show, and what ``previous`` means for each selector."""
    wanted = named.directives | {
        ("compare", name, "previous", "latest") for name in evidence.selectors
    }
    for kind, name, first, second in sorted(wanted):
        try:
            own = evidence.selector(name)
            yield from _shown(evidence, own, kind, first, second)
        except PtyregError:  # a build tells it where it stands
            continue


def _shown(
    evidence: Evidence, own: SelectorEvidence, kind: str, first: str, second: str
) -> Iterator[RunRecord]:
    if kind == "compare":
        for side in find_sides(evidence, own, first, second):
            yield from side.records
    elif kind == "ledger":
        yield from own.attempts[-int(first) :]
    else:
        by_class: dict[tuple[str, bool], list[RunRecord]] = {}
        for record in own.attempts:
            if record.measured:
                by_class.setdefault((record.machine_class, record.imported), []).append(record)
        for records in by_class.values():
            yield from records[-int(first) :]
