"""Messengers and bot APIs with levers for their outside world: fakes, and the simulator."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from skua_adapters.messenger.fake import FakeMessenger
from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_adapters.telegram_simulator import (
    FaultAction,
    FaultMoment,
    FaultRule,
    GroupKind,
    LatencySettings,
    NewBot,
    RateLimitSettings,
    SimulatorSettings,
    TelegramSimulator,
    WebhookSettings,
)
from skua_adapters.telegram_simulator.receipts import Receipt
from skua_adapters.telegram_simulator.stars import StarBalance
from skua_core.domain.content import InlineButton, RenderedMessage
from skua_core.domain.media import MediaKind
from skua_core.domain.secret import BotToken
from skua_core.ids import ChatId
from skua_core.ports.messenger import Messenger, OutboundMessage

SECRET = "AAF-a_made_up_secret_0123456789abcdef"
TOKEN = BotToken(f"123456789:{SECRET}")
OTHER_TOKEN = BotToken("555555555:AAF-a_secret_of_another_bot_0123456789abc")
UNKNOWN_TOKEN = BotToken("987654321:AAF-another_made_up_secret_0123456789")
BOT = TOKEN.telegram_id
ANA, BEN = ChatId(1000), ChatId(1001)
NOBODY = ChatId(4_000_000)
TOO_MUCH_DATA = RenderedMessage("Hello", buttons=((InlineButton("Go", callback_data="x" * 65),),))
NO_RULES = WebhookSettings(set_interval=0.0, allow_local=True)


GONE_URL = "https://gone.invalid/spring.jpg"


@dataclass(frozen=True)
class Arrived:
    """A message as it arrived in a chat."""

    text: str
    """Or the caption."""
    media: tuple[MediaKind, ...] = ()
    paid: bool = False


@dataclass
class MessengerRig:
    """A messenger for ``TOKEN``, whose bot may write to ``ANA`` and ``BEN``, with levers.

    The bot of ``OTHER_TOKEN`` may write to ``ANA`` too, and ``GONE_URL`` leads nowhere.

    The levers that break one call (``throttle``, ``break_down``, ``drop_…``) hit the next.
    """

    messenger: Messenger
    texts_of: Callable[[ChatId], list[str]]
    """What arrived in a chat, oldest first."""
    block: Callable[[ChatId], object]
    deactivate: Callable[[ChatId], object]
    throttle: Callable[[int], object]
    migrate: Callable[[], tuple[ChatId, ChatId]]
    """A group that became a supergroup: its old id and its new one."""
    faulty_content: Callable[[], RenderedMessage]
    refused_for_another_reason: Callable[[], OutboundMessage]
    revoke: Callable[[], object]
    cut_off: Callable[[], Awaitable[object]]
    break_down: Callable[[], object]
    drop_before_accepting: Callable[[], object]
    drop_after_accepting: Callable[[], object]
    slow_down: Callable[[float], object]
    arrived: Callable[[ChatId], list[Arrived]]
    """Oldest first."""
    uploads: Callable[[], int]
    """How many files have come with requests."""
    lose_file: Callable[[str], object]
    """Telegram forgets what it has under this file id."""
    fail_album: Callable[[str], object]
    """Say this of the next album, of which a part arrived."""
    impoverish: Callable[[], object]
    """The bot has no Stars to pay with."""
    enrich: Callable[[], object]
    """It has plenty, and may pay."""
    group: Callable[[], ChatId]


@asynccontextmanager
async def fake_messenger_rig() -> AsyncIterator[MessengerRig]:
    fake = FakeMessenger()
    fake.forget(NOBODY)
    fake.refuse_medium(GONE_URL)

    def migrate() -> tuple[ChatId, ChatId]:
        fake.migrate(ChatId(-5), ChatId(-1_000_000_000_005))
        return ChatId(-5), ChatId(-1_000_000_000_005)

    def faulty_content() -> RenderedMessage:
        fake.refuse_content("This has a fault")
        return RenderedMessage("This has a fault")

    def refused_for_another_reason() -> OutboundMessage:
        fake.refuse(ANA)
        return OutboundMessage(ANA, RenderedMessage("Hello"))

    async def cut_off() -> None:
        fake.cut_off(times=100)

    def arrived(chat: ChatId) -> list[Arrived]:
        return [
            Arrived(
                sent.content.text,
                tuple(medium.kind for medium in sent.content.media),
                paid=sent.paid,
            )
            for sent in fake.sent
            if sent.chat_id == chat
        ]

    def slow_down(seconds: float) -> None:
        fake.latency = seconds

    yield MessengerRig(
        messenger=fake,
        texts_of=lambda chat: [each.content.text for each in fake.sent if each.chat_id == chat],
        block=fake.block,
        deactivate=fake.deactivate,
        throttle=fake.throttle,
        migrate=migrate,
        faulty_content=faulty_content,
        refused_for_another_reason=refused_for_another_reason,
        revoke=lambda: fake.revoke(TOKEN),
        cut_off=cut_off,
        break_down=fake.break_down,
        drop_before_accepting=fake.drop_before_accepting,
        drop_after_accepting=fake.drop_after_accepting,
        slow_down=slow_down,
        arrived=arrived,
        uploads=lambda: len(fake.uploads),
        lose_file=fake.lose_file,
        fail_album=fake.fail_album,
        impoverish=lambda: fake.refuse_payment(BOT),
        enrich=lambda: fake.accept_payment(BOT),
        group=lambda: ChatId(-7),
    )


@asynccontextmanager
async def running_simulator(
    webhooks: WebhookSettings = NO_RULES,
) -> AsyncIterator[TelegramSimulator]:
    """One bot, a thousand people who pressed Start, and no limits that a test doesn't set."""
    settings = SimulatorSettings(
        bots=(
            NewBot(token=TOKEN.reveal(), username="skua_test_bot"),
            NewBot(token=OTHER_TOKEN.reveal(), username="skua_other_bot"),
        ),
        limits=RateLimitSettings(
            token_rate=1e6, token_bucket=10_000, chat_rate=1e6, chat_bucket=10_000
        ),
        webhooks=webhooks,
    )
    async with TelegramSimulator(settings) as simulator:
        simulator.people.add_audience(BOT, range(ANA, ANA + 1000))
        simulator.people.press_start(OTHER_TOKEN.telegram_id, ANA)
        yield simulator


