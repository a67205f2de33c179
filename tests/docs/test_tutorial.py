"""The tutorial does what it says, with what is installed here."""

from __future__ import annotations

import sys
from pathlib import Path


def test_the_tutorial_works_as_written(tmp_path: Path, follow_the_tutorial) -> None:
    follow_the_tutorial(tmp_path, Path(sys.prefix))


def test_every_block_with_a_path_is_found(blocks: dict[str, str]) -> None:
    assert {"tests/test_sorting.py", "pyproject.toml", "docs/conf.py", "docs/index.md"} <= set(
        blocks
    )
