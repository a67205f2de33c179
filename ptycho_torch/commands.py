"""How a command is run: what it says while it works, and how it ends.

An error is one line on stderr with exit status 2, and nothing has been written.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from ptycho_torch.checks import SystemFailure, UsageError, expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

EXIT_USAGE = 2
EXIT_INFRASTRUCTURE = 3
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
EXIT_UNHEARD = 141
"""Standard output was closed by who read it, as by ``| head``."""


def say(text: str, *, end: str = "\n", stream: TextIO | None = None) -> None:
    """Say something on standard error; who does not listen does not stop the work.

    Args:
        text: What to say.
        end: What to end with.
        stream: Where to say it instead.
    """
    stream = stream or sys.stderr
    try:
        print(text, end=end, file=stream, flush=True)
    except (OSError, ValueError):  # closed, or on a full disk
        _let_go_of(stream)


def is_first_process() -> bool:
    """Whether this is the first of the processes that train together: the one that speaks."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def run_command(command: Callable[[], None]) -> int:
    """Run a command line's work and give its exit status.

    Args:
        command: The work.

    Returns:
        0, or 2 for a :class:`UsageError`, 3 for a failure of the system (a full disk), 130 for
        Ctrl-C and 143 for a request to terminate; each with one line on stderr.

    Examples:
        >>> run_command(lambda: None)
        0
    """
    _spell_everything()
    with _terminable() as asked:
        try:
            command()
            sys.stdout.flush()
        except UsageError as problem:
            messages, status = [str(text) for text in problem.args], EXIT_USAGE
        except BrokenPipeError:
            _let_go_of(sys.stdout)
            return EXIT_UNHEARD
        except (SystemFailure, MemoryError, OSError) as problem:
            messages, status = [_told(problem)], EXIT_INFRASTRUCTURE
        except KeyboardInterrupt as stop:
            messages = [str(stop) or "Interrupted. Nothing was written."]
            status = EXIT_TERMINATED if asked else EXIT_INTERRUPTED
        except SystemExit as end:  # --help
            return _ended(end)
        else:
            return 0
    if is_first_process():
        for message in messages:
            say(" ".join(message.split()))
    return status


def _told(problem: SystemFailure | MemoryError | OSError) -> str:
    if isinstance(problem, SystemFailure):
        return str(problem)
    if isinstance(problem, MemoryError):
        got = str(problem) or "too little"
        remedy = "Ask for fewer or smaller patterns."
        return expected("the memory of this machine", "be enough", got, remedy)
    return expected(
        str(problem.filename or "the system"),
        "be usable",
        problem.strerror or problem,
        "Nothing was written; free what is missing and run again.",
    )


def _spell_everything() -> None:
    """Write what a terminal's encoding has no letter for as an escape, not as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _let_go_of(stream: TextIO) -> None:
    """Let the end of the process not try to write once more what nobody reads."""
    with suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), stream.fileno())


def _ended(end: SystemExit) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of(sys.stdout)
        return EXIT_UNHEARD
    return end.code if isinstance(end.code, int) else 0


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """Let a request to terminate, as of a batch system, end a command as Ctrl-C does.

    Yields:
        The requests that came.
    """
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        asked.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # while modules were loaded
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
