"""Fixtures for the HTTP application."""

import pytest

from tests.unit.http.place import Place


@pytest.fixture
def place() -> Place:
    return Place()
