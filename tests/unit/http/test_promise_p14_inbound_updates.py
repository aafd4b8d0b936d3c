"""P14: inbound updates need the bot's own secret in address and header; duplicates count once."""

import asyncio

import pytest
from msgspec.json import encode

from tests.unit.http.client import SECRET_HEADER, Answer, Headers
from tests.unit.http.place import HERON, PELICAN, PELICAN_ROTATED, Place

pytestmark = pytest.mark.promise("P14")


@pytest.fixture
async def forbidden(place: Place) -> Answer:
    """What a stranger gets who knows nothing at all."""
    answer = await place.client.deliver(b"/webhooks/telegram/x/y", b"z", place.a_message())
    assert answer.status == 403
    return answer


def deviations(path: bytes, secret: bytes) -> dict[str, tuple[bytes, Headers]]:
    """A valid call with one thing wrong at a time; the update is a good one each time."""
    prefix, public_id, tag = path.rsplit(b"/", 2)
    right = [(SECRET_HEADER, secret)]
    other_tag = tag[:-1] + (b"A" if tag[-1:] != b"A" else b"B")
    other_secret = secret[:-1] + (b"A" if secret[-1:] != b"A" else b"B")
    paths = {
        "unknown bot": b"%s/%s/%s" % (prefix, public_id[::-1], tag),
        "bot in other case": b"%s/%s/%s" % (prefix, public_id.swapcase(), tag),
        "wrong tag": b"%s/%s/%s" % (prefix, public_id, other_tag),
        "tag in other case": b"%s/%s/%s" % (prefix, public_id, tag.swapcase()),
        "half a tag": path[:-11],
        "longer tag": path + b"A",
        "secret for a tag": b"%s/%s/%s" % (prefix, public_id, secret),
        "bot for a tag": b"%s/%s/%s" % (prefix, public_id, public_id),
        "no tag": b"%s/%s" % (prefix, public_id),
        "empty tag": b"%s/%s/" % (prefix, public_id),
        "no bot": b"%s//%s" % (prefix, tag),
        "neither": prefix,
        "neither, with slashes": prefix + b"///",
        "slash at the end": path + b"/",
        "one part more": path + b"/x",
        "doubled slash": b"%s/%s//%s" % (prefix, public_id, tag),
        "encoded slash between": b"%s/%s%%2F%s" % (prefix, public_id, tag),
        "encoded slash in the tag": b"%s/%s/%s%%2f%s" % (prefix, public_id, tag[:5], tag[5:]),
        "encoded slash in the prefix": b"/webhooks%%2Ftelegram/%s/%s" % (public_id, tag),
        "encoded letter": b"%s/%s/%%%02X%s" % (prefix, public_id, tag[0], tag[1:]),
        "dots": b"%s/x/../%s/%s" % (prefix, public_id, tag),
        "encoded NUL": path + b"%00",
        "encoded line end": path + b"%0a",
        "half an encoding": path + b"%",
        "no UTF-8 in the bot": b"%s/%%ff%%fe/%s" % (prefix, tag),
        "no UTF-8 in the tag": b"%s/%s/%%e9" % (prefix, public_id),
        "lone surrogate": b"%s/%%ed%%a0%%80/%s" % (prefix, tag),
        "huge bot": b"%s/%s/%s" % (prefix, public_id * 3000, tag),
        "huge tag": b"%s/%s/%s" % (prefix, public_id, tag * 3000),
    }
    headers: dict[str, Headers] = {
        "no secret": [],
        "empty secret": [(SECRET_HEADER, b"")],
        "wrong secret": [(SECRET_HEADER, other_secret)],
        "secret in other case": [(SECRET_HEADER, secret.swapcase())],
        "half a secret": [(SECRET_HEADER, secret[:20])],
        "longer secret": [(SECRET_HEADER, secret + b"A")],
        "secret with a line end": [(SECRET_HEADER, secret + b"\n")],
        "secret with a NUL": [(SECRET_HEADER, secret + b"\0")],
        "tag for a secret": [(SECRET_HEADER, tag)],
        "Latin-1 secret": [(SECRET_HEADER, secret[:-1] + b"\xe9")],
        "UTF-8 secret": [(SECRET_HEADER, "ё".encode())],
        "huge secret": [(SECRET_HEADER, secret * 300)],
        "twice the secret": [*right, *right],
        "a second secret": [*right, (SECRET_HEADER, other_secret)],
        "secret elsewhere": [(b"authorization", secret)],
    }
    wrong_paths = {name: (wrong, right) for name, wrong in paths.items()}
    return wrong_paths | {name: (path, wrong) for name, wrong in headers.items()}


