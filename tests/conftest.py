"""What every suite shares."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.postgres_cluster"]

# Examples may take as long as they take: a busy machine is no defect. CI tries the same examples
# each time, so that a red run can be repeated; at a desk new ones are tried.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the work for ``-n 2``: a file stays together, the journeys come first and one by one.

    Each journey starts several processes of its own, so two at once would starve each other.
    """
    items.sort(key=lambda item: not _is_journey(item))
    for item in items:
        group = "e2e" if _is_journey(item) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def _is_journey(item: pytest.Item) -> bool:
    return "e2e" in item.path.relative_to(item.config.rootpath).parts
