"""What a bot says back by itself: to ``/start``, to keywords, to ``/stop``."""

import logging
from datetime import datetime

from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.auto_message import KEYWORD_LIMIT, AutoMessage, Trigger, normal_keyword
from skua_core.domain.callbacks import bind
from skua_core.domain.chat_link import CODE_PREFIX, fingerprint
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import DeliveryKind, DirectOrigin
from skua_core.domain.subscriber import ChatKind, Reach, Subscriber
from skua_core.domain.user import SYSTEM
from skua_core.errors import SkuaError
from skua_core.ids import DirectMessageId, SourceId
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.renderer import Renderer
from skua_core.ports.tenant_storage import TenantUnit

_log = logging.getLogger(__name__)

UNSUBSCRIBED_REPLY = RenderedMessage(
    "You are unsubscribed and will get no more messages. To come back, send /start."
)
LINKED_REPLY = RenderedMessage("This chat is linked: the tests that you ask for come here.")
REPLY_LIFETIME = 600.0
"""Seconds after which nobody waits for a reply any more."""
# Blanks don't count in a keyword, so a longer text may still be one; but not much longer.
_LONGEST_KEYWORD_TEXT = 4 * KEYWORD_LIMIT


class Replies:
    """Queues replies in the unit that takes the update in; each tells whether it queued one."""

    def __init__(self, *, clock: Clock, ids: IdFactory, renderer: Renderer) -> None:
        self._clock = clock
        self._ids = ids
        self._renderer = renderer

    async def to_stop(self, unit: TenantUnit, subscriber: Subscriber) -> bool:
        """Not when a later ``/start`` had come first, nor where it couldn't arrive."""
        if subscriber.subscribed or subscriber.reach is not Reach.REACHABLE:
            return False
        await self._queue(unit, subscriber, UNSUBSCRIBED_REPLY)
        return True

    async def to_start(
        self, unit: TenantUnit, subscriber: Subscriber, payload: str | None, at: datetime
    ) -> bool:
        if is_link_code(payload):
            return await self._link(unit, subscriber, payload or "")
        return await self._answer(unit, subscriber, Trigger.START, None, at)

    async def to_text(
        self, unit: TenantUnit, subscriber: Subscriber, text: str | None, at: datetime
    ) -> bool:
        if text is None or len(text) > _LONGEST_KEYWORD_TEXT:
            return False
        return await self._answer(unit, subscriber, Trigger.KEYWORD, normal_keyword(text), at)

    async def _link(self, unit: TenantUnit, subscriber: Subscriber, code: str) -> bool:
        link = await unit.chat_links.by_fingerprint(fingerprint(code))
        now = self._clock.now()
        if link is None or link.expires_at is None or link.expires_at < now:
            return False
        if subscriber.kind is not ChatKind.PRIVATE:
            return False
        link.subscriber_id, link.linked_at = subscriber.id, now
        link.fingerprint = link.expires_at = None
        await unit.chat_links.save(link)
        await self._queue(unit, subscriber, LINKED_REPLY)
        await unit.audit.append(
            NewAuditEntry(
                actor=SYSTEM,
                action="chat_link.completed",
                resource=f"user:{link.user_id}",
                details={"subscriber": str(subscriber.id)},
            )
        )
        return True

    async def _answer(
        self,
        unit: TenantUnit,
        subscriber: Subscriber,
        trigger: Trigger,
        keyword: str | None,
        at: datetime,
    ) -> bool:
        lifetime = REPLY_LIFETIME - (self._clock.now() - at).total_seconds()
        if lifetime <= 0:
            return False  # it came after a long outage: nobody waits any more
        auto_message = await unit.auto_messages.answering(trigger, keyword)
        if auto_message is None:
            return False
        message_id = DirectMessageId(self._ids.new())
        rendered = await self._render(unit, subscriber, auto_message, message_id)
        if rendered is None:
            return False
        content, origin = rendered
        await self._queue(
            unit,
            subscriber,
            content,
            message_id=message_id,
            origin=origin,
            lifetime=min(lifetime, REPLY_LIFETIME),
        )
        return True

    async def _render(
        self,
        unit: TenantUnit,
        subscriber: Subscriber,
        auto_message: AutoMessage,
        message_id: DirectMessageId,
    ) -> tuple[RenderedMessage, DirectOrigin] | None:
        """None where the message can't be made for this subscriber: a reply is no reason to set
        the update aside."""
        campaign = await unit.campaigns.get(auto_message.campaign_id)
        if campaign is None:
            return None
        revision = await unit.campaigns.revision(campaign.id, campaign.revision)
        if revision is None:
            return None
        values = subscriber.personalisation
        variant, _ = revision.compiled.variant(values.language)
        try:
            content = self._renderer.render(bind(revision.compiled, SourceId(message_id)), values)
        except SkuaError as error:
            _log.warning("Auto-message %s has nothing to say: %s", auto_message.id, error.code)
            return None
        return content, DirectOrigin(
            campaign_id=campaign.id,
            revision=campaign.revision,
            variant=variant,
            auto_message_id=auto_message.id,
        )

    async def _queue(
        self,
        unit: TenantUnit,
        subscriber: Subscriber,
        content: RenderedMessage,
        *,
        message_id: DirectMessageId | None = None,
        origin: DirectOrigin | None = None,
        lifetime: float = REPLY_LIFETIME,
    ) -> None:
        await unit.deliveries.enqueue_direct(
            message_id or DirectMessageId(self._ids.new()),
            kind=DeliveryKind.REPLY,
            subscriber_id=subscriber.id,
            content=content,
            lifetime=lifetime,
            origin=origin,
        )


def is_link_code(payload: str | None) -> bool:
    """Whether a ``/start`` payload is meant to link a chat, and not a source of subscribers."""
    return payload is not None and payload.startswith(CODE_PREFIX)
