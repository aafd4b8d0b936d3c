"""Port: what must be found before a bot is known: users, bots by name, lanes that need a holder."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from skua_core.domain.bot import Bot
from skua_core.domain.lane import LaneSnapshot, Lease
from skua_core.domain.user import User
from skua_core.ids import BotId, BroadcastId, UserId


class PlatformStorage(Protocol):
    """Look-ups across bots; each method is one short transaction. Shared by all tasks.

    Any method may raise StorageUnavailable.
    """

    @abstractmethod
    async def ensure_user(self, login: str) -> User:
        """The user of that login, or who took that local user over; made now if there is none."""

    @abstractmethod
    async def resolve_bot(self, slug: str, user_id: UserId) -> Bot:
        """The bot, if this user may see it. Raises BotForbidden otherwise, whatever the reason."""

    @abstractmethod
    async def list_bots(self, user_id: UserId) -> Sequence[Bot]:
        """Bots that this user owns or has a role on, by slug."""

    @abstractmethod
    async def find_by_public_id(self, public_id: str) -> BotId | None:
        """For webhooks, whose caller still has to prove that it is Telegram."""

    @abstractmethod
    async def polled_bots(self) -> Sequence[BotId]:
        """Bots whose updates are fetched: a working token and no webhook."""

    @abstractmethod
    async def webhooks_to_repair(self, *, public: bool) -> Sequence[BotId]:
        """Bots with a working token that don't get their updates as this installation wants them.

        Those with a webhook that is pending; without a public URL also those with a webhook, and
        with one also those that are polled.
        """


class BotDirectory(Protocol):
    """Bots for what has to be done in each of them, whoever may see them. Shared by all tasks."""

    @abstractmethod
    async def page(self, *, after: BotId | None, limit: int) -> Sequence[BotId]:
        """By id, those behind ``after``; none when that was the last. Raises StorageUnavailable."""

    @abstractmethod
    async def linked_to(self, user_id: UserId) -> Sequence[BotId]:
        """By id, those that keep a chat link of this user. Raises StorageUnavailable."""


class LaneRegistry(Protocol):
    """All lanes at once: who lives, who waits. Times are the database's.

    Shared by all tasks. Any method may raise StorageUnavailable.
    """

    @abstractmethod
    async def heartbeat(self, leases: Sequence[Lease]) -> frozenset[BotId]:
        """Prolong all of them in one statement; the bots whose lease still holds."""

    @abstractmethod
    async def due(self, *, limit: int) -> Sequence[BotId]:
        """Lanes without a live holder that have something to do, longest waiting first.

        That is: a due reply or put-back delivery, a delivery in flight, or a sending broadcast,
        with the bot's gates open and ``not_before`` over; or a delivery in flight whatever else.
        One query from indexes, whatever the number of bots.
        """

    @abstractmethod
    async def free(self, holder: str) -> int:
        """A process was seen to die: let anybody take its lanes at once; how many there were."""

    @abstractmethod
    async def unserved(self) -> Sequence[tuple[BotId, BroadcastId]]:
        """Sending broadcasts that nobody has served for too long, though their gates are open."""

    @abstractmethod
    async def snapshot(self, bot_id: BotId) -> LaneSnapshot | None: ...
