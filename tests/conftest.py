"""What every suite shares."""

import os

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.postgres_cluster"]

# Examples may take as long as they take: a busy machine is no defect. CI tries the same examples
# each time, so that a red run can be repeated; at a desk new ones are tried, half as many at a
# time, so that nobody waits for them.
settings.register_profile("desk", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

JOURNEYS = "tests/e2e/"
LIGHT_JOURNEYS = tuple(JOURNEYS + name for name in ("cli/", "http/", "mail/", "serving/"))


class JourneysOneByOne(LoadScopeScheduling):
    """For ``-n 2``: a file stays on one worker, and all heavy journeys are on the same one.

    Each of them starts several processes that send as fast as they can, so two at once would
    starve each other. Those that mostly wait are one by one on the other.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith(LIGHT_JOURNEYS):
            return "light journeys"
        return "heavy journeys" if file.startswith(JOURNEYS) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> JourneysOneByOne:
    config.option.loadscopereorder = False
    return JourneysOneByOne(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the journeys, which take longest; the heavy ones first."""
    items.sort(
        key=lambda item: (
            not item.nodeid.startswith(JOURNEYS),
            item.nodeid.startswith(LIGHT_JOURNEYS),
        )
    )