def caption_of_album(receipt: Receipt) -> str:
    items = receipt.parameters.get("media", "[]")
    if isinstance(items, str):
        items = msgspec.json.decode(items)
    return items[0].get("caption", "") if items else ""


@asynccontextmanager
async def telegram_messenger_rig() -> AsyncIterator[MessengerRig]:
    async with running_simulator() as simulator:
        messenger = TelegramMessenger(TelegramMessengerSettings(api_base=simulator.base_url))
        yield rig_of_simulator(simulator, messenger)
        await messenger.close()


def rig_of_simulator(simulator: TelegramSimulator, messenger: Messenger) -> MessengerRig:
    people, faults = simulator.people, simulator.faults

    def once(action: FaultAction, when: FaultMoment = FaultMoment.BEFORE, after: int = 1) -> None:
        faults.add(FaultRule(action=action, when=when, method="*", times=1, retry_after=after))

    def migrate() -> tuple[ChatId, ChatId]:
        group = simulator.world.add_group(BOT, "Bird watchers", GroupKind.GROUP)
        return ChatId(group.id), ChatId(people.migrate(group.id))

    def arrived(chat: ChatId) -> list[Arrived]:
        return [
            Arrived(
                receipt.text or receipt.caption or caption_of_album(receipt),
                tuple(MediaKind(medium.kind) for medium in receipt.media),
                paid=receipt.paid,
            )
            for receipt in simulator.book.accepted()
            if receipt.chat_id == chat
        ]

    def fail_album(words: str) -> None:
        faults.add(
            FaultRule(
                action=FaultAction.REFUSE,
                when=FaultMoment.AFTER,
                method="sendMediaGroup",
                description=words,
                parts=1,
                times=1,
            )
        )

    def enrich() -> None:
        simulator.world.bot(BOT).stars = StarBalance(10_000, may_pay=True)

    def impoverish() -> None:
        simulator.world.bot(BOT).stars = StarBalance(0, may_pay=False)

    def refused_for_another_reason() -> OutboundMessage:
        words = "Bad Request: not enough rights to send text messages to the chat"
        faults.add(FaultRule(action=FaultAction.REFUSE, description=words, times=1))
        return OutboundMessage(ANA, RenderedMessage("Hello"))

    def slow_down(seconds: float) -> None:
        simulator.latency.settings = LatencySettings(mean=seconds)

    return MessengerRig(
        messenger=messenger,
        texts_of=lambda chat: [
            receipt.text or "" for receipt in simulator.book.accepted() if receipt.chat_id == chat
        ],
        block=lambda chat: people.block(BOT, chat),
        deactivate=people.deactivate,
        throttle=lambda seconds: once(FaultAction.TOO_MANY_REQUESTS, after=seconds),
        migrate=migrate,
        faulty_content=lambda: TOO_MUCH_DATA,
        refused_for_another_reason=refused_for_another_reason,
        revoke=lambda: simulator.world.revoke_token(BOT),
        cut_off=simulator.stop,
        break_down=lambda: once(FaultAction.BAD_GATEWAY),
        drop_before_accepting=lambda: once(FaultAction.DROP),
        drop_after_accepting=lambda: once(FaultAction.DROP, FaultMoment.AFTER),
        slow_down=slow_down,
        arrived=arrived,
        uploads=lambda: sum(len(receipt.uploads) for receipt in simulator.book),
        lose_file=lambda file_id: simulator.world.forget_file(BOT, file_id),
        fail_album=fail_album,
        impoverish=impoverish,
        enrich=enrich,
        group=lambda: ChatId(simulator.world.add_group(BOT, "Birds", GroupKind.GROUP).id),
    )
