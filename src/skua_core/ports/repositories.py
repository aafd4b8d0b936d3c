"""What hangs off a tenant unit: one repository per noun, each inside one bot's rows.

No method takes a bot id: the unit is the bot. Ids of another bot's rows are unknown here.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from skua_core.domain.auto_message import AutoMessage, Trigger
from skua_core.domain.bot import Bot
from skua_core.domain.broadcast import Broadcast, BroadcastReport, BroadcastStatus
from skua_core.domain.campaign import Campaign, CampaignRevision
from skua_core.domain.chat_link import ChatLink
from skua_core.domain.content import RenderedMessage
from skua_core.domain.delivery import DeliveryKind, DirectOrigin
from skua_core.domain.media import MediaUpload
from skua_core.domain.secret import SealedSecret
from skua_core.domain.subscriber import Subscriber, SubscriberStatus
from skua_core.ids import (
    AutoMessageId,
    BroadcastId,
    CampaignId,
    ChatId,
    DirectMessageId,
    MediaId,
    SourceId,
    SubscriberId,
    UserId,
)


class BotRepository(Protocol):
    """The bot that this unit is about: its platform row and its secrets."""

    @abstractmethod
    async def get(self, *, lock: bool = False) -> Bot:
        """Raises BotForbidden when the bot is gone. ``lock`` takes the lane, then the bot, each FOR
        UPDATE: from then on nothing is claimed until the unit ends."""

    @abstractmethod
    async def add(self, bot: Bot) -> None:
        """Create it, with its lane. Raises BotInUse when Telegram's bot is connected elsewhere."""

    @abstractmethod
    async def save(self, bot: Bot) -> None:
        """Write its fields. Raises BotInUse as ``add`` does."""

    @abstractmethod
    async def remove(self) -> None:
        """Forget it and everything in it but its audit chain."""

    @abstractmethod
    async def secrets(self) -> "BotSecrets":
        """Empty for a bot that has none, and for one that doesn't exist."""

    @abstractmethod
    async def save_secrets(self, secrets: "BotSecrets") -> None: ...


class BotSecrets(msgspec.Struct, frozen=True, kw_only=True):
    sealed_token: SealedSecret | None = None
    webhook_fingerprint: bytes | None = None
    """By which the secret of an inbound call is recognised; the secret itself isn't stored."""


class SubscriberFilter(msgspec.Struct, frozen=True, kw_only=True):
    status: SubscriberStatus | None = None
    search: str | None = None
    """Part of a name or username, in any case, or a whole chat id."""


class AudiencePart(msgspec.Struct, frozen=True, kw_only=True):
    """Those of an audience who get one wording of a message."""

    recipients: int = 0
    gaps: Mapping[str, int] = {}
    """For each required placeholder, how many of them have no value; none of those who have."""


class Audience(Protocol):
    """A bot's subscribers, counted."""

    @abstractmethod
    async def by_status(self) -> dict[SubscriberStatus, int]: ...

    @abstractmethod
    async def by_wording(
        self, required: Mapping[str, Collection[str]]
    ) -> Mapping[str, AudiencePart]:
        """Active subscribers by the wording they would get, by its language tag.

        ``required`` has every wording of a message, ``""`` among them, with the placeholders that
        leave a gap where there is no value. They are divided as ``CompiledMessage.variant`` does.
        """


class SubscriberRepository(Protocol):
    @abstractmethod
    async def by_chat(self, chat_id: ChatId, *, lock: bool = False) -> Subscriber | None:
        """``lock`` keeps others from changing it until the unit ends."""

    @abstractmethod
    async def get(self, subscriber_id: SubscriberId) -> Subscriber | None: ...

    @abstractmethod
    async def save(self, subscriber: Subscriber) -> None:
        """Insert or update by id. A second subscriber of one chat is refused with ForeignRow."""

    @abstractmethod
    async def add_many(self, subscribers: Sequence[Subscriber]) -> int:
        """Insert those whose chat is new here; how many that were."""

    @abstractmethod
    async def page(
        self, where: SubscriberFilter, *, after: SubscriberId | None, limit: int
    ) -> Sequence[Subscriber]:
        """By id, which is the order in which they joined."""

    @abstractmethod
    async def migrate(self, old: ChatId, new: ChatId) -> None:
        """The chat got another id. When that is a subscriber already, the two merge into it."""


