import pytest


@pytest.mark.chosen
def test_marked():
    pass
