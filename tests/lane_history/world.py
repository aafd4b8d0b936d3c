"""One bot, its people and its broadcasts over any storage, told in verbs that aren't awaited."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from skua_core.domain.bot import Bot, TokenState, make_public_id, make_slug
from skua_core.domain.broadcast import Broadcast, PauseReason
from skua_core.domain.campaign import Campaign
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import Claim, DeliveryKind, DeliveryStatus, Settlement
from skua_core.domain.lane import AcquiredLane, ClaimOrder, LaneTimes, Lease
from skua_core.domain.secret import SealedSecret
from skua_core.domain.subscriber import Reach, Subscriber
from skua_core.errors import (
    BroadcastAlreadySending,
    BroadcastStateConflict,
    LeaseLost,
    NothingToResend,
)
from skua_core.ids import (
    BotId,
    BroadcastId,
    CampaignId,
    ChatId,
    DirectMessageId,
    SubscriberId,
    TelegramId,
)
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.ports.repositories import BotSecrets, Recipient
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from tests.contract.rigs.scene import a_revision

T = TypeVar("T")
Work = Callable[[TenantUnit], Awaitable[T]]

PEOPLE = 4
GROUP, SUPERGROUP = ChatId(-1), ChatId(-1001)


@dataclass
class Ground:
    """What a history happens on."""

    loop: asyncio.AbstractEventLoop
    tenants: TenantStorage
    platform: PlatformStorage
    times: LaneTimes
    ids: IdFactory
    now: Callable[[], datetime]
    let_pass: Callable[[BotId, float], Awaitable[None]]
    """Everything that is stored about a bot grows older by so many seconds."""
    close: Callable[[], Awaitable[None]]


class LaneWorld:
    """``broadcasts`` are those that were begun, in order."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.times = ground.times
        self.now = ground.now
        self.bot_id = BotId(ground.ids.new())
        self.broadcasts: list[BroadcastId] = []
        self._run(self._connect())

    def close(self) -> None:
        self._run(self._ground.close())
        self._ground.loop.close()

    def _run(self, work: Awaitable[T]) -> T:
        return self._ground.loop.run_until_complete(_awaited(work))

    def do(self, work: Work[T]) -> T:
        """In a unit of its own, committed."""

        async def run() -> T:
            async with self._ground.tenants.unit(self.bot_id, UnitKind.LANE) as unit:
                result = await work(unit)
                await unit.commit()
                return result

        return self._run(run())

    def with_each(self, work: Callable[[TenantUnit, BroadcastId], Awaitable[object]]) -> None:
        async def work_on_each(unit: TenantUnit) -> None:
            for broadcast_id in self.broadcasts:
                await work(unit, broadcast_id)

        self.do(work_on_each)

    def wait(self, seconds: float) -> None:
        self._run(self._ground.let_pass(self.bot_id, seconds))

    async def _connect(self) -> None:
        ground, now = self._ground, self.now()
        owner = await ground.platform.ensure_user("ana@example.com")
        bot = Bot(
            id=self.bot_id,
            slug=make_slug("pelican"),
            public_id=make_public_id(),
            name="Pelican",
            owner_id=owner.id,
            telegram_id=TelegramId(self.bot_id.int % 10**12 + 1),
            token_state=TokenState.ACTIVE,
            created_at=now,
            updated_at=now,
        )
        campaign = Campaign(
            id=CampaignId(ground.ids.new()),
            name="Spring",
            revision=1,
            created_at=now,
            updated_at=now,
        )
        self._campaign_id = campaign.id
        async with ground.tenants.unit(self.bot_id, UnitKind.LANE) as unit:
            await unit.bot.add(bot)
            await unit.bot.save_secrets(BotSecrets(sealed_token=SealedSecret("v1.k1.c2VhbGVk")))
            await unit.campaigns.save(campaign)
            await unit.campaigns.add_revision(a_revision(campaign, 1, now))
            for chat_id in (GROUP, SUPERGROUP, *range(1, PEOPLE + 1)):
                await unit.subscribers.save(self._person(ChatId(chat_id)))
            await unit.commit()

    def _person(self, chat_id: ChatId) -> Subscriber:
        now = self.now()
        return Subscriber(
            id=SubscriberId(self._ground.ids.new()),
            chat_id=chat_id,
            subscribed_changed_at=now,
            reach_changed_at=now,
            joined_at=now,
        )

    # What operators do

    def start_broadcast(self) -> None:
        now = self.now()
        broadcast = Broadcast(
            id=BroadcastId(self._ground.ids.new()),
            campaign_id=self._campaign_id,
            revision=1,
            created_at=now,
            changed_at=now,
        )
        try:
            self.do(lambda unit: unit.broadcasts.add(broadcast))
        except BroadcastAlreadySending:
            return
        self.broadcasts.append(broadcast.id)

    def freeze(self) -> None:
        self.with_each(lambda unit, broadcast_id: unit.deliveries.freeze(broadcast_id))

    def switch(self, broadcast_id: BroadcastId, verb: str) -> bool:
        """Pause, resume, cancel, or re-send everything that may be; whether that was possible."""

        async def work(unit: TenantUnit) -> None:
            broadcast = await self.broadcast(unit, broadcast_id, lock=True)
            now = self.now()
            match verb:
                case "pause":
                    broadcast.pause(PauseReason.OPERATOR, now=now)
                case "interrupt":
                    broadcast.interrupt(now=now)
                case "resume":
                    broadcast.resume(now=now)
                case "cancel":
                    broadcast.cancel(now=now)
                case "resend":
                    broadcast.resend({DeliveryStatus.FAILED, DeliveryStatus.UNCERTAIN}, now=now)
                case _:
                    broadcast.resend({DeliveryStatus(verb.removeprefix("resend "))}, now=now)
            await unit.broadcasts.save(broadcast)

        try:
            self.do(work)
        except (BroadcastStateConflict, BroadcastAlreadySending, NothingToResend):
            return False
        return True

    def cancel_pending(self, limit: int) -> None:
        self.with_each(
            lambda unit, broadcast_id: unit.deliveries.cancel_pending(broadcast_id, limit=limit)
        )

    def resend_next(self, limit: int) -> None:
        self.with_each(
            lambda unit, broadcast_id: unit.deliveries.resend_next(broadcast_id, limit=limit)
        )

    async def broadcast(
        self, unit: TenantUnit, broadcast_id: BroadcastId, *, lock: bool = False
    ) -> Broadcast:
        broadcast = await unit.broadcasts.get(broadcast_id, lock=lock)
        assert broadcast is not None
        return broadcast

    async def rows(self, unit: TenantUnit, broadcast_id: BroadcastId) -> list[Recipient]:
        return [row async for row in unit.deliveries.recipients(broadcast_id)]

    # What people do

    def change_mind(self, chat_id: int, *, subscribed: bool, blocked: bool) -> None:
        async def work(unit: TenantUnit) -> None:
            person = await unit.subscribers.by_chat(ChatId(chat_id))
            assert person is not None
            person.subscribed = subscribed
            person.reach = Reach.BLOCKED if blocked else Reach.REACHABLE
            await unit.subscribers.save(person)

        self.do(work)

    def ask(self, chat_id: int, lifetime: float) -> None:
        async def work(unit: TenantUnit) -> None:
            person = await unit.subscribers.by_chat(ChatId(chat_id))
            assert person is not None
            await unit.deliveries.enqueue_direct(
                DirectMessageId(self._ground.ids.new()),
                kind=DeliveryKind.REPLY,
                subscriber_id=person.id,
                content=RenderedMessage("Yes?"),
                lifetime=lifetime,
            )

        self.do(work)

    def migrate_group(self) -> None:
        self.do(lambda unit: unit.subscribers.migrate(GROUP, SUPERGROUP))

    def found_group(self) -> None:
        async def work(unit: TenantUnit) -> None:
            if await unit.subscribers.by_chat(GROUP) is None:
                await unit.subscribers.save(self._person(GROUP))

        self.do(work)

    # What workers do

    def acquire(self) -> AcquiredLane | None:
        return self.do(lambda unit: unit.lane.acquire("worker"))

    def take_over(self) -> Lease:
        """Its holder is gone."""
        self.wait(self.times.takeover + 1)
        acquired = self.acquire()
        assert acquired is not None
        return acquired.lease

    def release(self, lease: Lease) -> None:
        self.do(lambda unit: unit.lane.release(lease))

    def claim(self, lease: Lease, order: ClaimOrder) -> Claim | None:
        """None when the lease is lost."""
        try:
            return self.do(lambda unit: unit.lane.claim(lease, order))
        except LeaseLost:
            return None

    def settle(self, lease: Lease, settlement: Settlement) -> None:
        self.do(lambda unit: unit.lane.settle(lease, [settlement]))


async def _awaited(work: Awaitable[T]) -> T:
    return await work
