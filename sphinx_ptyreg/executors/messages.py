"""What travels between the one who asks and a worker: JSON strings, nothing else."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ..errors import InfrastructureError
from ..plain import brief
from ..record import RunRecord

__all__ = ["Answer", "Task", "decode", "encode"]


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One attempt to measure one selector.

    Attributes:
        selector: Its name; the worker reads its declaration in its own tree.
        attempt: The first is 1; one more for each worker that was lost with it.
        tree: Digest of the project's files; a worker whose files differ refuses.
        version: Of sphinx-ptyreg; a worker with another one refuses.
        topic: Where the worker may tell how far it is.
        repeats: How often to measure; as declared when 0.
    """

    selector: str
    attempt: int
    tree: str
    version: str
    topic: str = ""
    repeats: int = 0


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a worker has to say.

    Attributes:
        selector: Which selector this is about.
        attempt: Which attempt this is about.
        worker: The engine's name of the worker; never part of a record.
        refused: Why this worker does not measure it; another one may.
        files: With a refusal for differing files: path → SHA-256 on the worker.
        records: The records of its runs.
        artifacts: SHA-256 → content of what the records name.
    """

    selector: str
    attempt: int
    worker: str
    refused: str = ""
    files: dict[str, str] | None = None
    records: list[RunRecord] = []
    artifacts: dict[str, bytes] = {}


_T = TypeVar("_T", Task, Answer)


def encode(message: Task | Answer) -> str:
    """Write a message as JSON; bytes become base64.

    Examples:
        >>> task = Task(selector="speed", attempt=1, tree="4f", version="1.0")
        >>> encode(task)
        '{"selector":"speed","attempt":1,"tree":"4f","version":"1.0","topic":"","repeats":0}'
        >>> decode(encode(task), Task) == task
        True
    """
    return msgspec.json.encode(message).decode()


def decode(text: str, kind: type[_T]) -> _T:
    """Read a message back.

    Raises:
        InfrastructureError: It is no message of this version.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, TypeError) as error:
        raise InfrastructureError(
            f"Expected a message of this version of sphinx-ptyreg, but got: {brief(error)}. "
            "Install the same version on each worker."
        ) from error
