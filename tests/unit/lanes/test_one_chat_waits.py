"""A 429 that concerns one chat holds that chat, not only the delivery, and nobody else."""

from collections import Counter
from datetime import timedelta

from skua_adapters.messenger.fake import FakeMessenger
from skua_core.domain.secret import BotToken
from skua_core.ids import ChatId
from skua_core.ports.messenger import OutboundMessage, SendOutcome, Throttled
from skua_core.use_cases.lane_place import LaneSettings, SendRates
from tests.unit.lanes.conftest import SWIFT, Bench


class OneChatIsFull(FakeMessenger):
    """Telegram takes no second message for one chat for a while."""

    def __init__(self, chat_id: ChatId) -> None:
        super().__init__()
        self._chat_id = chat_id
        self.asked: Counter[ChatId] = Counter()

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        self.asked[message.chat_id] += 1
        if message.chat_id == self._chat_id and self.asked[self._chat_id] > 1:
            return Throttled(retry_after=30)
        return await super().send(token, message)


async def test_whatever_else_is_for_that_chat_waits_as_long(bench: Bench) -> None:
    bench.settings = LaneSettings(times=SWIFT, rates=SendRates(free=300), poll=0.15)
    people = await bench.subscribe(600)
    full = people[0]
    messenger = bench.messenger = OneChatIsFull(full.chat_id)
    await bench.reply(full, "First")
    await bench.reply(full, "Second")
    await bench.broadcast()

    held = await bench.hold()
    await bench.until(lambda: messenger.asked[full.chat_id] == 2)
    sent = len(messenger.sent)
    await bench.until_sent(sent + 100)
    held.place.stop()
    await held.end()

    (waits,) = bench.memory.tenants[bench.bot_id].next_sends.rows.items()
    assert waits[0] == full.id
    assert waits[1] - bench.clock.now() > timedelta(seconds=25)
    assert messenger.asked[full.chat_id] == 2
    assert bench.memory.lanes.rows[bench.bot_id].not_before is None