class CampaignRepository(Protocol):
    @abstractmethod
    async def get(self, campaign_id: CampaignId, *, lock: bool = False) -> Campaign | None:
        """``lock`` keeps others from changing it until the unit ends."""

    @abstractmethod
    async def save(self, campaign: Campaign) -> None:
        """Insert or update."""

    @abstractmethod
    async def add_revision(self, revision: CampaignRevision) -> None: ...

    @abstractmethod
    async def revision(self, campaign_id: CampaignId, number: int) -> CampaignRevision | None: ...

    @abstractmethod
    async def sent_as(self, source_id: SourceId, chat_id: ChatId) -> CampaignRevision | None:
        """The wording that a delivery of that source to that chat has, or had.

        None for a message without a campaign, and when nobody remembers it any more.
        """

    @abstractmethod
    async def page(self, *, after: CampaignId | None, limit: int) -> Sequence[Campaign]: ...


class BroadcastReports(Protocol):
    """What became of broadcasts."""

    @abstractmethod
    async def last_sent(self, campaign_id: CampaignId, revision: int) -> datetime | None:
        """When a broadcast was last begun that sent that revision, first or later on, however it
        ended; None if never."""

    @abstractmethod
    async def page(
        self, *, before: BroadcastId | None, limit: int, status: BroadcastStatus | None = None
    ) -> Sequence[Broadcast]:
        """Newest first; only those of one status when it is given."""

    @abstractmethod
    async def report(self, broadcast_id: BroadcastId) -> BroadcastReport | None: ...


class BroadcastRepository(BroadcastReports, Protocol):
    """Broadcasts and the slot that only one ``sending`` broadcast of a bot may hold."""

    @abstractmethod
    async def get(self, broadcast_id: BroadcastId, *, lock: bool = False) -> Broadcast | None:
        """``lock`` takes the lane, then the bot, then the broadcast, each FOR UPDATE: from then on
        nothing is claimed from it until the unit ends."""

    @abstractmethod
    async def add(self, broadcast: Broadcast) -> None:
        """Raises BroadcastAlreadySending when another holds the slot, also when that one's
        transaction is still open after a short wait."""

    @abstractmethod
    async def save(self, broadcast: Broadcast) -> None:
        """Write status, reason, revisions and times, never the counts. Raises as ``add`` does."""

    @abstractmethod
    async def archive(self, broadcast_id: BroadcastId) -> bool:
        """Keep only its totals, by outcome and by reason, from now on; its rows may be dropped.

        False, and nothing changes, unless it is over and its counters equal its rows.
        """

    @abstractmethod
    async def note_block(self, chat_id: ChatId, at: datetime) -> Broadcast | None:
        """Somebody blocked the bot at ``at``, by Telegram's date: count it for what they got last.

        That is the sending broadcast if they got it before, else the newest that they got which is
        open or was finished within a day. Each recipient counts once for each broadcast. The
        broadcast with its new count; None when nothing was counted. It locks the broadcast, so it
        comes before any subscriber of the same unit is locked.
        """


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a broadcast's per-recipient list."""

    position: int
    subscriber_id: SubscriberId
    chat_id: ChatId | None
    """None when the subscriber has been erased."""
    status: str
    reason: str | None
    detail: str | None
    attempt: int
    message_id: int | None
    finished_at: datetime | None


