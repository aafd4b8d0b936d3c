"""What a user may always have: everything Skua knows of them, and to be forgotten."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from skua_core.domain.account import Account
from skua_core.domain.audit import AuditEntry
from skua_core.domain.bot import Bot
from skua_core.domain.session import ApiKey, Device, KeyAccess, Session
from skua_core.errors import AccountOwnsBots, UserNotFound
from skua_core.ids import ApiKeyId, BotId, DeviceId, SessionId, UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.accounts.chats import LinkedChat, LinkedChats
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry

_PAGE = 1000


class ExportedSession(msgspec.Struct, frozen=True, kw_only=True):
    id: SessionId
    created_at: datetime
    last_seen_at: datetime
    ip: str | None
    user_agent: str | None

    @classmethod
    def of(cls, session: Session) -> "ExportedSession":
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            ip=session.ip,
            user_agent=session.user_agent,
        )


class ExportedDevice(msgspec.Struct, frozen=True, kw_only=True):
    id: DeviceId
    created_at: datetime
    last_seen_at: datetime
    ip: str | None
    user_agent: str | None

    @classmethod
    def of(cls, device: Device) -> "ExportedDevice":
        return cls(
            id=device.id,
            created_at=device.created_at,
            last_seen_at=device.last_seen_at,
            ip=device.ip,
            user_agent=device.user_agent,
        )


class ExportedKey(msgspec.Struct, frozen=True, kw_only=True):
    """Without its secret, which Skua doesn't know."""

    id: ApiKeyId
    name: str
    access: KeyAccess
    bots: tuple[BotId, ...] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "ExportedKey":
        return cls(
            id=key.id,
            name=key.name,
            access=key.access,
            bots=key.bots,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )


class ExportedBot(msgspec.Struct, frozen=True, kw_only=True):
    id: BotId
    slug: str
    name: str
    telegram_username: str | None
    owned: bool
    """Otherwise the user has a role on it."""

    @classmethod
    def of(cls, bot: Bot, user_id: UserId) -> "ExportedBot":
        return cls(
            id=bot.id,
            slug=bot.slug,
            name=bot.name,
            telegram_username=bot.telegram_username,
            owned=bot.owner_id == user_id,
        )


class ExportedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the user's own audit chain, with what is needed to check it offline."""

    seq: int
    at: str
    actor: str
    action: str
    resource: str
    ip: str | None
    user_agent: str | None
    details: msgspec.Raw
    hash: str
    """Hexadecimal."""

    @classmethod
    def of(cls, entry: AuditEntry) -> "ExportedEntry":
        return cls(
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            resource=entry.resource,
            ip=entry.ip,
            user_agent=entry.user_agent,
            details=msgspec.Raw(entry.details),
            hash=entry.hash.hex(),
        )


class AccountExport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one user. Passwords, codes and keys are stored unreadable and stay out."""

    id: UserId
    email: str
    name: str
    local_login: str | None
    created_at: datetime
    disabled_at: datetime | None
    totp_enabled: bool
    recovery_codes_left: int
    exported_at: datetime
    sessions: Sequence[ExportedSession]
    """Those that are live."""
    devices: Sequence[ExportedDevice]
    api_keys: Sequence[ExportedKey]
    bots: Sequence[ExportedBot]
    chats: Sequence[LinkedChat]
    """Linked to get tests there."""
    audit_log: Sequence[ExportedEntry]

    def __repr__(self) -> str:
        return "AccountExport(***)"


class ExportAccount:
    """Hand a user everything that Skua knows of them, as one document."""

    def __init__(
        self, *, storage: AccountStorage, platform: PlatformStorage, chats: LinkedChats
    ) -> None:
        self._storage = storage
        self._platform = platform
        self._chats = chats

    async def __call__(self, signed_in: SignedIn) -> AccountExport:
        """Raises StepUpRequired."""
        user_id = signed_in.user.id
        async with self._storage.unit() as unit:
            signed_in.require_step_up(await unit.now())
        bots = await self._platform.list_bots(user_id)
        chats = await self._chats.of_user(user_id)
        async with self._storage.unit() as unit:
            # Before it is read, so that the export tells of itself too.
            account = await _account(unit, user_id)
            await unit.audit(user_id).append(account_entry(signed_in.actor, "exported"))
            exported = await _export(unit, account, bots, chats)
            await unit.commit()
        return exported


async def _export(
    unit: AccountUnit, account: Account, bots: Sequence[Bot], chats: Sequence[LinkedChat]
) -> AccountExport:
    user = account.user
    return AccountExport(
        id=user.id,
        email=user.login,
        name=user.name,
        local_login=user.local_login,
        created_at=user.created_at,
        disabled_at=user.disabled_at,
        totp_enabled=account.totp_enabled,
        recovery_codes_left=await unit.recovery_codes.left(user.id),
        exported_at=await unit.now(),
        sessions=[ExportedSession.of(each) for each in await unit.sessions.of_user(user.id)],
        devices=[ExportedDevice.of(each) for each in await unit.devices.of_user(user.id)],
        api_keys=[ExportedKey.of(each) for each in await unit.api_keys.of_user(user.id)],
        bots=[ExportedBot.of(bot, user.id) for bot in bots],
        chats=chats,
        audit_log=[ExportedEntry.of(each) for each in await _chain(unit, user.id)],
    )


async def _chain(unit: AccountUnit, user_id: UserId) -> Sequence[AuditEntry]:
    entries: list[AuditEntry] = []
    while page := await unit.audit(user_id).read(
        after=entries[-1].seq if entries else 0, limit=_PAGE
    ):
        entries += page
    return entries


class EraseAccount:
    """Forget a user: every row about them goes, but for audit chains, which nobody may change.

    They go on naming who did what, for as long as they are kept; the user's own ends by saying
    that the account was erased. Bots have to be let go first: their subscribers are other people.
    """

    def __init__(
        self, *, storage: AccountStorage, platform: PlatformStorage, chats: LinkedChats
    ) -> None:
        self._storage = storage
        self._platform = platform
        self._chats = chats

    async def __call__(self, signed_in: SignedIn) -> None:
        """What stops midway is completed by asking again. Raises StepUpRequired, AccountOwnsBots.

        Links of chats go first, one bot at a time, and the account last: while it is there, its
        user can still ask.
        """
        user_id, actor = signed_in.user.id, signed_in.actor
        async with self._storage.unit() as unit:
            signed_in.require_step_up(await unit.now())
        await self._require_no_bots(user_id)
        await self._chats.forget(user_id, actor)
        async with self._storage.unit() as unit:
            if await unit.accounts.get(user_id, lock=True) is not None:
                await unit.accounts.remove(user_id)
                await unit.audit(user_id).append(account_entry(actor, "erased"))
                await unit.commit()
        # What another session asked for meanwhile; from here on nobody can.
        await self._chats.forget(user_id, actor)

    async def _require_no_bots(self, user_id: UserId) -> None:
        """Before anything goes; the account's removal looks again, under its lock."""
        bots = await self._platform.list_bots(user_id)
        if owned := [bot.slug for bot in bots if bot.owner_id == user_id]:
            raise AccountOwnsBots(owned)


async def _account(unit: AccountUnit, user_id: UserId) -> Account:
    account = await unit.accounts.get(user_id)
    if account is None:
        raise UserNotFound
    return account
