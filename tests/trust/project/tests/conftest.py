import pytest
from helper import value


@pytest.fixture
def top_fixture():
    return value()
