"""Port: send one message, and say what is known about it afterwards."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from skua_core.domain.content import RenderedMessage
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId, MediaId


class FileSource(msgspec.Struct, frozen=True):
    """A file to hand to Telegram."""

    name: str
    """A plain file name: no path, no quotes, no control characters."""
    size: int
    """In bytes."""
    read: Callable[[], AsyncIterator[bytes]]
    """Its bytes from the beginning, in pieces. Raises MediumMissing and StorageUnavailable."""


class OutboundMessage(msgspec.Struct, frozen=True, gc=False):
    chat_id: ChatId
    content: RenderedMessage
    paid: bool = False
    """Sent above the free rate, for Stars."""
    files: Mapping[MediaId, FileSource] = {}
    """The file of each medium that is an upload. Without it, or when reading it raises
    MediumMissing, the outcome is Refused."""


class Sent(msgspec.Struct, frozen=True, gc=False):
    message_id: int
    """Of the first message, for an album."""
    file_ids: tuple[str | None, ...] = ()
    """By what Telegram has each medium of the content from now on, in their order; None where it
    didn't say. Empty when there are no media."""


class Throttled(msgspec.Struct, frozen=True, gc=False):
    """Not accepted. Nothing may leave for this long, in seconds."""

    retry_after: float


class NotSent(msgspec.Struct, frozen=True, gc=False):
    """Certainly not accepted, so trying again is safe: nothing left this machine, or less than a
    whole request did."""

    reason: str


class Blame(StrEnum):
    """What Telegram refused, by its words."""

    CONTENT = "content"
    """The message itself, so that nobody would get it: markup, length, buttons, what is copied."""
    MEDIUM = "medium"
    """A medium of it: a file that Telegram doesn't know, can't fetch or doesn't take."""
    PAYMENT = "payment"
    """Sending above the free rate: the bot may not, or has too few Stars."""
    OTHER = "other"
    """Something that Skua doesn't know."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """Telegram said no for another reason, in its words."""

    description: str
    blame: Blame


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """The request left and its fate isn't known: it may have arrived."""

    reason: str
    answered: bool
    """Whether there was an answer at all (a 5xx), rather than none."""
    retry_after: float | None = None
    """For how long, in seconds, nothing may leave all the same: an album was answered 429, and
    some of it may have arrived."""
    refused: Refused | None = None
    """What Telegram said of an album of which some may have arrived: its fault is known, though the
    delivery's fate isn't. Whoever guards a broadcast counts it as a refusal."""


class Unreachable(msgspec.Struct, frozen=True, gc=False):
    """Telegram doesn't deliver to this chat: blocked, deactivated, kicked, not found."""

    reach: Reach
    description: str


class Migrated(msgspec.Struct, frozen=True, gc=False):
    new_chat_id: ChatId


class Unauthorized(msgspec.Struct, frozen=True, gc=False):
    """The token doesn't work any more; not accepted."""


SendOutcome = Sent | Throttled | NotSent | Unknown | Unreachable | Migrated | Refused | Unauthorized


class Messenger(Protocol):
    """Delivers messages on behalf of bots.

    Implementations never retry and never wait on their own account: time belongs to the lane.
    They may be shared between tasks. They keep no token after a call has returned, and show none
    in a log, an exception or a repr.
    """

    @abstractmethod
    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        """Deliver one message.

        Never raises for what Telegram or the network does; each of these is an outcome. When the
        calling task is cancelled the outcome is unknown, and it is the caller's to say so.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close connections; calls in flight end as ``Unknown``, or as ``NotSent`` where that is
        certain. Closing twice is harmless."""
