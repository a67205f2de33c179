from pathlib import Path

import pytest


@pytest.fixture
def fixture_of_sub():
    return Path("data/fixture.txt").read_text(encoding="utf-8")
