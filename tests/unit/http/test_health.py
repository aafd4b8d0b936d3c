"""Alive and ready are two questions."""

from skua_core.errors import StorageUnavailable
from tests.unit.http.place import Place


async def test_healthz_answers_with_the_database_down(place: Place) -> None:
    place.storage.cut_off()
    place.ready.problem = StorageUnavailable("no connection")

    answer = await place.client.get(b"/healthz")

    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert place.storage.visits == 0


async def test_readyz_is_200_when_everything_answers(place: Place) -> None:
    answer = await place.client.get(b"/readyz")

    assert (answer.status, answer.body) == (200, b'{"status":"ready"}')


async def test_readyz_is_503_without_saying_why(place: Place) -> None:
    place.ready.problem = StorageUnavailable("no connection to 10.0.0.7")

    answer = await place.client.get(b"/readyz")

    assert (answer.status, answer.json["code"]) == (503, "service-unavailable")
    assert b"10.0.0.7" not in answer.body
    assert answer.header("retry-after") == "2"
