"""A token that stopped working."""

import msgspec

from skua_core.domain.audit import Details
from skua_core.domain.bot import TokenState
from skua_core.domain.broadcast import BroadcastStatus, PauseReason
from skua_core.domain.secret import SealedSecret
from skua_core.domain.user import SYSTEM
from skua_core.ids import BotId
from skua_core.ports.clock import Clock
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit
from skua_core.use_cases.access import bot_entry


class TokenFailedCommand(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    sealed_token: SealedSecret
    """The one that failed, by which it is told from one that was set meanwhile."""
    unreadable: bool
    """No key in the ring opens it; otherwise Telegram answered 401 to it."""


class TokenFailed:
    """Close a bot's gate because its token doesn't work, if it is still the bot's token.

    A broadcast that is being sent with a revoked token is paused, so that nobody takes it for
    slow: its owner has to set a token and resume it.
    """

    def __init__(self, *, storage: TenantStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def __call__(self, command: TokenFailedCommand) -> bool:
        """Whether the gate was closed by this call."""
        state = TokenState.UNREADABLE if command.unreadable else TokenState.REVOKED
        async with self._storage.unit(command.bot_id) as unit:
            bot = await unit.bot.get(lock=True)
            secrets = await unit.bot.secrets()
            if bot.token_state is not TokenState.ACTIVE:
                return False
            if secrets.sealed_token != command.sealed_token:
                return False
            bot.token_state = state
            await unit.bot.save(bot)
            details: Details = {}
            if state is TokenState.REVOKED:
                details = await self._pause_broadcast(unit)
            await unit.audit.append(bot_entry(bot.id, SYSTEM, f"token_{state}", details))
            await unit.commit()
        return True

    async def _pause_broadcast(self, unit: TenantUnit) -> Details:
        for found in await unit.broadcasts.page(
            before=None, limit=1, status=BroadcastStatus.SENDING
        ):
            broadcast = await unit.broadcasts.get(found.id, lock=True)
            if broadcast is not None and broadcast.status is BroadcastStatus.SENDING:
                broadcast.pause(PauseReason.TOKEN_REVOKED, now=self._clock.now())
                await unit.broadcasts.save(broadcast)
                return {"paused_broadcast": str(broadcast.id)}
        return {}
