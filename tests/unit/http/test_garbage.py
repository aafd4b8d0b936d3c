"""Whatever a stranger sends, the answer blames the stranger."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.limits import Bucket, Limits
from tests.unit.http.client import SECRET_HEADER, Answer, Headers
from tests.unit.http.place import Place

# What httptools lets through: anything visible in a target, anything but line ends in a value.
TARGET_BYTES = st.sampled_from([bytes([byte]) for byte in range(0x21, 0x7F)])
HOSTILE = st.sampled_from([b"/", b"//", b"%2F", b"%00", b"%ff", b"%", b"..", b"?", b"#", b"%0d%0a"])
PATHS = st.lists(TARGET_BYTES | HOSTILE, max_size=30).map(b"".join)
TARGETS = PATHS.map(b"/".__add__) | PATHS.map(b"/webhooks/telegram/".__add__)
VALUES = st.binary(max_size=300).map(lambda value: value.translate(None, b"\r\n\0"))
NAMES = st.sampled_from(
    [SECRET_HEADER, b"content-type", b"content-length", b"content-encoding", b"accept", b"cookie"]
) | st.sampled_from([b"x-forwarded-for", b"authorization", b"range", b"transfer-encoding"])
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=6)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def shared(runner: asyncio.Runner) -> Place:
    """One for all examples: what they send must leave it as it was."""
    place = Place(limits=Limits(webhook_bad_secret=Bucket("webhook-bad-secret", 10_000, 1)))
    runner.run(place.add_bot())
    return place


@given(method=METHODS, target=TARGETS, headers=HEADERS, body=st.binary(max_size=100))
def test_garbage_is_never_a_server_error(  # noqa: PLR0917 - hypothesis fills them by name
    runner: asyncio.Runner,
    shared: Place,
    method: str,
    target: bytes,
    headers: Headers,
    body: bytes,
) -> None:
    async def send() -> Answer:
        return await shared.client.call(method, target, headers, body)

    answer = runner.run(send())

    # 200 and 204 are those of /healthz, /readyz and OPTIONS.
    assert 400 <= answer.status < 500 or answer.status in {200, 204}
    if answer.status >= 400 and method != "HEAD":
        assert answer.json["status"] == answer.status


@given(
    secret=VALUES,
    target=PATHS.map(b"/webhooks/telegram/".__add__),
    body=st.binary(max_size=100),
    more=HEADERS,
)
def test_without_both_secrets_every_call_is_the_same_403(  # noqa: PLR0917 - as above
    runner: asyncio.Runner,
    shared: Place,
    secret: bytes,
    target: bytes,
    body: bytes,
    more: Headers,
) -> None:
    async def send(path: bytes, headers: Headers) -> Answer:
        return await shared.client.call("POST", path, headers, body)

    # Or it would be told to come again later.
    shared.clock.advance(2)
    stranger = runner.run(send(b"/webhooks/telegram/x/y", [(SECRET_HEADER, b"z")]))
    answer = runner.run(send(target, [(SECRET_HEADER, secret), *more]))

    assert stranger.status == 403
    assert answer == stranger


@given(body=st.binary(max_size=200))
def test_any_bytes_with_both_secrets_are_acknowledged(
    runner: asyncio.Runner, shared: Place, body: bytes
) -> None:
    async def send() -> Answer:
        return await shared.client.deliver(*shared.webhook(), body)

    assert runner.run(send()).status == 200
