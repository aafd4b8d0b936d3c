"""Port: send one message, and say what is known about it afterwards."""

from abc import abstractmethod
from typing import Protocol

import msgspec

from skua_core.domain.content import RenderedMessage
from skua_core.domain.secret import BotToken
from skua_core.domain.subscriber import Reach
from skua_core.ids import ChatId


class OutboundMessage(msgspec.Struct, frozen=True, gc=False):
    chat_id: ChatId
    content: RenderedMessage
    paid: bool = False
    """Sent above the free rate, for Stars."""


class Sent(msgspec.Struct, frozen=True, gc=False):
    message_id: int


class Throttled(msgspec.Struct, frozen=True, gc=False):
    """Not accepted. Nothing may leave for this long, in seconds."""

    retry_after: float


class NotSent(msgspec.Struct, frozen=True, gc=False):
    """Nothing left this machine, so trying again is safe."""

    reason: str


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """The request left and its fate isn't known: it may have arrived."""

    reason: str
    answered: bool
    """Whether there was an answer at all (a 5xx), rather than none."""


class Unreachable(msgspec.Struct, frozen=True, gc=False):
    """Telegram doesn't deliver to this chat: blocked, deactivated, kicked, not found."""

    reach: Reach
    description: str


class Migrated(msgspec.Struct, frozen=True, gc=False):
    new_chat_id: ChatId


class Refused(msgspec.Struct, frozen=True, gc=False):
    """Telegram said no for another reason, in its words."""

    description: str
    content: bool
    """True when the message itself is to blame, so that nobody would get it."""


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
        """Close connections; calls in flight end as ``Unknown``. Closing twice is harmless."""
