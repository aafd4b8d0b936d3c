"""What every IdFactory has to keep."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import RFC_4122

import pytest

from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_core.ids import SubscriberId, parse_id
from skua_core.ports.id_factory import IdFactory

FACTORIES: dict[str, type[IdFactory]] = {"counted": CountedIdFactory, "uuid7": Uuid7IdFactory}


@pytest.fixture(params=FACTORIES)
def ids(request: pytest.FixtureRequest) -> IdFactory:
    return FACTORIES[request.param]()


def test_new_ids_are_of_version_7_and_unguessable_ones_of_version_4(ids: IdFactory) -> None:
    assert {(new.version, new.variant) for new in (ids.new() for _ in range(100))} == {
        (7, RFC_4122)
    }
    assert {(one.version, one.variant) for one in (ids.unguessable() for _ in range(100))} == {
        (4, RFC_4122)
    }


def test_new_ids_rise(ids: IdFactory) -> None:
    made = [ids.new() for _ in range(5000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_made_by_many_threads_are_all_different(ids: IdFactory) -> None:
    def make(_: int) -> list[object]:
        return [*(ids.new() for _ in range(500)), *(ids.unguessable() for _ in range(500))]

    with ThreadPoolExecutor(4) as pool:
        made = [one for batch in pool.map(make, range(4)) for one in batch]

    assert len(set(made)) == 4000


def test_an_id_survives_its_text_form(ids: IdFactory) -> None:
    new = ids.new()

    assert parse_id(SubscriberId, str(new)) == new


def test_an_id_of_version_7_says_when_it_was_made() -> None:
    at = datetime(2026, 5, 17, 12, tzinfo=UTC)
    milliseconds = CountedIdFactory(at).new().int >> 80

    assert datetime.fromtimestamp(milliseconds / 1000, UTC) == at
    assert abs((Uuid7IdFactory().new().int >> 80) / 1000 - datetime.now(UTC).timestamp()) < 60


def test_counted_ids_are_the_same_in_each_run() -> None:
    first, second = CountedIdFactory(), CountedIdFactory()

    assert [first.new(), first.unguessable()] == [second.new(), second.unguessable()]


def test_unguessable_ids_of_the_real_factory_do_not_follow_each_other() -> None:
    ids = Uuid7IdFactory()
    made = [ids.unguessable() for _ in range(200)]

    assert made != sorted(made)
