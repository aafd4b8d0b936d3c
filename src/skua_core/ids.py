"""Names of things: one type per kind, so that one can't be passed for another."""

from collections.abc import Callable
from typing import NewType, TypeVar
from uuid import UUID

UserId = NewType("UserId", UUID)
BotId = NewType("BotId", UUID)
SubscriberId = NewType("SubscriberId", UUID)
CampaignId = NewType("CampaignId", UUID)
BroadcastId = NewType("BroadcastId", UUID)
DirectMessageId = NewType("DirectMessageId", UUID)
LeaseId = NewType("LeaseId", UUID)
MediaId = NewType("MediaId", UUID)
AutoMessageId = NewType("AutoMessageId", UUID)
SessionId = NewType("SessionId", UUID)
DeviceId = NewType("DeviceId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
MailId = NewType("MailId", UUID)

SourceId = NewType("SourceId", UUID)
"""Whatever a delivery comes from: a broadcast, or one reply or test message.

A version-7 UUID: deliveries are partitioned by the month in which their source began, and that
month is read off the id.
"""

ChatId = NewType("ChatId", int)
"""Telegram's id of a chat, at most 52 significant bits (Bot API, Chat); negative for groups."""

TelegramId = NewType("TelegramId", int)
"""Telegram's id of a bot: the digits in front of its token."""

AnyId = TypeVar("AnyId", bound=UUID)


def parse_id(kind: Callable[[UUID], AnyId], text: str) -> AnyId | None:
    """Read an id that came from outside; None for what isn't one.

    Only the canonical form counts, so that one thing has one name.
    """
    try:
        value = UUID(text)
    except ValueError:
        return None
    return kind(value) if str(value) == text else None
