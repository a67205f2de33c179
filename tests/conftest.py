"""For every test: a busy machine refutes no property, and children are as on a terminal."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import pytest

with contextlib.suppress(ImportError):  # a selector is also run where nobody has Hypothesis
    from hypothesis import settings

    settings.register_profile("steady", deadline=None)
    settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="session")
def _plain_children() -> Iterator[None]:
    """Ask every child for plain text; here and not at import, so pytest's own colours stay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        patch.delenv("FORCE_COLOR", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def _interruptible_children() -> None:
    """Let Ctrl-C reach every child, also where a shell runs the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
