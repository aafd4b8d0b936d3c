"""Every answer carries them, whatever its status and whoever made it."""

from skua_http.security_headers import SECURITY_HEADERS
from tests.unit.http.client import SECRET_HEADER, Answer
from tests.unit.http.place import Place


async def answers_of_every_status(place: Place) -> list[Answer]:
    await place.add_bot()
    path, secret = place.webhook()
    call, deliver = place.client.call, place.client.deliver
    answers = [
        await deliver(path, secret, place.a_message()),
        await call("OPTIONS", b"/healthz"),
        await call("GET", b"/healthz", [(b"host", b"no host")]),
        await deliver(path, b"wrong", place.a_message()),
        await call("GET", b"/nowhere"),
        await call("DELETE", b"/healthz"),
        await call("POST", path, [(SECRET_HEADER, secret)], b"x" * 1_000_001),
    ]
    place.storage.problem = RuntimeError("a bug")
    answers.append(await deliver(path, secret, place.a_message()))
    place.storage.cut_off()
    answers.append(await deliver(path, secret, place.a_message()))
    return answers


async def test_every_answer_has_the_security_headers_once(place: Place) -> None:
    answers = await answers_of_every_status(place)

    assert [answer.status for answer in answers] == [200, 204, 400, 403, 404, 405, 413, 500, 503]
    for answer in answers:
        names = [name for name, _ in answer.headers]
        assert set(SECURITY_HEADERS) <= set(answer.headers)
        assert len(names) == len(set(names))


async def test_the_frameworks_own_pages_are_not_served(place: Place) -> None:
    for path in (b"/schema", b"/schema/openapi.json", b"/schema/swagger", b"/openapi.json"):
        assert (await place.client.get(path)).status == 404
