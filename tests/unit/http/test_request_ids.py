"""Each request has a name, which stands in its answer, its log lines and its defects."""

import logging

import pytest

from skua_http.networks import parse_proxies
from skua_http.settings import HttpSettings
from tests.unit.http.place import Place

HEADER = b"x-request-id"


async def test_every_answer_has_one_of_its_own(place: Place) -> None:
    first, second = [await place.client.get(b"/healthz") for _ in range(2)]
    nowhere = await place.client.get(b"/nowhere")

    names = {answer.request_id for answer in (first, second, nowhere)}
    assert len(names - {None}) == 3


async def test_a_trusted_proxy_may_give_it() -> None:
    place = Place(settings=HttpSettings(trusted_proxies=parse_proxies("127.0.0.1")))

    answer = await place.client.call("GET", b"/healthz", [(HEADER, b"edge-4f6a.1_2")])

    assert answer.request_id == "edge-4f6a.1_2"


@pytest.mark.parametrize("given", [b"short", b"with a blank", b"x" * 65, b"line\xe9breaks", b""])
async def test_an_odd_one_is_replaced(given: bytes) -> None:
    place = Place(settings=HttpSettings(trusted_proxies=parse_proxies("127.0.0.1")))

    answer = await place.client.call("GET", b"/healthz", [(HEADER, given)])

    assert (answer.request_id or "").encode() != given
    assert answer.request_id


async def test_nobody_else_may_give_one(place: Place) -> None:
    answer = await place.client.call("GET", b"/healthz", [(HEADER, b"edge-4f6a.1_2")])

    assert answer.request_id != "edge-4f6a.1_2"


async def test_a_defect_is_found_in_the_log_by_the_id_in_its_answer(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await place.add_bot()
    path, secret = place.webhook()
    place.storage.problem = RuntimeError("a bug")

    answer = await place.client.deliver(path, secret, place.a_message())

    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert answer.json["request_id"] == answer.request_id
    assert vars(record)["request_id"] == answer.json["request_id"]
