"""A connected bot with subscribers and broadcasts, told in few words."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any, Self
from uuid import UUID

import msgspec

from skua_core.domain.bot import Bot, TokenState, WebhookState, make_public_id, make_slug
from skua_core.domain.broadcast import Broadcast, BroadcastReport, PauseReason
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.domain.content import CompiledMessage, MessageSource, RenderedMessage
from skua_core.domain.delivery import (
    Claim,
    ClaimedDelivery,
    DeliveryKey,
    DeliveryKind,
    DeliveryStatus,
    DirectOrigin,
    Reason,
    Settlement,
)
from skua_core.domain.lane import AcquiredLane, ClaimOrder, Lease
from skua_core.domain.secret import SealedSecret
from skua_core.domain.subscriber import Profile, Reach, Subscriber
from skua_core.ids import (
    BotId,
    BroadcastId,
    CampaignId,
    ChatId,
    DirectMessageId,
    SourceId,
    SubscriberId,
    TelegramId,
)
from skua_core.ports.repositories import BotSecrets, Recipient, SubscriberFilter
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.storage import StorageRig

SEALED = SealedSecret("v1.k1.c2VhbGVk")
PLENTY = 100
_NUMBERS = count(1001)


def hello(text: str = "Hello") -> RenderedMessage:
    return RenderedMessage(text)


class Scene:
    """One bot of a rig, with a working token."""

    def __init__(self, rig: StorageRig, bot: Bot) -> None:
        self.rig = rig
        self.bot = bot
        self.id = bot.id

    @classmethod
    async def set(cls, rig: StorageRig, login: str = "ana@example.com") -> Self:
        owner = await rig.platform.ensure_user(login)
        now = rig.now()
        bot = Bot(
            id=BotId(rig.ids.new()),
            slug=make_slug("pelican"),
            public_id=make_public_id(),
            name="Pelican",
            owner_id=owner.id,
            telegram_id=TelegramId(next(_NUMBERS)),
            telegram_username="pelican_bot",
            token_state=TokenState.ACTIVE,
            webhook_state=WebhookState.SET,
            created_at=now,
            updated_at=now,
        )
        async with rig.changing(bot.id) as unit:
            await unit.bot.add(bot)
            await unit.bot.save_secrets(BotSecrets(sealed_token=SEALED))
        return cls(rig, bot)

    # People and campaigns

    def person(self, chat_id: int | None = None, **fields: Any) -> Subscriber:
        """A subscriber that isn't stored yet."""
        now = self.rig.now()
        chat = ChatId(next(_NUMBERS) if chat_id is None else chat_id)
        usual: dict[str, Any] = {
            "profile": Profile(first_name=f"Person {chat}"),
            "subscribed_changed_at": now,
            "reach_changed_at": now,
            "joined_at": now,
        }
        return Subscriber(id=SubscriberId(self.rig.ids.new()), chat_id=chat, **usual | fields)

    async def subscribe(self, number: int = 1, **fields: Any) -> list[Subscriber]:
        people = [self.person(**fields) for _ in range(number)]
        async with self.rig.changing(self.id) as unit:
            await unit.subscribers.add_many(people)
        return people

    async def change(self, subscriber: Subscriber, **fields: Any) -> None:
        async with self.rig.changing(self.id) as unit:
            await unit.subscribers.save(msgspec.structs.replace(subscriber, **fields))

    async def subscriber(self, subscriber_id: SubscriberId) -> Subscriber | None:
        async with self.rig.reading(self.id) as unit:
            everybody = await unit.subscribers.page(SubscriberFilter(), after=None, limit=1000)
        return next((one for one in everybody if one.id == subscriber_id), None)

    async def block(self, subscriber: Subscriber) -> None:
        await self.change(subscriber, reach=Reach.BLOCKED)

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        await self.change(subscriber, subscribed=False)

    def campaign(self, revisions: int = 1) -> Campaign:
        """A campaign that isn't stored yet."""
        now = self.rig.now()
        return Campaign(
            id=CampaignId(self.rig.ids.new()),
            name="Spring",
            revision=revisions,
            created_at=now,
            updated_at=now,
        )

    async def compose(self, revisions: int = 1) -> Campaign:
        campaign = self.campaign(revisions)
        async with self.rig.changing(self.id) as unit:
            await unit.campaigns.save(campaign)
            for number in range(1, revisions + 1):
                await unit.campaigns.add_revision(a_revision(campaign, number, campaign.created_at))
        return campaign

    # Broadcasts

    def draft(self, campaign: Campaign, **fields: Any) -> Broadcast:
        """A broadcast that isn't stored yet."""
        now = self.rig.now()
        usual: dict[str, Any] = {"revision": 1, "created_at": now, "changed_at": now}
        return Broadcast(
            id=BroadcastId(self.rig.ids.new()), campaign_id=campaign.id, **usual | fields
        )

    async def start(self, *, freeze: bool = True, **fields: Any) -> Broadcast:
        broadcast = self.draft(await self.compose(revisions=2), **fields)
        async with self.rig.changing(self.id) as unit:
            await unit.broadcasts.add(broadcast)
        if freeze:
            await self.freeze(broadcast)
        return broadcast

    async def freeze(self, broadcast: Broadcast) -> int:
        async with self.rig.on_lane(self.id) as unit:
            return await unit.deliveries.freeze(broadcast.id)

    async def pause(self, broadcast: Broadcast) -> None:
        await self._switch(broadcast, "paused")

    async def resume(self, broadcast: Broadcast, revision: int | None = None) -> None:
        async with self.rig.changing(self.id) as unit:
            stored = await unit.broadcasts.get(broadcast.id, lock=True)
            assert stored is not None
            stored.resume(now=self.rig.now(), revision=revision)
            await unit.broadcasts.save(stored)

    async def cancel(self, broadcast: Broadcast) -> None:
        await self._switch(broadcast, "cancelled")

    async def cancel_pending(self, broadcast: Broadcast, limit: int = 10_000) -> int:
        async with self.rig.on_lane(self.id) as unit:
            return await unit.deliveries.cancel_pending(broadcast.id, limit=limit)

    async def resend(self, broadcast: Broadcast, *outcomes: DeliveryStatus) -> None:
        """Take the slot for it; no row has moved yet."""
        async with self.rig.changing(self.id) as unit:
            stored = await unit.broadcasts.get(broadcast.id, lock=True)
            assert stored is not None
            stored.resend(outcomes, now=self.rig.now())
            await unit.broadcasts.save(stored)

    async def resend_next(self, broadcast: Broadcast, limit: int = 10_000) -> bool:
        async with self.rig.on_lane(self.id) as unit:
            return await unit.deliveries.resend_next(broadcast.id, limit=limit)

    async def _switch(self, broadcast: Broadcast, to: str) -> None:
        async with self.rig.changing(self.id) as unit:
            stored = await unit.broadcasts.get(broadcast.id, lock=True)
            assert stored is not None
            if to == "paused":
                stored.pause(PauseReason.OPERATOR, now=self.rig.now())
            else:
                stored.cancel(now=self.rig.now())
            await unit.broadcasts.save(stored)

    async def report(self, broadcast: Broadcast) -> BroadcastReport:
        """As it is stored, after its counters were held against its rows."""
        async with self.rig.reading(self.id) as unit:
            assert await unit.deliveries.audit_counts(broadcast.id)
            report = await unit.broadcasts.report(broadcast.id)
        assert report is not None
        return report

    async def recipients(self, broadcast: Broadcast) -> list[Recipient]:
        async with self.rig.reading(self.id) as unit:
            return [row async for row in unit.deliveries.recipients(broadcast.id)]

    async def statuses(self, broadcast: Broadcast) -> list[tuple[str, str | None]]:
        """Outcome and reason of each recipient, by position."""
        await self.report(broadcast)
        return [(row.status, row.reason) for row in await self.recipients(broadcast)]

    # The lane

    async def acquire(self, holder: str = "worker:1") -> AcquiredLane | None:
        async with self.rig.on_lane(self.id) as unit:
            return await unit.lane.acquire(holder)

    async def lease(self, holder: str = "worker:1") -> Lease:
        acquired = await self.acquire(holder)
        assert acquired is not None
        return acquired.lease

    async def take_over(self, holder: str = "worker:2") -> Lease:
        """The holder's heart stops, and another takes the lane."""
        await self.rig.let_pass(self.rig.times.takeover + 1)
        return await self.lease(holder)

    async def enqueue(
        self,
        subscriber: Subscriber,
        kind: DeliveryKind = DeliveryKind.REPLY,
        *,
        text: str = "Hello",
        lifetime: float = 600,
        origin: DirectOrigin | None = None,
    ) -> DeliveryKey:
        message_id = DirectMessageId(self.rig.ids.new())
        async with self.rig.tenants.unit(self.id, UnitKind.INBOUND) as unit:
            await unit.deliveries.enqueue_direct(
                message_id,
                kind=kind,
                subscriber_id=subscriber.id,
                content=hello(text),
                lifetime=lifetime,
                origin=origin,
            )
            await unit.commit()
        return DeliveryKey(SourceId(message_id), 1)

    async def claim(
        self,
        lease: Lease,
        room: int = PLENTY,
        *,
        direct_room: int = PLENTY,
        broadcast_room: int | None = None,
        busy: Sequence[int] = (),
    ) -> Claim:
        order = ClaimOrder(
            room=room,
            direct_room=direct_room,
            broadcast_room=broadcast_room,
            busy_chats=frozenset(busy),
            busy_with_others=frozenset(busy),
        )
        async with self.rig.on_lane(self.id) as unit:
            return await unit.lane.claim(lease, order)

    async def settle(self, lease: Lease, *settlements: Settlement) -> None:
        async with self.rig.on_lane(self.id) as unit:
            await unit.lane.settle(lease, settlements)

    async def note_received(self, lease: Lease, item_id: UUID, wording: str) -> None:
        async with self.rig.on_lane(self.id) as unit:
            await unit.lane.note_received(lease, item_id, wording)

    async def send_all(self, lease: Lease) -> list[ClaimedDelivery]:
        """Claim and settle as sent until nothing is left."""
        sent: list[ClaimedDelivery] = []
        while deliveries := (await self.claim(lease)).deliveries:
            await self.settle(lease, *(self.sent(delivery) for delivery in deliveries))
            sent += deliveries
        return sent

    async def in_flight(self, lease: Lease) -> Sequence[ClaimedDelivery]:
        async with self.rig.reading(self.id) as unit:
            return await unit.lane.in_flight(lease)

    async def hold(
        self, lease: Lease, wait: float | None = None, learned_rate: float | None = None
    ) -> None:
        async with self.rig.on_lane(self.id) as unit:
            await unit.lane.hold_until(lease, wait=wait, learned_rate=learned_rate)

    async def release(self, lease: Lease) -> None:
        async with self.rig.on_lane(self.id) as unit:
            await unit.lane.release(lease)

    # Outcomes

    def outcome(
        self, delivery: ClaimedDelivery, status: DeliveryStatus, **fields: Any
    ) -> Settlement:
        return Settlement(
            key=delivery.key,
            attempt=delivery.attempt,
            subscriber_id=delivery.subscriber_id,
            status=status,
            **{"started_at": self.rig.now()} | fields,
        )

    def sent(self, delivery: ClaimedDelivery, message_id: int = 77) -> Settlement:
        return self.outcome(delivery, DeliveryStatus.SENT, message_id=message_id)

    def put_back(
        self, delivery: ClaimedDelivery, retry_in: float = 0.0, **fields: Any
    ) -> Settlement:
        return self.outcome(delivery, DeliveryStatus.PENDING, retry_in=retry_in, **fields)

    def refused(self, delivery: ClaimedDelivery, **fields: Any) -> Settlement:
        """Telegram doesn't like what it says: behind the rest with it."""
        return self.put_back(
            delivery,
            reason=Reason.CONTENT,
            detail="Bad Request: can't parse entities",
            **{"behind": True} | fields,
        )

    def unanswered(self, delivery: ClaimedDelivery) -> Settlement:
        return self.outcome(delivery, DeliveryStatus.UNCERTAIN, reason=Reason.NO_ANSWER)

    def blocked(self, delivery: ClaimedDelivery, **fields: Any) -> Settlement:
        return self.outcome(
            delivery,
            DeliveryStatus.FAILED,
            reason=Reason.BLOCKED,
            detail="Forbidden: bot was blocked by the user",
            reach=Reach.BLOCKED,
            **fields,
        )


def a_revision(campaign: Campaign, number: int, now: datetime) -> CampaignRevision:
    text = f"Spring, wording {number}"
    return CampaignRevision(
        campaign_id=campaign.id,
        number=number,
        source=MessageSource(text),
        compiled=CompiledMessage(hello(text)),
        created_at=now,
    )


def chats(claim: Claim) -> list[int]:
    return [delivery.chat_id for delivery in claim.deliveries]
