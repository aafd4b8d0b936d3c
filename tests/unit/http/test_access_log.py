"""What is logged of a request, and what never is."""

import io
import logging
from collections.abc import Iterator

import msgspec
import pytest

from skua_app.logs import set_up_logs
from skua_app.settings import LogFormat
from tests.unit.http.client import SECRET_HEADER
from tests.unit.http.place import Place

ACCESS = "skua_http.access_log"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the program writes to standard error, as JSON."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    set_up_logs(LogFormat.JSON)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


async def test_a_line_says_how_a_request_ended(place: Place, lines: io.StringIO) -> None:
    answer = await place.client.call("DELETE", b"/api/auth/sessions/0199?limit=3")

    line = msgspec.json.decode(lines.getvalue())
    assert line["method"] == "DELETE"
    assert line["route"] == "/api/auth/sessions/{session_id}"
    assert line["status"] == answer.status == 401
    assert line["ms"] >= 0
    assert line["request_id"] == answer.request_id


async def test_nothing_that_was_sent_is_in_it(place: Place, lines: io.StringIO) -> None:
    canary = b"ca9a8f1e"

    await place.client.call(
        "POST",
        b"/webhooks/telegram/" + canary + b"/" + canary + b"?key=" + canary,
        [
            (SECRET_HEADER, canary),
            (b"user-agent", canary),
            (b"x-request-id", canary),
            (b"x-forwarded-for", canary),
            (b"cookie", b"__Host-skua=" + canary),
        ],
        canary,
    )
    await place.client.get(b"/" + canary)
    await place.client.call(canary.decode(), b"/problems/" + canary)

    assert lines.getvalue().count("Answered a request") == 3
    assert canary.decode() not in lines.getvalue()
    assert "127.0.0.1" not in lines.getvalue()


async def test_looks_at_its_health_are_not_logged_while_it_is_well(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, ACCESS)

    await place.client.get(b"/healthz")
    await place.client.get(b"/readyz")
    place.ready.problem = TimeoutError()
    await place.client.get(b"/readyz")

    assert [vars(record)["status"] for record in caplog.records] == [503]


async def test_a_head_is_logged_as_one_with_its_route(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, ACCESS)

    await place.client.call("HEAD", b"/problems/not-found")

    [record] = caplog.records
    assert (vars(record)["method"], vars(record)["route"]) == ("HEAD", "/problems/{code}")
