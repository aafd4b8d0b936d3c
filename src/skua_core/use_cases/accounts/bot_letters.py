"""Tell a bot's owner by mail what was done to the bot."""

import logging

from skua_core.domain.bot import Bot
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.user import Actor
from skua_core.errors import StorageUnavailable
from skua_core.ports.account_storage import AccountStorage
from skua_core.use_cases.accounts.letters import LetterBox

_log = logging.getLogger(__name__)


class TellTokenChanged:
    """Whoever has a bot's token has the bot, so its owner hears of another one.

    The change is a bot's and the letter an account's: two transactions, one after the other. What
    comes between them loses the letter; the audit log has the change all the same.
    """

    def __init__(self, *, accounts: AccountStorage, letters: LetterBox) -> None:
        self._accounts = accounts
        self._letters = letters

    async def __call__(self, bot: Bot, actor: Actor) -> None:
        """Never fails the change, which is made. Owners without an account get no mail."""
        try:
            await self._post(bot, actor)
        except StorageUnavailable as error:
            _log.warning("Nobody is told that bot %s has another token: %s", bot.id, error)

    async def _post(self, bot: Bot, actor: Actor) -> None:
        async with self._accounts.unit() as unit:
            owner = await unit.accounts.get(bot.owner_id)
            if owner is None or owner.password is None:
                return
            told = {"bot": bot.slug, "at": (await unit.now()).isoformat()}
            where = {"ip": actor.ip, "user_agent": actor.user_agent}
            told |= {name: value for name, value in where.items() if value is not None}
            letter = Letter(to=owner.user.login, kind=LetterKind.TOKEN_CHANGED, facts=told)
            await self._letters.post(unit, letter)
            await unit.commit()
