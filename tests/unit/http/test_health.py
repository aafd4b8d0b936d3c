"""Alive and ready are two questions."""

from skua_core.errors import StorageUnavailable
from skua_http.health import QueueState
from tests.unit.http.place import Place


async def test_healthz_answers_with_the_database_down(place: Place) -> None:
    place.storage.cut_off()
    place.ready.problem = StorageUnavailable("no connection")

    answer = await place.client.get(b"/healthz")

    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert place.storage.visits == 0


async def test_readyz_is_200_when_everything_answers(place: Place) -> None:
    answer = await place.client.get(b"/readyz")

    assert answer.status == 200
    assert answer.json == {"status": "ready", "database": "ok", "queue": "ok"}


async def test_readyz_is_200_without_a_queue_and_says_so(place: Place) -> None:
    place.ready.queue = QueueState.AWAY

    answer = await place.client.get(b"/readyz")

    assert (answer.status, answer.json["queue"]) == (200, "away")


async def test_readyz_is_503_without_saying_why(place: Place) -> None:
    place.ready.problem = StorageUnavailable("no connection to 10.0.0.7")

    answer = await place.client.get(b"/readyz")

    assert (answer.status, answer.json["code"]) == (503, "service-unavailable")
    assert b"10.0.0.7" not in answer.body
    assert answer.header("retry-after") == "2"
