"""The fake's own levers and memory, beyond what every messenger keeps."""

import pytest

from skua_adapters.messenger.fake import FakeMessenger
from skua_core.domain.content import RenderedMessage
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.domain.secret import BotToken
from skua_core.ids import ChatId
from skua_core.ports.messenger import (
    Blame,
    NotSent,
    OutboundMessage,
    Refused,
    Sent,
    Throttled,
    Unknown,
)
from tests.contract.rigs.media_files import a_file, a_png, an_upload_id

ONE = BotToken("123456789:AAF-a_made_up_secret_0123456789abcdef")
TWO = BotToken("987654321:AAF-a_made_up_secret_0123456789abcdef")
HELLO = OutboundMessage(ChatId(1), RenderedMessage("Hello"))


@pytest.fixture
def messenger() -> FakeMessenger:
    return FakeMessenger()


async def test_it_knows_which_bot_sent_what(messenger: FakeMessenger) -> None:
    await messenger.send(ONE, HELLO)

    assert messenger.sent == messenger.sent_by(ONE.telegram_id) == [HELLO]
    assert messenger.sent_by(TWO.telegram_id) == []


async def test_trouble_comes_in_order_and_as_often_as_asked(messenger: FakeMessenger) -> None:
    messenger.throttle(3, times=2)
    messenger.cut_off()

    outcomes = [await messenger.send(ONE, HELLO) for _ in range(4)]

    assert [type(outcome) for outcome in outcomes] == [Throttled, Throttled, NotSent, Sent]


async def test_whoever_unblocks_the_bot_gets_messages_again(messenger: FakeMessenger) -> None:
    messenger.block(HELLO.chat_id)
    messenger.unblock(HELLO.chat_id)

    assert isinstance(await messenger.send(ONE, HELLO), Sent)


async def test_revoking_one_token_leaves_the_others(messenger: FakeMessenger) -> None:
    messenger.revoke(ONE)

    assert isinstance(await messenger.send(TWO, HELLO), Sent)


async def test_it_counts_uploads_and_gives_each_bot_its_own_file_id(
    messenger: FakeMessenger,
) -> None:
    media_id = an_upload_id()
    medium = Medium(MediaKind.PHOTO, upload=media_id)
    message = OutboundMessage(
        ChatId(1), RenderedMessage(media=(medium,)), files={media_id: a_file(a_png())}
    )

    first, again, others = [await messenger.send(bot, message) for bot in (ONE, ONE, TWO)]

    assert isinstance(first, Sent)
    assert isinstance(again, Sent)
    assert isinstance(others, Sent)
    assert first.file_ids == again.file_ids != others.file_ids
    assert messenger.uploads == [(bot.telegram_id, media_id) for bot in (ONE, ONE, TWO)]


async def test_it_refuses_to_copy_what_it_was_told_to(messenger: FakeMessenger) -> None:
    copied = CopiedMessage(ChatId(-7), 3)
    messenger.refuse_copy(copied)

    outcome = await messenger.send(
        ONE, OutboundMessage(ChatId(1), RenderedMessage("Mine", copied=copied))
    )

    assert outcome == Refused("Bad Request: message to copy not found", Blame.CONTENT)


@pytest.mark.parametrize("paid", [False, True])
async def test_it_refuses_only_paid_messages_of_who_may_not_pay(
    messenger: FakeMessenger, *, paid: bool
) -> None:
    messenger.refuse_payment(ONE.telegram_id)
    message = OutboundMessage(ChatId(1), RenderedMessage("Hello"), paid=paid)

    outcome = await messenger.send(ONE, message)

    assert isinstance(outcome, Refused if paid else Sent)
    assert isinstance(await messenger.send(TWO, message), Sent)


async def test_an_album_may_arrive_though_telegram_says_that_it_failed(
    messenger: FakeMessenger,
) -> None:
    photo = Medium(MediaKind.PHOTO, url="https://media.example/a.jpg")
    album = OutboundMessage(ChatId(1), RenderedMessage(media=(photo, photo)))
    messenger.fail_album("Bad Request: group send failed")

    outcome = await messenger.send(ONE, album)

    assert isinstance(outcome, Unknown)
    assert messenger.sent == [album]
