"""How a bot's updates reach Skua: agreed with Telegram after every change of a token."""

import secrets

import msgspec

from skua_core.domain.bot import Bot, TokenState, WebhookState
from skua_core.domain.secret import BotToken, WebhookSecret
from skua_core.domain.user import SYSTEM, Actor
from skua_core.errors import (
    NotABot,
    PublicUrlUnfit,
    SecretUnreadable,
    SkuaError,
    TelegramRefused,
    TelegramUnavailable,
    TokenRefused,
)
from skua_core.faults import fault
from skua_core.ids import BotId
from skua_core.ports.bot_api import BotApi, BotIdentity
from skua_core.ports.repositories import BotSecrets
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.access import bot_entry
from skua_core.use_cases.tokens import TokenFailed, TokenFailedCommand

WEBHOOK_PATH = "/webhooks/telegram"


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A bot after its token was dealt with."""

    bot: Bot
    webhook_problem: SkuaError | None = None
    """Why Telegram couldn't be told where to send updates; the token itself is stored."""


class FreshSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored for a bot, with the clear secrets that the next call to Telegram needs."""

    stored: BotSecrets
    token: BotToken
    webhook_secret: WebhookSecret | None
    """None where updates are fetched."""


class StoredRoute(msgspec.Struct, frozen=True, kw_only=True):
    """By which it is seen that nobody else changed a bot's webhook meanwhile."""

    secrets: BotSecrets
    state: WebhookState


class UpdateRoute:
    """Tells Telegram which way a bot's updates take: to the webhook, or none but fetching.

    A new webhook secret is committed before Telegram hears of it, so the old one is useless from
    that commit on. Until Telegram has taken the new one the bot's webhook is ``pending``, and
    ``RepairWebhook`` finishes what was interrupted.
    """

    def __init__(
        self,
        *,
        storage: TenantStorage,
        bot_api: BotApi,
        vault: TokenVault,
        public_url: str | None,
    ) -> None:
        """``public_url`` is where the webhook route can be reached; None to fetch updates."""
        self._storage = storage
        self._bot_api = bot_api
        self._vault = vault
        self._public_url = None if public_url is None else public_url.rstrip("/")

    @property
    def goal(self) -> WebhookState:
        return WebhookState.POLLING if self._public_url is None else WebhookState.SET

    async def identify(self, token: BotToken) -> BotIdentity:
        """Whose token this is. Raises NotABot, and what ``BotApi.identify`` raises."""
        identity = await self._bot_api.identify(token)
        if not identity.is_bot:
            raise NotABot
        return identity

    def renew(self, bot_id: BotId, token: BotToken, *, sealed: BotSecrets) -> FreshSecrets:
        """The same token with the secret of a new webhook."""
        if self._public_url is None:
            stored = BotSecrets(sealed_token=sealed.sealed_token)
            return FreshSecrets(stored=stored, token=token, webhook_secret=None)
        secret = WebhookSecret(secrets.token_urlsafe(32))
        stored = BotSecrets(
            sealed_token=sealed.sealed_token,
            webhook_fingerprint=self._vault.fingerprint(bot_id, secret),
        )
        return FreshSecrets(stored=stored, token=token, webhook_secret=secret)

    def seal(self, bot_id: BotId, token: BotToken) -> FreshSecrets:
        sealed = BotSecrets(sealed_token=self._vault.seal_token(bot_id, token))
        return self.renew(bot_id, token, sealed=sealed)

    async def announce(self, bot: Bot, fresh: FreshSecrets, actor: Actor) -> Connected:
        """Tell Telegram, after the commit. What goes wrong there is reported and repaired later."""
        await fault("token.after_commit_before_set_webhook")
        try:
            await self.tell(bot, fresh)
        except (PublicUrlUnfit, TelegramRefused, TelegramUnavailable, TokenRefused) as problem:
            return Connected(bot=bot, webhook_problem=problem)
        before = StoredRoute(secrets=fresh.stored, state=bot.webhook_state)
        return Connected(bot=await self.finish(bot.id, fresh, before, actor))

    async def withdraw(self, token: BotToken) -> SkuaError | None:
        """Remove the webhook of a bot that Skua lets go; why that failed, if it did.

        Whatever Telegram still sends is refused, because no secret is left that would match.
        """
        try:
            await self._bot_api.remove_webhook(token)
        except (TelegramRefused, TelegramUnavailable, TokenRefused) as problem:
            return problem
        return None

    async def tell(self, bot: Bot, fresh: FreshSecrets) -> None:
        """Raises what ``BotApi.set_webhook`` and ``BotApi.remove_webhook`` raise."""
        if self._public_url is None or fresh.webhook_secret is None:
            await self._bot_api.remove_webhook(fresh.token)
            return
        tag = self._vault.url_tag(bot.id, fresh.webhook_secret)
        url = f"{self._public_url}{WEBHOOK_PATH}/{bot.public_id}/{tag}"
        await self._bot_api.set_webhook(fresh.token, url, fresh.webhook_secret)

    async def finish(
        self, bot_id: BotId, fresh: FreshSecrets, before: StoredRoute, actor: Actor
    ) -> Bot:
        """Note that Telegram was told, if nothing changed since ``before``."""
        async with self._storage.unit(bot_id) as unit:
            bot = await unit.bot.get(lock=True)
            stored = await unit.bot.secrets()
            if (stored, bot.webhook_state) == (before.secrets, before.state):
                bot.webhook_state = self.goal
                await unit.bot.save_secrets(fresh.stored)
                action = f"webhook_{self.goal}"
            elif bot.token_state is TokenState.ACTIVE:
                # Somebody else told Telegram of another secret at the same time, and nobody knows
                # which call came last there. Neither counts: the repair makes a third.
                bot.webhook_state = WebhookState.PENDING
                await unit.bot.save_secrets(BotSecrets(sealed_token=stored.sealed_token))
                action = "webhook_overtaken"
            else:
                return bot
            await unit.bot.save(bot)
            await unit.audit.append(bot_entry(bot_id, actor, action))
            await unit.commit()
        return bot


