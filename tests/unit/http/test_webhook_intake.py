"""What a call that carries both secrets is answered."""

import asyncio
import logging

import pytest
from msgspec.json import encode

from skua_core.errors import BotForbidden
from tests.unit.http.client import SECRET_HEADER, Client
from tests.unit.http.place import Place


async def test_whoever_guesses_at_a_bot_s_secret_is_slowed_down(place: Place) -> None:
    """Known bot or not, the answers are the same; and Telegram, at the same address, isn't."""
    bot = await place.add_bot()
    path, secret = place.webhook()
    unknown = path.replace(path.split(b"/")[3], b"A" * len(path.split(b"/")[3]))

    answers = {
        target: [await place.client.deliver(target, b"guess", b"{}") for _ in range(32)]
        for target in (path, unknown)
    }

    for refused in answers.values():
        assert [answer.status for answer in refused] == [403] * 30 + [429] * 2
        assert refused[-1].header("retry-after") == "1"
    assert answers[path][-1].body == answers[unknown][-1].body
    assert (await Client(place.app, peer="192.0.2.9").deliver(path, b"guess", b"{}")).status == 403
    assert (await place.client.deliver(path, secret, place.a_message())).status == 200
    assert place.updates(bot) == 1


async def test_an_update_is_answered_200_with_nothing(place: Place) -> None:
    await place.add_bot()

    answer = await place.client.deliver(*place.webhook(), place.a_message())

    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("content-length") == "0"


async def test_a_button_press_is_answered_by_telegrams_method_in_response(place: Place) -> None:
    bot = await place.add_bot()
    press = place.a_press()

    first = await place.client.deliver(*place.webhook(), press)
    again = await place.client.deliver(*place.webhook(), press)

    assert first.json == {
        "method": "answerCallbackQuery",
        "callback_query_id": press["callback_query"]["id"],
    }
    assert first.header("content-type") == "application/json"
    assert again == first
    assert place.updates(bot) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"nope", b"[]", b"{}", b"\xff\xfe", b'{"update_id": "x"}', b"null", b"[" * 5000],
)
async def test_an_undecodable_update_is_set_aside_and_acknowledged(
    place: Place, body: bytes
) -> None:
    bot = await place.add_bot()

    answer = await place.client.deliver(*place.webhook(), body)

    assert (answer.status, answer.body) == (200, b"")
    assert place.set_aside(bot) == [body]
    assert place.updates(bot) == 0


async def test_a_million_bytes_are_taken_and_one_more_is_413(place: Place) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    update = place.a_message("x")
    update["message"]["text"] = "x" * (1_000_000 - len(encode(update)) + 1)
    most = encode(update)
    assert len(most) == 1_000_000

    taken = await place.client.deliver(path, secret, most)
    refused = await place.client.deliver(path, secret, most + b" ")
    announced = await place.client.call(
        "POST", path, [(SECRET_HEADER, secret), (b"content-length", b"1000001")]
    )

    assert taken.status == 200
    assert (refused.status, refused.json["code"]) == (413, "content-too-large")
    assert announced == refused
    assert place.updates(bot) == 1


async def test_a_stranger_cannot_make_it_read_a_body(place: Place) -> None:
    await place.add_bot()
    path, _ = place.webhook()

    answer = await place.client.deliver(path, b"wrong", b"x" * 2_000_000)

    assert answer.status == 403


async def test_a_database_that_is_away_is_503_with_retry_after_and_nothing_is_lost(
    place: Place,
) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    update = place.a_message()
    place.storage.cut_off()

    away = await place.client.deliver(path, secret, update)
    place.storage.problem = None
    back = await place.client.deliver(path, secret, update)

    assert (away.status, away.json["code"]) == (503, "storage-unavailable")
    assert away.header("retry-after") == "2"
    assert back.status == 200
    assert place.updates(bot) == 1


async def test_a_full_gate_is_503_at_once_and_opens_again() -> None:
    place = Place(intake_limit=3)
    bot = await place.add_bot()
    path, secret = place.webhook()

    async with place.memory.alone_in(bot.id):
        inside = [
            asyncio.create_task(place.client.deliver(path, secret, place.a_message()))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            refused = await place.client.deliver(path, secret, place.a_message())
        assert not any(task.done() for task in inside)
    answers = await asyncio.gather(*inside)
    later = await place.client.deliver(path, secret, place.a_message())

    assert (refused.status, refused.json["code"]) == (503, "service-unavailable")
    assert refused.header("retry-after") == "2"
    assert [answer.status for answer in (*answers, later)] == [200] * 4
    assert place.updates(bot) == 4


async def test_refused_calls_leave_the_gate_as_it_was() -> None:
    place = Place(intake_limit=1)
    bot = await place.add_bot()
    path, secret = place.webhook()
    for problem in (None, RuntimeError("a bug")):
        place.storage.problem = problem
        await place.client.deliver(path, b"wrong", place.a_message())
        await place.client.deliver(path, secret, b"x" * 2_000_000)
    place.storage.problem = None

    assert (await place.client.deliver(path, secret, place.a_message())).status == 200
    assert place.updates(bot) == 1


async def test_a_bot_that_is_removed_in_the_middle_is_like_one_that_never_was(
    place: Place,
) -> None:
    await place.add_bot()
    path, secret = place.webhook()
    stranger = await place.client.deliver(path, b"wrong", place.a_message())

    place.storage.next_problems = [None, BotForbidden()]
    answer = await place.client.deliver(path, secret, place.a_message())

    assert answer == stranger


async def test_no_log_shows_the_tag_or_the_secret(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await place.add_bot()
    path, secret = place.webhook()
    tag = path.rpartition(b"/")[2]
    caplog.set_level(logging.DEBUG)
    for problem in (None, RuntimeError("a bug")):
        place.storage.problem = problem
        await place.client.deliver(path, secret, place.a_message())
        await place.client.deliver(path, secret, b"nope")
        await place.client.deliver(path, b"wrong", b"nope")
        await place.client.get(path)

    assert "a bug" in caplog.text
    assert tag.decode() not in caplog.text
    assert secret.decode() not in caplog.text
