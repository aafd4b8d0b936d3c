"""API keys: for programs that do part of what their user may do."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from skua_core.domain.account import Caller
from skua_core.domain.bot import check_name
from skua_core.domain.handles import hash_of, is_api_key, new_api_key
from skua_core.domain.secret import Secret
from skua_core.domain.session import ApiKey, KeyAccess
from skua_core.errors import BotForbidden, ExpiryInvalid, ItemNotFound, NotSignedIn
from skua_core.ids import ApiKeyId, BotId, UserId, parse_id
from skua_core.ports.account_storage import AccountStorage
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.accounts.codes import PrivateCommand
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry, actor_of


class CreateApiKeyCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn
    name: str
    access: KeyAccess
    bots: tuple[str, ...] | None = None
    """Slugs; None for all bots that the user may see, now and later."""
    expires_at: datetime | None = None


class CreatedKey(msgspec.Struct, frozen=True, kw_only=True):
    key: ApiKey
    secret: Secret
    """The whole key; nobody can show it again."""


class CreateApiKey:
    def __init__(
        self, *, storage: AccountStorage, platform: PlatformStorage, ids: IdFactory
    ) -> None:
        self._storage = storage
        self._platform = platform
        self._ids = ids

    async def __call__(self, command: CreateApiKeyCommand) -> CreatedKey:
        """Raises StepUpRequired, NameInvalid, BotForbidden and ExpiryInvalid."""
        user_id = command.signed_in.user.id
        name = check_name("API key", command.name)
        bots = await self._bots(user_id, command.bots)
        secret = Secret(new_api_key())
        async with self._storage.unit() as unit:
            now = await unit.now()
            command.signed_in.require_step_up(now)
            if command.expires_at is not None and command.expires_at <= now:
                raise ExpiryInvalid
            key = ApiKey(
                id=ApiKeyId(self._ids.new()),
                secret_hash=hash_of(secret.reveal()),
                user_id=user_id,
                name=name,
                access=command.access,
                bots=bots,
                created_at=now,
                expires_at=command.expires_at,
            )
            await unit.api_keys.add(key)
            entry = account_entry(
                command.signed_in.actor,
                "api_key_created",
                {
                    "key": str(key.id),
                    "access": key.access,
                    "bots": None if bots is None else [str(bot_id) for bot_id in bots],
                },
            )
            await unit.audit(user_id).append(entry)
            await unit.commit()
        return CreatedKey(key=key, secret=secret)

    async def _bots(
        self, user_id: UserId, slugs: tuple[str, ...] | None
    ) -> tuple[BotId, ...] | None:
        if slugs is None:
            return None
        seen = {bot.slug: bot.id for bot in await self._platform.list_bots(user_id)}
        if not seen.keys() >= set(slugs):
            raise BotForbidden
        return tuple(dict.fromkeys(seen[slug] for slug in slugs))


class ListApiKeysQuery(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class ListApiKeys:
    """Newest first."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListApiKeysQuery) -> Sequence[ApiKey]:
        """Raises KeyNotAllowed."""
        user_id = query.signed_in.as_person().user_id
        async with self._storage.unit() as unit:
            return await unit.api_keys.of_user(user_id)


class RemoveApiKeyCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn
    key_id: str


class RemoveApiKey:
    """From the answer on, the key is worth nothing."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: RemoveApiKeyCommand) -> None:
        """Raises ItemNotFound and KeyNotAllowed."""
        user_id = command.signed_in.as_person().user_id
        key_id = parse_id(ApiKeyId, command.key_id)
        if key_id is None:
            raise ItemNotFound
        async with self._storage.unit() as unit:
            if not await unit.api_keys.remove(user_id, only=key_id):
                raise ItemNotFound
            entry = account_entry(
                command.signed_in.actor, "api_key_removed", {"key": command.key_id}
            )
            await unit.audit(user_id).append(entry)
            await unit.commit()


class AuthenticateKeyCommand(PrivateCommand, frozen=True, kw_only=True):
    text: str
    caller: Caller


class AuthenticateKey:
    """A program is its key's user, with what that key allows."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: AuthenticateKeyCommand) -> SignedIn:
        """Raises NotSignedIn."""
        if not is_api_key(command.text):
            raise NotSignedIn
        async with self._storage.unit() as unit:
            live = await unit.api_keys.live(hash_of(command.text))
            if live is None:
                raise NotSignedIn
            await unit.commit()
        return SignedIn(user=live.user, actor=actor_of(live.user, command.caller), key=live.key)