class Unproven(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient's uncertain delivery: what it said, and when."""

    source_id: SourceId
    campaign_id: CampaignId
    revision: int
    attempt: int
    claimed_at: datetime
    finished_at: datetime


class LateProofs(Protocol):
    """What comes to light of deliveries whose outcome nobody knew."""

    @abstractmethod
    async def unproven(self, chat_id: ChatId) -> Sequence[Unproven]:
        """The chat's uncertain deliveries of the newest 20 broadcasts that have any, newest first.

        Single messages aren't among them: nothing is decided by whether they arrived.
        """

    @abstractmethod
    async def prove(self, source_id: SourceId, chat_id: ChatId, message_id: int) -> bool:
        """The message is in the chat: what was uncertain, or pending again, is sent.

        False for any other delivery, and for one in flight, whose answer is still to come.
        Locks the broadcast if there is something to settle, so it comes before any subscriber of
        the same unit is locked.
        """


class DeliveryRepository(LateProofs, Protocol):
    """Freezing audiences, sending single messages, and moving what was cancelled.

    Claiming and recording are the lane's alone (``LaneLedger``).
    """

    @abstractmethod
    async def freeze(self, broadcast_id: BroadcastId) -> int:
        """Write a pending row for each active subscriber, and count who was left out; how many.

        Set-based, in constant memory. Does nothing for a broadcast that is frozen already or isn't
        sending any more. A broadcast that turns out to have nobody completes at once.
        """

    @abstractmethod
    async def enqueue_direct(
        self,
        message_id: DirectMessageId,
        *,
        kind: DeliveryKind,
        subscriber_id: SubscriberId,
        content: RenderedMessage,
        lifetime: float,
        origin: DirectOrigin | None = None,
    ) -> None:
        """Queue one reply or test; it expires after ``lifetime`` seconds."""

    @abstractmethod
    async def cancel_pending(self, broadcast_id: BroadcastId, *, limit: int = 10_000) -> int:
        """Skip up to ``limit`` of a cancelled broadcast's pending rows; how many.

        When none is left and none is in flight, its ``finished_at`` is set.
        """

    @abstractmethod
    async def resend_next(self, broadcast_id: BroadcastId, *, limit: int = 10_000) -> bool:
        """Make outcomes that are to be sent again pending, at the next ``limit`` positions.

        Each keeps its former outcome beside it and has a new attempt. Whether there is more; at the
        end ``resending`` is empty. Does nothing for a broadcast of which nothing is to be re-sent.
        """

    @abstractmethod
    def recipients(self, broadcast_id: BroadcastId) -> AsyncIterator[Recipient]:
        """Everybody in the audience with what became of it, by position, in constant memory.

        An archived broadcast may have nobody any more: look at ``archived_at`` first.
        """

    @abstractmethod
    async def audit_counts(self, broadcast_id: BroadcastId) -> bool:
        """Whether the broadcast's counters equal its rows; of an archived one they did."""


class MediaRepository(Protocol):
    """Uploads of this bot, and by what Telegram has its media."""

    @abstractmethod
    async def add(self, upload: MediaUpload) -> None: ...

    @abstractmethod
    async def get(self, media_id: MediaId) -> MediaUpload | None: ...

    @abstractmethod
    async def file_ids(self, keys: Collection[str]) -> Mapping[str, str]:
        """``file_id`` by ``Medium.key``, for those that Telegram has."""

    @abstractmethod
    async def remember(self, file_ids: Mapping[str, str]) -> None:
        """Telegram has these now; what was remembered for the same keys is replaced."""

    @abstractmethod
    async def forget(self, keys: Collection[str]) -> None:
        """Telegram doesn't know these files any more: the next delivery carries them again."""


class AutoMessageRepository(Protocol):
    @abstractmethod
    async def get(
        self, auto_message_id: AutoMessageId, *, lock: bool = False
    ) -> AutoMessage | None:
        """``lock`` keeps others from changing it until the unit ends."""

    @abstractmethod
    async def save(self, auto_message: AutoMessage) -> None:
        """Insert or update. Raises TriggerTaken when another has the same trigger and keyword."""

    @abstractmethod
    async def remove(self, auto_message_id: AutoMessageId) -> None: ...

    @abstractmethod
    async def page(self, *, after: AutoMessageId | None, limit: int) -> Sequence[AutoMessage]: ...

    @abstractmethod
    async def answering(self, trigger: Trigger, keyword: str | None = None) -> AutoMessage | None:
        """The active one for that trigger."""

    @abstractmethod
    async def was_received(self, auto_message_id: AutoMessageId, wording: str) -> bool:
        """Whether anybody has received that wording of it (``LaneLedger.note_received``)."""


class ChatLinkRepository(Protocol):
    """Which chat is whose, so that tests go to whoever asked for them."""

    @abstractmethod
    async def of_user(self, user_id: UserId) -> ChatLink | None: ...

    @abstractmethod
    async def by_fingerprint(self, fingerprint: bytes) -> ChatLink | None: ...

    @abstractmethod
    async def save(self, link: ChatLink) -> None:
        """Insert or update; each user has one."""

    @abstractmethod
    async def remove(self, user_id: UserId) -> bool:
        """Whether there was one."""


class UpdateLedger(Protocol):
    """Which updates have been taken in."""

    @abstractmethod
    async def record(self, update_id: int) -> bool:
        """False when it was recorded before, in this month or the one before.

        Of two at once, one waits for the other.
        """

    @abstractmethod
    async def set_aside(self, update_id: int | None, raw: bytes, problem: str) -> None:
        """Keep an update that can't be processed, for a person to look at."""
