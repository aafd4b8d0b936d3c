"""Connect bots, change their tokens, close their gates, let them go."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.audit import Details
from skua_core.domain.bot import (
    Bot,
    TokenState,
    WebhookState,
    check_name,
    make_public_id,
    make_slug,
)
from skua_core.domain.secret import BotToken, SealedSecret
from skua_core.domain.user import Actor
from skua_core.errors import SecretUnreadable, SkuaError, TokenOfAnotherBot
from skua_core.ids import BotId, UserId
from skua_core.ports.bot_api import BotIdentity
from skua_core.ports.clock import Clock
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.job_queue import JobQueue
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.ports.repositories import BotSecrets
from skua_core.ports.tenant_storage import TenantStorage
from skua_core.ports.token_vault import TokenVault
from skua_core.use_cases.access import BotAccess, bot_entry
from skua_core.use_cases.accounts.bot_letters import TellTokenChanged
from skua_core.use_cases.webhooks import Connected, UpdateRoute


class AddBotCommand(msgspec.Struct, frozen=True, kw_only=True):
    actor: Actor
    owner_id: UserId
    slug: str
    """A wish: the real one has five more characters."""
    name: str
    token: BotToken | None = None


class AddBot:
    """Connect a Telegram bot, or prepare a place for one whose token comes later.

    Telegram vouches for a token before anything is stored. A Telegram bot is connected once on the
    whole platform, and only its token's bearer learns that it is connected already.
    """

    def __init__(
        self, *, storage: TenantStorage, clock: Clock, ids: IdFactory, route: UpdateRoute
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._ids = ids
        self._route = route

    async def __call__(self, command: AddBotCommand) -> Connected:
        """Raises SlugInvalid, NameInvalid, BotInUse, and as ``UpdateRoute.identify``."""
        now = self._clock.now()
        bot = Bot(
            id=BotId(self._ids.new()),
            slug=make_slug(command.slug),
            public_id=make_public_id(),
            name=check_name("bot", command.name),
            owner_id=command.owner_id,
            created_at=now,
            updated_at=now,
        )
        fresh = None
        if command.token is not None:
            _take_token(bot, await self._route.identify(command.token))
            fresh = self._route.seal(bot.id, command.token)
        async with self._storage.unit(bot.id) as unit:
            await unit.bot.add(bot)
            if fresh is not None:
                await unit.bot.save_secrets(fresh.stored)
            await unit.audit.append(bot_entry(bot.id, command.actor, "added", _about(bot)))
            await unit.commit()
        if fresh is None:
            return Connected(bot=bot)
        return await self._route.announce(bot, fresh, command.actor)


class SetTokenCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    token: BotToken


class SetToken:
    """Give a bot its token, or a new one of the same Telegram bot.

    Another bot's token is refused: that bot would get these subscribers. From the commit on, the
    webhook secret that went with the former token is worth nothing. The owner is told by mail.
    """

    def __init__(
        self,
        *,
        storage: TenantStorage,
        queue: JobQueue,
        route: UpdateRoute,
        tell: TellTokenChanged,
    ) -> None:
        self._storage = storage
        self._queue = queue
        self._route = route
        self._tell = tell

    async def __call__(self, command: SetTokenCommand) -> Connected:
        """Raises TokenOfAnotherBot, BotInUse, and as ``UpdateRoute.identify``."""
        bot_id, actor = command.access.bot_id, command.access.actor
        identity = await self._route.identify(command.token)
        fresh = self._route.seal(bot_id, command.token)
        async with self._storage.unit(bot_id) as unit:
            bot = await unit.bot.get(lock=True)
            if bot.telegram_id not in (None, identity.telegram_id):
                raise TokenOfAnotherBot(bot.telegram_id, identity.telegram_id)
            _take_token(bot, identity)
            await unit.bot.save(bot)
            await unit.bot.save_secrets(fresh.stored)
            await unit.audit.append(bot_entry(bot_id, actor, "token_set", _about(bot)))
            await unit.commit()
        await self._tell(bot, actor)
        connected = await self._route.announce(bot, fresh, actor)
        await self._queue.wake(bot_id)
        return connected


class RemoveTokenCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess


class RemoveToken:
    """Forget a bot's token. Once this has answered, nothing more is sent or taken in.

    The bot stays tied to its Telegram bot, which may now be connected elsewhere.
    """

    def __init__(self, *, storage: TenantStorage, vault: TokenVault, route: UpdateRoute) -> None:
        self._storage = storage
        self._vault = vault
        self._route = route

    async def __call__(self, command: RemoveTokenCommand) -> Connected:
        bot_id, actor = command.access.bot_id, command.access.actor
        async with self._storage.unit(bot_id) as unit:
            bot = await unit.bot.get(lock=True)
            if bot.token_state is TokenState.MISSING:
                return Connected(bot=bot)
            sealed = (await unit.bot.secrets()).sealed_token
            bot.token_state, bot.webhook_state = TokenState.MISSING, WebhookState.NONE
            await unit.bot.save(bot)
            await unit.bot.save_secrets(BotSecrets())
            await unit.audit.append(bot_entry(bot_id, actor, "token_removed", _about(bot)))
            await unit.commit()
        problem = await _withdraw(self._route, self._vault, bot_id, sealed)
        return Connected(bot=bot, webhook_problem=problem)


class RemoveBotCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess


class RemoveBot:
    """Forget a bot with everything in it. Its audit chain stays, and ends by saying so."""

    def __init__(self, *, storage: TenantStorage, vault: TokenVault, route: UpdateRoute) -> None:
        self._storage = storage
        self._vault = vault
        self._route = route

    async def __call__(self, command: RemoveBotCommand) -> Connected:
        bot_id, actor = command.access.bot_id, command.access.actor
        async with self._storage.unit(bot_id) as unit:
            bot = await unit.bot.get(lock=True)
            sealed = (await unit.bot.secrets()).sealed_token
            await unit.bot.remove()
            await unit.audit.append(bot_entry(bot_id, actor, "removed", _about(bot)))
            await unit.commit()
        problem = await _withdraw(self._route, self._vault, bot_id, sealed)
        return Connected(bot=bot, webhook_problem=problem)


class SetReadOnlyCommand(msgspec.Struct, frozen=True, kw_only=True):
    access: BotAccess
    read_only: bool


class SetReadOnly:
    """Close or open the gate that keeps a bot from sending anything at all."""

    def __init__(self, *, storage: TenantStorage, queue: JobQueue) -> None:
        self._storage = storage
        self._queue = queue

    async def __call__(self, command: SetReadOnlyCommand) -> Bot:
        bot_id, actor = command.access.bot_id, command.access.actor
        async with self._storage.unit(bot_id) as unit:
            bot = await unit.bot.get(lock=True)
            if bot.read_only == command.read_only:
                return bot
            bot.read_only = command.read_only
            await unit.bot.save(bot)
            action = "made_read_only" if command.read_only else "made_writable"
            await unit.audit.append(bot_entry(bot_id, actor, action))
            await unit.commit()
        await self._queue.wake(bot_id)
        return bot


class ListBotsQuery(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UserId


class ListBots:
    """The bots that a user owns or has a role on."""

    def __init__(self, *, platform: PlatformStorage) -> None:
        self._platform = platform

    async def __call__(self, query: ListBotsQuery) -> Sequence[Bot]:
        return await self._platform.list_bots(query.user_id)


def _take_token(bot: Bot, identity: BotIdentity) -> None:
    bot.telegram_id = identity.telegram_id
    bot.telegram_username = identity.username
    bot.token_state = TokenState.ACTIVE
    bot.webhook_state = WebhookState.PENDING


def _about(bot: Bot) -> Details:
    return {
        "slug": bot.slug,
        "telegram_id": bot.telegram_id,
        "telegram_username": bot.telegram_username,
    }


async def _withdraw(
    route: UpdateRoute, vault: TokenVault, bot_id: BotId, sealed: SealedSecret | None
) -> SkuaError | None:
    if sealed is None:
        return None
    try:
        token = vault.unseal_token(bot_id, sealed)
    except SecretUnreadable as problem:
        return problem
    return await route.withdraw(token)
