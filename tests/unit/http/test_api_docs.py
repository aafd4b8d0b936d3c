"""The page of the interface: it comes whole from here, under a policy that lets nothing else in."""

import re

import pytest

from skua_http.api_docs.routes import RELEASE
from tests.unit.http.place import Place

LINKED = re.compile(rb'(?:href|src)="([^"]+)"')


async def test_all_that_the_page_needs_is_served_by_skua_itself(place: Place) -> None:
    page = await place.client.get(b"/api/docs")
    needed = LINKED.findall(page.body)

    kinds = set()
    for address in needed:
        assert address.startswith(b"/api/docs/")
        answer = await place.client.get(address)
        assert answer.status == 200
        kinds.add(answer.header("content-type"))

    assert page.header("content-type") == "text/html; charset=utf-8"
    assert len(needed) == 3
    assert kinds == {"text/css; charset=utf-8", "text/javascript; charset=utf-8"}


async def test_nothing_stands_in_the_page_that_its_policy_forbids(place: Place) -> None:
    page = await place.client.get(b"/api/docs")

    policy = page.header("content-security-policy") or ""
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert b"<style" not in page.body
    assert not re.search(rb"<script(?![^>]*\bsrc=)", page.body)
    assert not re.search(rb'\s(?:style|on\w+)="', page.body)


async def test_it_reads_our_own_description_and_sends_it_nowhere(place: Place) -> None:
    script = (await place.client.get(b"/api/docs/init.js")).body

    assert b'url: "/api/openapi.json"' in script
    assert b"validatorUrl: null" in script
    assert (await place.client.get(b"/api/openapi.json")).status == 200


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css"])
async def test_a_release_is_kept_by_browsers_under_an_address_of_its_own(
    place: Place, name: str
) -> None:
    answer = await place.client.get(f"/api/docs/{RELEASE}/{name}".encode())
    former = await place.client.get(f"/api/docs/5.0.0/{name}".encode())

    assert "immutable" in (answer.header("cache-control") or "")
    assert former.status == 404


async def test_the_release_that_is_named_is_the_one_that_is_shipped(place: Place) -> None:
    script = await place.client.get(f"/api/docs/{RELEASE}/swagger-ui-bundle.js".encode())

    assert f'"{RELEASE}"'.encode() in script.body
