"""A desk for each test."""

import pytest

from tests.unit.cli.desk import Desk
from tests.unit.use_cases.world import World


@pytest.fixture
def desk() -> Desk:
    return Desk(World())


@pytest.fixture
def ready_desk(desk: Desk) -> Desk:
    """With a bot that has three subscribers."""
    desk.add_bot()
    desk.add_subscribers()
    return desk
