"""The bot that a unit is about."""

from datetime import timedelta

from skua_adapters._memory.memory import Transaction
from skua_adapters._memory.rows import LaneRow
from skua_core.domain.bot import Bot, TokenState
from skua_core.errors import BotForbidden, BotInUse, ForeignRow
from skua_core.ports.repositories import BotRepository, BotSecrets

_TICK = timedelta(microseconds=1)


class InMemoryBotRepository(BotRepository):
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._bot_id = transaction.bot_id

    async def get(self, *, lock: bool = False) -> Bot:  # noqa: ARG002 - units of a bot take turns
        bot = self._transaction.bots.get(self._bot_id)
        if bot is None:
            raise BotForbidden
        return bot

    async def add(self, bot: Bot) -> None:
        self._put(bot)
        self._transaction.lanes.put(self._bot_id, LaneRow())

    async def save(self, bot: Bot) -> None:
        stored = await self.get()
        self._put(bot)
        saved = await self.get()
        saved.updated_at = max(self._transaction.now(), stored.updated_at + _TICK)
        self._transaction.bots.put(self._bot_id, saved)

    async def remove(self) -> None:
        self._transaction.clear_tenant()
        self._transaction.lanes.delete(self._bot_id)
        self._transaction.bots.delete(self._bot_id)

    async def secrets(self) -> BotSecrets:
        return self._transaction.secrets.get(self._bot_id) or BotSecrets()

    async def save_secrets(self, secrets: BotSecrets) -> None:
        self._transaction.secrets.put(self._bot_id, secrets)

    def check_telegram_id(self) -> None:
        """Raises BotInUse when a token of this Telegram bot is stored elsewhere."""
        bot = self._transaction.bots.get(self._bot_id)
        if bot is None or bot.telegram_id is None or bot.token_state is TokenState.MISSING:
            return
        for other in self._transaction.bots.find("telegram_id", bot.telegram_id):
            if other.id != bot.id and other.token_state is not TokenState.MISSING:
                raise BotInUse(bot.telegram_username or str(bot.telegram_id))

    def _put(self, bot: Bot) -> None:
        if bot.id != self._bot_id:
            raise ForeignRow
        self._transaction.bots.put(self._bot_id, bot)
        self.check_telegram_id()
