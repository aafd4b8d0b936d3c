"""Every answer carries them, whatever its status and whoever made it."""

import pytest
from litestar import get
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from skua_core.errors import TooManyRequests
from skua_http.problem_pages import explanations
from skua_http.security_headers import SECURITY_HEADERS
from skua_http.settings import HttpSettings
from tests.unit.http.client import SECRET_HEADER, Answer
from tests.unit.http.place import Place

ALWAYS = {name for name, _ in SECURITY_HEADERS}
JSON = (b"content-type", b"application/json")


@get("/made-up/{status:int}", sync_to_thread=False)
def refuse(status: FromPath[int]) -> None:
    """Statuses that only the framework or a limit answers with."""
    if status == 429:
        raise TooManyRequests(3)
    raise HTTPException(status_code=status)


async def answers_of_every_status(place: Place) -> list[Answer]:
    await place.add_bot()
    place.app.register(refuse)
    path, secret = place.webhook()
    call, deliver = place.client.call, place.client.deliver
    answers = [
        await deliver(path, secret, place.a_message()),
        await call("OPTIONS", b"/healthz"),
        await call("GET", b"/healthz", [(b"host", b"no host")]),
        await call("GET", b"/api/auth/me"),
        await deliver(path, b"wrong", place.a_message()),
        await call("GET", b"/nowhere"),
        await call("DELETE", b"/healthz"),
        await call("POST", path, [(SECRET_HEADER, secret)], b"x" * 1_000_001),
        await call("POST", b"/api/auth/login", [(b"content-type", b"text/plain")], b"{}"),
        await call("GET", b"/made-up/422"),
        await call("GET", b"/made-up/429"),
    ]
    place.storage.problem = RuntimeError("a bug")
    answers.append(await deliver(path, secret, place.a_message()))
    place.storage.cut_off()
    answers.append(await deliver(path, secret, place.a_message()))
    return answers


@pytest.mark.promise("P02")
async def test_every_answer_has_the_security_headers_once(place: Place) -> None:
    answers = await answers_of_every_status(place)

    statuses = [answer.status for answer in answers]
    assert statuses == [200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 503]
    for answer in answers:
        names = [name for name, _ in answer.headers]
        assert set(SECURITY_HEADERS) <= set(answer.headers)
        assert len(names) == len(set(names))


@pytest.mark.promise("P02")
async def test_so_has_whoever_is_kept_out_at_the_door() -> None:
    closed = Place(settings=HttpSettings(allowed_networks=()))

    answer = await closed.client.get(b"/api/auth/me")

    assert (answer.status, answer.json["code"]) == (403, "address-not-allowed")
    assert set(SECURITY_HEADERS) <= set(answer.headers)


@pytest.mark.promise("P02")
async def test_pages_and_files_have_them_with_a_policy_without_anything_unsafe(
    place: Place,
) -> None:
    files = ["/problems.css", "/api/docs", "/api/docs/init.js", "/api/openapi.json"]
    pages = ["/problems", *(f"/problems/{code}" for code in explanations())]
    for path in files + pages:
        answer = await place.client.get(path.encode())

        names = [name.lower() for name, _ in answer.headers]
        policy = answer.header("content-security-policy") or ""
        assert answer.status == 200
        assert set(names) >= ALWAYS
        assert len(names) == len(set(names))
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy


async def test_the_frameworks_own_pages_are_not_served(place: Place) -> None:
    for path in (b"/schema", b"/schema/openapi.json", b"/schema/swagger", b"/openapi.json"):
        assert (await place.client.get(path)).status == 404