class RepairWebhookCommand(msgspec.Struct, frozen=True, kw_only=True):
    bot_id: BotId
    actor: Actor = SYSTEM


class RepairWebhook:
    """Finish a setWebhook that was interrupted, or change over between webhook and fetching.

    The clear webhook secret isn't kept, so a repair makes a new one. Here Telegram is told before
    the commit: there is no old secret to outdate, and as long as Telegram can't be told nothing
    changes and nothing is written, however often it is tried.
    """

    def __init__(
        self,
        *,
        storage: TenantStorage,
        vault: TokenVault,
        route: UpdateRoute,
        token_failed: TokenFailed,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._route = route
        self._token_failed = token_failed

    async def __call__(self, command: RepairWebhookCommand) -> Connected:
        """With a ``webhook_problem`` it is to be tried again later."""
        bot_id = command.bot_id
        async with self._storage.unit(bot_id) as unit:
            bot, stored = await unit.bot.get(), await unit.bot.secrets()
        sealed = stored.sealed_token
        is_whole = bot.webhook_state is self._route.goal
        if sealed is None or is_whole or bot.token_state is not TokenState.ACTIVE:
            return Connected(bot=bot)
        try:
            token = self._vault.unseal_token(bot_id, sealed)
            fresh = self._route.renew(bot_id, token, sealed=stored)
            await self._route.tell(bot, fresh)
        except (SecretUnreadable, TokenRefused) as problem:
            unreadable = isinstance(problem, SecretUnreadable)
            await self._token_failed(
                TokenFailedCommand(bot_id=bot_id, sealed_token=sealed, unreadable=unreadable)
            )
            return Connected(bot=bot, webhook_problem=problem)
        except (PublicUrlUnfit, TelegramRefused, TelegramUnavailable) as problem:
            return Connected(bot=bot, webhook_problem=problem)
        before = StoredRoute(secrets=stored, state=bot.webhook_state)
        return Connected(bot=await self._route.finish(bot_id, fresh, before, command.actor))
