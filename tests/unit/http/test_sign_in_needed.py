"""Whatever isn't meant for strangers asks who they are, before it looks at anything else."""

from typing import Any

import pytest
from litestar.routes import HTTPRoute

from skua_http.authentication import sign_in_needed
from tests.unit.http.place import Place

FOR_EVERYBODY = {
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/resend"),
    ("POST", "/api/auth/verify"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/password/forgot"),
    ("POST", "/api/auth/password/reset"),
    ("GET", "/api/openapi.json"),
}


def operations(place: Place) -> list[tuple[str, str, Any]]:
    return [
        (method, route.path, handler)
        for route in place.app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/")
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS" and not route.path.startswith("/api/docs")
    ]


def test_every_route_of_the_interface_has_the_guard_first_or_is_listed_here(place: Place) -> None:
    unguarded = {
        (method, path)
        for method, path, handler in operations(place)
        if sign_in_needed not in handler.resolve_guards()[:1]
    }

    assert unguarded == FOR_EVERYBODY


async def test_a_stranger_gets_401_from_each_whatever_they_send(place: Place) -> None:
    asked = 0
    for method, path, _ in operations(place):
        if (method, path) in FOR_EVERYBODY:
            continue
        target = path.partition("{")[0] + "nope"
        target = target if "{" in path else path
        answer = await place.client.call(
            method,
            target.encode(),
            [(b"content-type", b"application/json"), (b"content-length", b"1")],
            b"{",
        )
        assert (answer.status, answer.json["code"]) == (401, "not-signed-in"), path
        asked += 1

    assert asked >= 20


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_address_that_isnt_there_is_404_for_strangers_too(
    place: Place, method: str
) -> None:
    assert (await place.client.call(method, b"/api/nope")).status == 404
