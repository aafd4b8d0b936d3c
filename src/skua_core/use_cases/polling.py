"""Fetch a bot's updates where Telegram can't call."""

import contextlib

import msgspec

from skua_core.domain.bot import TokenState, WebhookState
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.errors import SecretUnreadable, TelegramRefused, TelegramUnavailable, TokenRefused
from skua_core.ids import BotId
from skua_core.ports.bot_api import FetchedUpdate, UpdateSource
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.intake import ReceiveUpdate, ReceiveUpdateCommand
from skua_core.use_cases.tokens import TokenFailed, TokenFailedCommand


class PollUpdatesCommand(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    offset: int | None = None
    """``Polled.next_offset`` of the turn before; None for the first."""
    wait: float = 25.0
    """Seconds to wait for something to happen."""


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    received: int = 0
    next_offset: int | None = None
    over: bool = False
    """This bot's updates aren't fetched any more: its token is gone, or a webhook gets them."""


class PollUpdates:
    """One turn of fetching a bot's updates, which go through the same intake as a webhook's.

    Updates are confirmed to Telegram only after they were taken in, so that none is lost; what
    Telegram brings twice the ledger knows. An offset is given no longer than it takes to confirm:
    after a week of silence Telegram numbers anew, perhaps lower, and would take an old offset for
    a confirmation of updates that nobody has seen.
    """

    def __init__(
        self,
        *,
        storage: TenantStorage,
        source: UpdateSource,
        vault: TokenVault,
        receive: ReceiveUpdate,
        token_failed: TokenFailed,
    ) -> None:
        self._storage = storage
        self._source = source
        self._vault = vault
        self._receive = receive
        self._token_failed = token_failed

    async def __call__(self, command: PollUpdatesCommand) -> Polled:
        """Raises TelegramUnavailable, UpdatesTakenElsewhere and StorageUnavailable.

        After any of them the caller waits a while, and goes on with the same offset.
        """
        bot_id = command.bot_id
        sealed = await self._sealed_token(bot_id)
        if sealed is None:
            return Polled(over=True)
        try:
            token = self._vault.unseal_token(bot_id, sealed)
            # With something to confirm there is no waiting: Telegram should hear of it now.
            wait = command.wait if command.offset is None else 0.0
            updates = await self._source.fetch_updates(token, offset=command.offset, wait=wait)
        except (SecretUnreadable, TokenRefused) as error:
            unreadable = isinstance(error, SecretUnreadable)
            await self._token_failed(
                TokenFailedCommand(bot_id=bot_id, sealed_token=sealed, unreadable=unreadable)
            )
            return Polled(over=True)
        for update in updates:
            await self._take_in(bot_id, token, update)
        next_offset = updates[-1].update_id + 1 if updates else None
        return Polled(received=len(updates), next_offset=next_offset)

    async def _sealed_token(self, bot_id: BotId) -> SealedSecret | None:
        async with self._storage.unit(bot_id, UnitKind.INBOUND) as unit:
            bot = await unit.bot.get()
            if bot.token_state is TokenState.ACTIVE and bot.webhook_state is WebhookState.POLLING:
                return (await unit.bot.secrets()).sealed_token
        return None

    async def _take_in(self, bot_id: BotId, token: BotToken, update: FetchedUpdate) -> None:
        received = await self._receive(
            ReceiveUpdateCommand(bot_id=bot_id, raw=update.raw, update_id=update.update_id)
        )
        reply = received.callback
        if reply is not None:
            # The button stops spinning by itself when this fails.
            with contextlib.suppress(TelegramUnavailable, TelegramRefused, TokenRefused):
                await self._source.answer_callback(
                    token, reply.callback_id, text=reply.text, alert=reply.alert
                )
