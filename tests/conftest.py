"""For every test: a property is not refuted by a busy machine."""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):  # a selector is also run where nobody has Hypothesis
    from hypothesis import settings

    settings.register_profile("steady", deadline=None)
    settings.load_profile("steady")
