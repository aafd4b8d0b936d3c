"""The fake's own levers and memory, beyond what every messenger keeps."""

import pytest

from skua_adapters.messenger.fake import FakeMessenger
from skua_core.domain.content import RenderedMessage
from skua_core.domain.secret import BotToken
from skua_core.ids import ChatId
from skua_core.ports.messenger import NotSent, OutboundMessage, Sent, Throttled

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
