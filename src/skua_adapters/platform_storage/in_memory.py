"""Users and bots in memory, across tenants."""

from collections.abc import Sequence

from skua_adapters._memory import Memory
from skua_adapters._memory.tables import OpenTable
from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.domain.user import User
from skua_core.errors import BotForbidden
from skua_core.ids import BotId, UserId
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import BotDirectory, PlatformStorage


class InMemoryPlatformStorage(PlatformStorage, BotDirectory):
    def __init__(self, memory: Memory, *, ids: IdFactory) -> None:
        self._memory = memory
        self._ids = ids

    async def ensure_user(self, login: str) -> User:
        users = OpenTable(self._memory.users)
        for user in (*users.find("local_login", login), *users.find("login", login)):
            return user
        user = User(id=UserId(self._ids.new()), login=login, created_at=self._memory.clock.now())
        users.put(user.id, user)
        users.apply()
        return user

    async def resolve_bot(self, slug: str, user_id: UserId) -> Bot:
        for bot in self._bots.find("slug", slug):
            if self._may_see(user_id, bot):
                return bot
        raise BotForbidden

    async def list_bots(self, user_id: UserId) -> Sequence[Bot]:
        seen = [bot for bot in self._bots.values() if self._may_see(user_id, bot)]
        return sorted(seen, key=lambda bot: bot.slug)

    async def find_by_public_id(self, public_id: str) -> BotId | None:
        return next((bot.id for bot in self._bots.find("public_id", public_id)), None)

    async def polled_bots(self) -> Sequence[BotId]:
        return self._working_with(WebhookState.POLLING)

    async def webhooks_to_repair(self, *, public: bool) -> Sequence[BotId]:
        other = WebhookState.POLLING if public else WebhookState.SET
        return self._working_with(WebhookState.PENDING, other)

    async def page(self, *, after: BotId | None, limit: int) -> Sequence[BotId]:
        return sorted(bot.id for bot in self._bots.values() if after is None or bot.id > after)[
            :limit
        ]

    async def linked_to(self, user_id: UserId) -> Sequence[BotId]:
        tenants = self._memory.tenants
        return sorted(bot_id for bot_id in tenants if user_id in tenants[bot_id].chat_links.rows)

    @property
    def _bots(self) -> OpenTable[BotId, Bot]:
        return OpenTable(self._memory.bots)

    def _may_see(self, user_id: UserId, bot: Bot) -> bool:
        return bot.owner_id == user_id or (bot.id, user_id) in self._memory.roles.rows

    def _working_with(self, *states: WebhookState) -> list[BotId]:
        return [
            bot.id
            for bot in self._bots.values()
            if bot.token_state is TokenState.ACTIVE and bot.webhook_state in states
        ]
