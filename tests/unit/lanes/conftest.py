"""A bot with a broadcast, the fake messenger, and one lane over memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest

from skua_adapters._memory import Memory
from skua_adapters.clock.system import SystemClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.media_store.in_memory import InMemoryMediaStore
from skua_adapters.messenger.fake import FakeMessenger
from skua_adapters.renderer.in_process import InProcessRenderer
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_adapters.tenant_storage.in_memory.turn_groups import InMemoryTurnGroups
from skua_adapters.token_vault.in_memory import InMemoryTokenVault
from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.domain.broadcast import Broadcast, BroadcastReport, BroadcastStatus, PauseReason
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.domain.content import MessageSource, RenderedMessage
from skua_core.domain.delivery import DeliveryKind, DeliveryStatus, DirectOrigin, Reason
from skua_core.domain.lane import LaneTimes
from skua_core.domain.media import MediaKind, MediaUpload, Medium
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import Profile, Subscriber, SubscriberStatus
from skua_core.domain.user import SYSTEM
from skua_core.ids import (
    BotId,
    BroadcastId,
    CampaignId,
    ChatId,
    DirectMessageId,
    MediaId,
    SubscriberId,
    TelegramId,
    UserId,
)
from skua_core.ports.repositories import BotSecrets, Recipient
from skua_core.ports.tenant_storage import TenantUnit, UnitKind
from skua_core.use_cases.gathered_turns import GatheredTurns
from skua_core.use_cases.item_stops import PauseItem
from skua_core.use_cases.lane_guard import LaneGuard
from skua_core.use_cases.lane_place import LaneEnd, LanePlace, LaneSettings, SendRates
from skua_core.use_cases.lanes import AcquireLane, ServeLane
from skua_core.use_cases.tokens import TokenFailed

TOKEN = BotToken("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
ENTRY = NewAuditEntry(actor=SYSTEM, action="test.prepared", resource="test:1")
SWIFT = LaneTimes(
    heartbeat=0.05, fence=0.5, takeover=1.0, future_tolerance=0.5, sweep=0.1, patience=0.15
)


@dataclass
class Held:
    """A lane that is being served."""

    place: LanePlace
    guard: LaneGuard
    task: asyncio.Task[LaneEnd]
    heart: asyncio.Task[None]

    async def end(self) -> LaneEnd:
        try:
            async with asyncio.timeout(10):
                return await self.task
        finally:
            self.heart.cancel()


@dataclass
class Bench:
    """Everything around one lane."""

    rates: SendRates = field(default_factory=lambda: SendRates(free=5000, paid=5000))
    times: LaneTimes = SWIFT

    def __post_init__(self) -> None:
        self.clock = SystemClock()
        self.ids = CountedIdFactory()
        self.memory = Memory(self.clock)
        self.storage = InMemoryTenantStorage(self.memory, times=self.times)
        self.messenger = FakeMessenger()
        self.media_store = InMemoryMediaStore(self.memory)
        self.vault = InMemoryTokenVault()
        self.renderer = InProcessRenderer()
        self.bot_id = BotId(uuid4())
        self.settings = LaneSettings(
            times=self.times, rates=self.rates, poll=self.times.patience, withhold=0.05
        )

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[TenantUnit]:
        async with self.storage.unit(self.bot_id) as unit:
            yield unit
            await unit.audit.append(ENTRY)
            await unit.commit()

    async def connect(self) -> None:
        now = self.clock.now()
        bot = Bot(
            id=self.bot_id,
            slug="pelican",
            public_id="p",
            name="Pelican",
            owner_id=UserId(uuid4()),
            telegram_id=TelegramId(110201543),
            token_state=TokenState.ACTIVE,
            webhook_state=WebhookState.SET,
            created_at=now,
            updated_at=now,
        )
        async with self.changing() as unit:
            await unit.bot.add(bot)
            sealed = self.vault.seal_token(self.bot_id, TOKEN)
            await unit.bot.save_secrets(BotSecrets(sealed_token=sealed))

    async def subscribe(
        self, number: int, *, language: str | None = None, first: int = 1000
    ) -> list[Subscriber]:
        now = self.clock.now() - timedelta(seconds=5)  # older than whatever Telegram says next
        people = [
            Subscriber(
                id=SubscriberId(self.ids.new()),
                chat_id=ChatId(first + index),
                profile=Profile(first_name=f"Ana {index}", language=language),
                subscribed_changed_at=now,
                reach_changed_at=now,
                joined_at=now,
            )
            for index in range(number)
        ]
        async with self.changing() as unit:
            await unit.subscribers.add_many(people)
        return people

    async def broadcast(
        self, message: str | MessageSource = "Hello {{ first_name }}", *, paid: bool = False
    ) -> BroadcastId:
        now = self.clock.now()
        campaign = Campaign(
            id=CampaignId(self.ids.new()), name="Spring", revision=1, created_at=now, updated_at=now
        )
        broadcast = Broadcast(
            id=BroadcastId(self.ids.new()),
            campaign_id=campaign.id,
            revision=1,
            paid=paid,
            created_at=now,
            changed_at=now,
        )
        async with self.changing() as unit:
            await unit.campaigns.save(campaign)
            await unit.campaigns.add_revision(self._revision(campaign.id, 1, message))
            await unit.broadcasts.add(broadcast)
        return broadcast.id

    async def edit(self, broadcast_id: BroadcastId, number: int, message: str) -> None:
        """Resume a stopped broadcast with another wording."""
        async with self.changing() as unit:
            broadcast = await unit.broadcasts.get(broadcast_id, lock=True)
            assert broadcast is not None
            await unit.campaigns.add_revision(
                self._revision(broadcast.campaign_id, number, message)
            )
            broadcast.resume(now=self.clock.now(), revision=number)
            await unit.broadcasts.save(broadcast)

    def _revision(
        self, campaign_id: CampaignId, number: int, message: str | MessageSource
    ) -> CampaignRevision:
        source = MessageSource(message) if isinstance(message, str) else message
        return CampaignRevision(
            campaign_id=campaign_id,
            number=number,
            source=source,
            compiled=self.renderer.compile(source),
            created_at=self.clock.now(),
        )

    async def upload(self, data: bytes = b"a picture", *, name: str = "cat.jpg") -> Medium:
        """A photo that waits in the store."""
        media_id = MediaId(self.ids.new())
        size = await self.media_store.put(self.bot_id, media_id, one_piece(data))
        upload = MediaUpload(
            id=media_id, kind=MediaKind.PHOTO, name=name, size=size, created_at=self.clock.now()
        )
        async with self.changing() as unit:
            await unit.media.add(upload)
        return Medium(MediaKind.PHOTO, upload=media_id)

    async def reply(
        self,
        subscriber: Subscriber,
        message: str | RenderedMessage,
        *,
        origin: DirectOrigin | None = None,
    ) -> None:
        async with self.storage.unit(self.bot_id, UnitKind.INBOUND) as unit:
            await unit.deliveries.enqueue_direct(
                DirectMessageId(self.ids.new()),
                kind=DeliveryKind.REPLY,
                subscriber_id=subscriber.id,
                content=RenderedMessage(message) if isinstance(message, str) else message,
                lifetime=600,
                origin=origin,
            )
            await unit.commit()

    async def switch(self, broadcast_id: BroadcastId, to: BroadcastStatus) -> None:
        async with self.changing() as unit:
            broadcast = await unit.broadcasts.get(broadcast_id, lock=True)
            assert broadcast is not None
            now = self.clock.now()
            match to:
                case BroadcastStatus.PAUSED:
                    broadcast.pause(PauseReason.OPERATOR, now=now)
                case BroadcastStatus.CANCELLED:
                    broadcast.cancel(now=now)
                case _:
                    broadcast.resume(now=now)
            await unit.broadcasts.save(broadcast)

    async def report(self, broadcast_id: BroadcastId) -> BroadcastReport:
        async with self.storage.unit(self.bot_id) as unit:
            assert await unit.deliveries.audit_counts(broadcast_id)
            report = await unit.broadcasts.report(broadcast_id)
        assert report is not None
        return report

    def replies(self) -> list[tuple[DeliveryStatus, Reason | None]]:
        rows = self.memory.tenants[self.bot_id].deliveries.rows.values()
        return [(row.status, row.reason) for row in rows if row.kind is DeliveryKind.REPLY]

    async def statuses(self) -> dict[SubscriberStatus, int]:
        async with self.storage.unit(self.bot_id) as unit:
            counts = await unit.audience.by_status()
        return {status: number for status, number in counts.items() if number}

    async def recipients(self, broadcast_id: BroadcastId) -> list[Recipient]:
        async with self.storage.unit(self.bot_id) as unit:
            return [row async for row in unit.deliveries.recipients(broadcast_id)]

    async def hold(self, holder: str = "worker:1") -> Held:
        acquire = AcquireLane(storage=self.storage, clock=self.clock, settings=self.settings)
        taken = await acquire(self.bot_id, holder)
        assert taken is not None
        acquired, guard = taken
        serve = ServeLane(
            storage=self.storage,
            messenger=self.messenger,
            media_store=self.media_store,
            vault=self.vault,
            renderer=self.renderer,
            clock=self.clock,
            token_failed=TokenFailed(storage=self.storage, clock=self.clock),
            pause_item=PauseItem(storage=self.storage, clock=self.clock),
            gathered=GatheredTurns(groups=InMemoryTurnGroups(self.storage)),
            settings=self.settings,
        )
        place = LanePlace()
        task = asyncio.create_task(serve(acquired, guard, place))
        return Held(place, guard, task, asyncio.create_task(self._beat(guard)))

    async def _beat(self, guard: LaneGuard) -> None:
        while True:
            guard.beat(self.clock.monotonic())
            await asyncio.sleep(self.times.heartbeat)

    async def until_paused(self, broadcast_id: BroadcastId) -> None:
        async with asyncio.timeout(10):
            status = BroadcastStatus.SENDING
            while status is BroadcastStatus.SENDING:
                await asyncio.sleep(0.002)
                status = (await self.report(broadcast_id)).broadcast.status

    async def serve_until(self, condition: Callable[[], bool]) -> None:
        """Hold the lane for so long, and let it go in good order."""
        held = await self.hold()
        await self.until(condition)
        held.place.stop()
        await held.end()

    async def until_sent(self, number: int) -> None:
        await self.until(lambda: len(self.messenger.sent) >= number)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.002)


async def one_piece(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.connect()
    return bench
