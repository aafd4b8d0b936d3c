"""Subscribers: Telegram chats that talk to one bot.

Two dated facts make a subscriber's status: whether the person wants messages (``/start``,
``/stop``) and whether Telegram would deliver them (blocks, deleted accounts). Block updates and
``/start`` come through different queues of Telegram and may arrive in either order, so each fact is
merged by the date of the event, not by its arrival.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from skua_core.domain.content import Personalisation
from skua_core.errors import TagInvalid
from skua_core.ids import ChatId, SubscriberId

TAG_LIMIT = 64

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Dates what is only assumed, so that whatever is heard later says more."""


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"


class Reach(StrEnum):
    """Whether Telegram would deliver a message."""

    REACHABLE = "reachable"
    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"
    INVALID = "invalid"


class SubscriberStatus(StrEnum):
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"
    INVALID = "invalid"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What Telegram tells about a person or group; each part may be missing."""

    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    language: str | None = None
    """IETF tag, as the person's Telegram client reports it."""


def clean_tag(tag: str) -> str:
    """Without blanks at both ends. Raises TagInvalid."""
    cleaned = tag.strip()
    if not cleaned or len(cleaned) > TAG_LIMIT or not cleaned.isprintable():
        raise TagInvalid(TAG_LIMIT)
    return cleaned


class Subscriber(msgspec.Struct, kw_only=True):
    id: SubscriberId
    chat_id: ChatId
    kind: ChatKind = ChatKind.PRIVATE
    profile: Profile = Profile()
    attributes: Mapping[str, str] = {}
    tags: tuple[str, ...] = ()
    """In alphabetical order, each once."""
    source: str | None = None
    """The deep-link payload of the first ``/start``, or ``import``."""
    subscribed: bool = True
    subscribed_changed_at: datetime
    reach: Reach = Reach.REACHABLE
    reach_changed_at: datetime
    joined_at: datetime
    last_seen_at: datetime | None = None

    @classmethod
    def newcomer(
        cls,
        subscriber_id: SubscriberId,
        chat_id: ChatId,
        *,
        kind: ChatKind,
        joined_at: datetime,
    ) -> "Subscriber":
        """A chat of which nothing is known but that it is there: taken to want messages."""
        return cls(
            id=subscriber_id,
            chat_id=chat_id,
            kind=kind,
            subscribed_changed_at=_LONG_AGO,
            reach_changed_at=_LONG_AGO,
            joined_at=joined_at,
        )

    @property
    def status(self) -> SubscriberStatus:
        if self.reach is not Reach.REACHABLE:
            return SubscriberStatus(self.reach.value)
        return SubscriberStatus.ACTIVE if self.subscribed else SubscriberStatus.UNSUBSCRIBED

    @property
    def personalisation(self) -> Personalisation:
        """What a message may say of them."""
        profile = self.profile
        return Personalisation(
            profile.first_name or "",
            profile.last_name or "",
            profile.username or "",
            profile.language or "",
            self.attributes,
        )

    def start(self, at: datetime, *, source: str | None) -> None:
        """The person pressed Start at ``at``, by Telegram's date."""
        if at >= self.subscribed_changed_at:
            self.subscribed, self.subscribed_changed_at = True, at
        self.source = self.source or source
        self.speak(at)

    def stop(self, at: datetime) -> None:
        if at >= self.subscribed_changed_at:
            self.subscribed, self.subscribed_changed_at = False, at
        self.speak(at)

    def speak(self, at: datetime) -> None:
        """Whoever writes to the bot hasn't blocked it, unless in or after that second."""
        if at > self.reach_changed_at:
            self.reach, self.reach_changed_at = Reach.REACHABLE, at
        self.see(at)

    def see(self, at: datetime) -> None:
        """A sign of life that says nothing about blocks, since it may have come late."""
        if self.last_seen_at is None or at > self.last_seen_at:
            self.last_seen_at = at

    def change_reach(self, reach: Reach, at: datetime) -> None:
        """Telegram said that the chat was blocked or unblocked at ``at``."""
        if at >= self.reach_changed_at:
            self.reach, self.reach_changed_at = reach, at

    def tag(self, tag: str) -> None:
        """Giving a tag again changes nothing. Raises TagInvalid."""
        self.tags = tuple(sorted({*self.tags, clean_tag(tag)}))

    def absorb(self, other: "Subscriber") -> None:
        """``other`` turned out to be this same chat under a former id.

        Reach stays as it is: what was learned of the former id says nothing about the new one.
        """
        if other.subscribed_changed_at > self.subscribed_changed_at:
            self.subscribed = other.subscribed
            self.subscribed_changed_at = other.subscribed_changed_at
        if other.joined_at < self.joined_at:
            self.joined_at, self.source = other.joined_at, other.source or self.source
        self.attributes = {**other.attributes, **self.attributes}
        self.tags = tuple(sorted({*self.tags, *other.tags}))
        seen = [at for at in (self.last_seen_at, other.last_seen_at) if at is not None]
        self.last_seen_at = max(seen, default=None)

    def refuse(self, reach: Reach, request_started_at: datetime) -> None:
        """A send that began then was refused for this reason.

        Telegram's dates are whole seconds, so only an event of an earlier second is older for
        certain: an unblock later in the same second must survive.
        """
        second = request_started_at.replace(microsecond=0)
        if second > self.reach_changed_at:
            self.reach, self.reach_changed_at = reach, second
