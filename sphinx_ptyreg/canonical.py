"""One spelling of data: canonical JSON, its digest, and moments in time."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from typing import Any

import msgspec

__all__ = ["canonical", "digest_of", "is_moment", "timestamp"]


def canonical(value: Any) -> bytes:
    """Encode `value` as canonical JSON: sorted keys, one spelling of each number, no NaN.

    Examples:
        >>> canonical({"b": 1, "a": [2.5, None]})
        b'{"a":[2.5,null],"b":1}'

    Raises:
        ValueError: A number is not finite, which JSON cannot say.
    """
    plain = msgspec.to_builtins(value)
    data = msgspec.json.encode(plain, order="sorted")
    if b"null" in data:  # as msgspec spells what is not finite; the walk is slow
        _check_finite(plain)
    return data


def _check_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"Expected finite numbers, but got {value!r}.")
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            _check_finite(part)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of `value` as canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def timestamp(moment: datetime | None = None) -> str:
    """Return `moment` (now, by default) in UTC to the microsecond, as records spell it.

    Examples:
        >>> timestamp(datetime(2026, 11, 23, 13, 11, 57, tzinfo=UTC))
        '2026-11-23T13:11:57.000000Z'
    """
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def is_moment(text: str) -> bool:
    """Whether `text` is a time as records spell it.

    Examples:
        >>> [is_moment(f"2026-{month}-23T13:11:57.000000Z") for month in (11, 99)]
        [True, False]
    """
    try:
        told = datetime.fromisoformat(text).isoformat(timespec="microseconds")
    except ValueError:
        return False
    return told == text.removesuffix("Z") + "+00:00"
