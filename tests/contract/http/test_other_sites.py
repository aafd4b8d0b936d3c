"""What pages of other sites can make a browser do here: nothing."""

import pytest

from skua_http.cookies import SESSION_COOKIE
from tests.contract.http.house import PASSWORD, Browser, House

OTHER = "https://evil.example"
SIBLING = "https://blog.skua.example"
LOGIN = b'{"email": "ana@example.com", "password": "a heron on one leg, waiting"}'


async def ask_from(
    browser: Browser, path: str, body: bytes, *, site: str | None, origin: str | None, kind: str
) -> int:
    headers = {"content_type": kind}
    headers |= {"sec_fetch_site": "" if site is None else site}
    if origin is not None:
        headers["origin"] = origin
    answer = await browser.call("POST", path, body, **headers)
    assert answer.header("set-cookie") is None
    return answer.status


@pytest.mark.parametrize(
    "path",
    [
        "/api/auth/login",
        "/api/auth/register",
        "/api/auth/verify",
        "/api/auth/logout",
        "/api//auth/login",
        "//api/auth/login/",
    ],
)
@pytest.mark.parametrize(
    ("site", "origin", "kind"),
    [
        ("cross-site", OTHER, "text/plain"),
        ("cross-site", OTHER, "application/json"),
        ("cross-site", "null", "application/json"),
        ("same-site", SIBLING, "application/json"),
        ("same-site", SIBLING, "application/x-www-form-urlencoded"),
    ],
)
async def test_403_for_a_form_or_a_fetch_of_another_site(
    house: House, path: str, site: str, origin: str, kind: str
) -> None:
    status = await ask_from(house.browser(), path, LOGIN, site=site, origin=origin, kind=kind)

    assert status == 403


async def test_nobody_is_signed_out_by_another_site(house: House) -> None:
    person = await house.signed_in()

    answer = await person.browser.call(
        "POST", "/api/auth/logout", b"", sec_fetch_site="cross-site", origin=OTHER
    )

    assert (answer.status, answer.json["code"]) == (403, "cross-origin")
    assert SESSION_COOKIE in person.browser.cookies
    assert (await person.browser.get("/api/auth/me")).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"]
)
async def test_415_for_a_body_that_any_form_could_send(house: House, kind: str) -> None:
    person = await house.member()
    body = f'{{"email": "{person.email}", "password": "{PASSWORD}"}}'.encode()

    answer = await house.browser().call("POST", "/api/auth/login", body, content_type=kind)

    assert (answer.status, answer.json["code"]) == (415, "unsupported-media-type")
    assert answer.header("set-cookie") is None