@pytest.mark.parametrize("deviation", deviations(b"/p/bot/tag", b"secret"))
async def test_each_single_deviation_is_the_same_403_and_nothing_is_processed(
    place: Place, forbidden: Answer, deviation: str
) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    wrong_path, wrong_headers = deviations(path, secret)[deviation]

    answer = await place.client.call("POST", wrong_path, wrong_headers, encode(place.a_message()))

    assert answer == forbidden
    assert place.updates(bot) == 0
    assert place.set_aside(bot) == []


async def test_secret_and_tag_together_let_an_update_in(place: Place) -> None:
    bot = await place.add_bot()

    answer = await place.client.deliver(*place.webhook(), place.a_message())

    assert answer.status == 200
    assert place.updates(bot) == 1


async def test_another_bots_address_and_secret_open_nothing_here(
    place: Place, forbidden: Answer
) -> None:
    pelican, heron = await place.add_bot(PELICAN), await place.add_bot(HERON)
    pelican_path, pelican_secret = place.webhook(PELICAN)
    heron_path, heron_secret = place.webhook(HERON)
    mixed_path = b"/webhooks/telegram/%s/%s" % (
        pelican.public_id.encode(),
        heron_path.rpartition(b"/")[2],
    )

    answers = [
        await place.client.deliver(path, secret, place.a_message())
        for path, secret in (
            (pelican_path, heron_secret),
            (heron_path, pelican_secret),
            (mixed_path, pelican_secret),
            (mixed_path, heron_secret),
        )
    ]

    assert answers == [forbidden] * 4
    assert place.updates(pelican) == place.updates(heron) == 0


async def test_a_bot_that_never_had_a_token_takes_nothing(place: Place, forbidden: Answer) -> None:
    bot = await place.add_bot(token=None)
    path = b"/webhooks/telegram/%s/x" % bot.public_id.encode()

    assert await place.client.call("POST", path, [], b"{}") == forbidden
    assert await place.client.deliver(path, b"", place.a_message()) == forbidden
    assert await place.client.deliver(path, b"secret", place.a_message()) == forbidden
    assert place.updates(bot) == 0


async def test_a_bot_whose_token_was_removed_takes_nothing_more(
    place: Place, forbidden: Answer
) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    await place.remove_token(bot)

    assert await place.client.deliver(path, secret, place.a_message()) == forbidden
    assert place.updates(bot) == 0


async def test_a_removed_bot_is_like_one_that_never_was(place: Place, forbidden: Answer) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    await place.remove_bot(bot)

    assert await place.client.deliver(path, secret, place.a_message()) == forbidden


async def test_a_rotated_secret_is_useless_at_once(place: Place, forbidden: Answer) -> None:
    bot = await place.add_bot()
    old_path, old_secret = place.webhook()
    await place.rotate(bot, PELICAN_ROTATED)
    new_path, new_secret = place.webhook(PELICAN_ROTATED)

    old = [
        await place.client.deliver(path, secret, place.a_message())
        for path, secret in ((old_path, old_secret), (new_path, old_secret), (old_path, new_secret))
    ]
    new = await place.client.deliver(new_path, new_secret, place.a_message())

    assert old == [forbidden] * 3
    assert new.status == 200
    assert place.updates(bot) == 1


async def test_duplicates_are_acknowledged_and_processed_once(place: Place) -> None:
    bot = await place.add_bot()
    update = place.a_message("/stop")

    first = await place.client.deliver(*place.webhook(), update)
    again = await place.client.deliver(*place.webhook(), update)

    assert first == again
    assert first.status == 200
    assert place.updates(bot) == 1
    assert place.replies(bot) == 1


async def test_twenty_at_the_same_time_are_processed_once(place: Place) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    update = place.a_message("/stop")

    answers = await asyncio.gather(*(place.client.deliver(path, secret, update) for _ in range(20)))

    assert {answer.status for answer in answers} == {200}
    assert place.updates(bot) == 1
    assert place.replies(bot) == 1


async def test_an_old_update_is_still_a_duplicate_after_newer_ones(place: Place) -> None:
    bot = await place.add_bot()
    path, secret = place.webhook()
    old = place.a_message("/stop")
    await place.client.deliver(path, secret, old)
    for _ in range(50):
        await place.client.deliver(path, secret, place.a_message())

    await place.client.deliver(path, secret, old)

    assert place.updates(bot) == 51
    assert place.replies(bot) == 1
