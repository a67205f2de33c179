"""What a build remembers for the next one, beside the local records; losing it only costs time."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["is_settled", "recall", "remember"]

#: Nanoseconds a file must be older than the look at it, for its time stamp to be trusted.
_SETTLED_NS = 2_000_000_000


def is_settled(*stamps_ns: int) -> bool:
    """Whether a file that was written then cannot have been written again at the same time."""
    return time.time_ns() - max(stamps_ns) > _SETTLED_NS


def recall(file: Path | None, type_: Any) -> Any:
    """Return what was remembered, an empty `type_` when there is nothing that can be used."""
    if file is not None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(file.read_bytes(), type=type_)
    return type_()


def remember(file: Path, value: object) -> None:
    """Keep `value` for :func:`recall`, where that is possible."""
    temporary = file.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.encode(value))
        temporary.replace(file)
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)
