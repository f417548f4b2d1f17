"""The fixture `fuseboard_stage`, which pytest finds by itself."""

import pytest

from .testing import Stage


@pytest.fixture
def fuseboard_stage() -> Stage:
    """A fresh board in memory on a fake clock."""
    return Stage()
