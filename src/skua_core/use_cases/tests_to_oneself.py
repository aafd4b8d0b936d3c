"""See a campaign as a subscriber would get it: in one's own chat with the bot."""

from datetime import timedelta

import msgspec

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.callbacks import bind
from skua_core.domain.chat_link import CODE_LIFETIME, ChatLink, fingerprint, make_code
from skua_core.domain.delivery import DeliveryKind, DirectOrigin
from skua_core.domain.subscriber import Subscriber
from skua_core.errors import BotForbidden, ChatNotLinked, ResourceNotFound, TokenMissing
from skua_core.ids import CampaignId, DirectMessageId, SourceId, UserId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.renderer import Renderer
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit
from skua_core.use_cases.access import BotAccess

TEST_LIFETIME = 600.0
"""Seconds after which nobody looks for a test any more."""


class LinkCode(msgspec.Struct, frozen=True):
    """What makes a chat one's own, once, when it is sent there as ``/start <code>``."""

    code: str
    url: str
    """Opens that chat with the code filled in."""

    def __repr__(self) -> str:
        return "LinkCode(***)"


class LinkChat:
    """Ask for a code that links one's own chat with a bot; a former code counts no more."""

    def __init__(self, *, storage: TenantStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def __call__(self, access: BotAccess) -> LinkCode:
        """Raises TokenMissing: without a token the bot has no chats."""
        user_id = _user_of(access)
        code = make_code()
        async with self._storage.unit(access.bot_id) as unit:
            bot = await unit.bot.get()
            if bot.telegram_username is None:
                raise TokenMissing(bot.slug, bot.token_state)
            link = await unit.chat_links.of_user(user_id)
            if link is None:
                link = ChatLink(user_id=user_id, fingerprint=None, expires_at=None)
            link.fingerprint = fingerprint(code)
            link.expires_at = self._clock.now() + timedelta(seconds=CODE_LIFETIME)
            await unit.chat_links.save(link)
            await unit.audit.append(
                NewAuditEntry(
                    actor=access.actor, action="chat_link.asked", resource=f"user:{user_id}"
                )
            )
            await unit.commit()
        return LinkCode(code, f"https://t.me/{bot.telegram_username}?start={code}")


class SendTestCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    campaign_id: CampaignId
    revision: int | None = None
    """None for the newest."""
    language: str | None = None
    """Get the wording for this language tag, whatever one's own is."""


class SendTest:
    """Send a campaign to whoever asks, ahead of every broadcast and before anybody else has it."""

    def __init__(
        self,
        *,
        storage: TenantStorage,
        queue: JobQueue,
        renderer: Renderer,
        ids: IdFactory,
    ) -> None:
        self._storage = storage
        self._queue = queue
        self._renderer = renderer
        self._ids = ids

    async def __call__(self, command: SendTestCommand) -> DirectMessageId:
        """The delivery's source.

        Raises ResourceNotFound, BotReadOnly, TokenMissing, ChatNotLinked, and what
        ``Renderer.render`` raises.
        """
        access = command.access
        message_id = DirectMessageId(self._ids.new())
        async with self._storage.unit(access.bot_id) as unit:
            (await unit.bot.get()).require_open_gates()
            subscriber = await _own_chat(unit, _user_of(access))
            await self._queue_message(unit, command, subscriber, message_id)
            await unit.audit.append(
                NewAuditEntry(
                    actor=access.actor,
                    action="campaign.tested",
                    resource=f"campaign:{command.campaign_id}",
                    details={"language": command.language or ""},
                )
            )
            await unit.commit()
        await self._queue.wake(access.bot_id)
        return message_id

    async def _queue_message(
        self,
        unit: TenantUnit,
        command: SendTestCommand,
        subscriber: Subscriber,
        message_id: DirectMessageId,
    ) -> None:
        campaign = await unit.campaigns.get(command.campaign_id)
        if campaign is None:
            raise ResourceNotFound
        number = command.revision or campaign.revision
        revision = await unit.campaigns.revision(campaign.id, number)
        if revision is None:
            raise ResourceNotFound
        values = subscriber.personalisation
        if command.language is not None:
            values = msgspec.structs.replace(values, language=command.language)
        variant, _ = revision.compiled.variant(values.language)
        await unit.deliveries.enqueue_direct(
            message_id,
            kind=DeliveryKind.TEST,
            subscriber_id=subscriber.id,
            content=self._renderer.render(bind(revision.compiled, SourceId(message_id)), values),
            lifetime=TEST_LIFETIME,
            origin=DirectOrigin(campaign_id=campaign.id, revision=number, variant=variant),
        )


def _user_of(access: BotAccess) -> UserId:
    if access.actor.user_id is None:
        raise BotForbidden
    return access.actor.user_id


async def _own_chat(unit: TenantUnit, user_id: UserId) -> Subscriber:
    link = await unit.chat_links.of_user(user_id)
    if link is None or link.subscriber_id is None:
        raise ChatNotLinked
    subscriber = await unit.subscribers.get(link.subscriber_id)
    if subscriber is None:
        raise ChatNotLinked
    return subscriber
