"""For every test: a busy machine refutes no property, and what a CI sets colours no child."""

from __future__ import annotations

import contextlib
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
