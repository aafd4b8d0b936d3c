"""A world for each test, and no fault plan left behind."""

from collections.abc import Iterator

import pytest

from skua_core import faults
from tests.unit.use_cases.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def polling_world() -> World:
    """An installation without a public URL."""
    return World(public_url=None)


@pytest.fixture(autouse=True)
def _no_faults() -> Iterator[None]:
    yield
    faults.install(None)
