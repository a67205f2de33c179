"""Which records were read whole: each is looked into once, not in every build."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from .entries import Entry
from .plain import plain_parts
from .record import RunRecord
from .remembered import is_settled, recall, remember

__all__ = ["Readable", "presentable"]

_Stamp = tuple[int, int, int]


class Readable:
    """Remembers which record files could be read, by their time stamps and sizes.

    Args:
        cache: The file to remember that in; None for none.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._known: dict[str, _Stamp] = recall(cache, dict[str, _Stamp])
        self._seen: dict[str, _Stamp] = {}

    def unread(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries that nobody has read since they were written."""
        for entry in entries:
            stamp = entry.stamp
            if stamp is None or self._known.get(entry.name) != stamp:
                yield entry
            else:
                self._seen[entry.name] = stamp

    def note(self, entry: Entry) -> None:
        """Remember that `entry` was read whole."""
        stamp = entry.stamp
        if stamp is not None and is_settled(stamp[0], stamp[1]):
            self._seen[entry.name] = stamp

    def save(self) -> None:
        """Keep what was learnt for the next build; files that are gone are forgotten."""
        if self._cache is not None and self._seen != self._known:
            remember(self._cache, self._seen)


def presentable(record: RunRecord) -> RunRecord:
    """Return the record as it may be shown; what it depended on stays as it was, for digests."""
    parts = msgspec.to_builtins(record)
    shown = plain_parts(parts)
    if shown == parts:
        return record
    shown["inputs"] = parts["inputs"]
    return msgspec.convert(shown, RunRecord)
