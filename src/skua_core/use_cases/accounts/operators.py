"""What whoever runs an installation does with its users, at the shell."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.account import Account
from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.bot import check_name
from skua_core.domain.challenge import ChallengePurpose
from skua_core.domain.passwords import check_password
from skua_core.domain.secret import Secret
from skua_core.domain.session import EndReason
from skua_core.domain.user import Actor, User
from skua_core.errors import LocalUserTaken, UserNotFound
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.email_addresses import EmailAddresses
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.password_hasher import PasswordHasher
from skua_core.ports.platform_storage import PlatformStorage
from skua_core.use_cases.accounts.codes import PrivateCommand


class CreateUserCommand(PrivateCommand, frozen=True, kw_only=True):
    email: str
    name: str
    password: Secret
    take_over_local: str | None = None
    """The ``cli:…`` whose bots the account is to own."""
    actor: Actor


class CreateUser:
    """Make an account without a mail: whoever runs the installation vouches for the address.

    Taking over the local user turns that user into the account, so that their bots, roles and
    audit chain stay theirs, at the shell as over HTTP.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        platform: PlatformStorage,
        emails: EmailAddresses,
        hasher: PasswordHasher,
        ids: IdFactory,
    ) -> None:
        self._storage = storage
        self._platform = platform
        self._emails = emails
        self._hasher = hasher
        self._ids = ids

    async def __call__(self, command: CreateUserCommand) -> User:
        """Raises EmailInvalid, NameInvalid, PasswordUnfit, EmailInUse and LocalUserTaken."""
        login = self._emails.normalise(command.email)
        name = check_name("user", command.name) if command.name.strip() else ""
        check_password(command.password.reveal(), login, name)
        hashed = await self._hasher.hash(command.password)
        local = command.take_over_local
        former = None if local is None else await self._platform.ensure_user(local)
        async with self._storage.unit() as unit:
            # Whoever is registering this address finds that it has an account now. First, as for
            # whoever confirms it with a code: otherwise each could wait for the other.
            await unit.challenges.close_others(ChallengePurpose.REGISTER, login)
            if former is None:
                now = await unit.now()
                user = User(id=UserId(self._ids.new()), login=login, name=name, created_at=now)
                await unit.accounts.add(Account(user=user, password=hashed))
            else:
                account = await _local_account(unit, former.id, local)
                user = account.user
                user.login, user.name, user.local_login = login, name, local
                account.password = hashed
                await unit.accounts.save(account)
            details: Details = {} if local is None else {"local_user": local}
            await unit.audit(user.id).append(_entry(user.id, command.actor, "created", details))
            await unit.commit()
        return user


async def _local_account(unit: AccountUnit, user_id: UserId, local: str | None) -> Account:
    """Raises LocalUserTaken when it is somebody's already."""
    account = await unit.accounts.get(user_id, lock=True)
    if account is None or account.user.login != local:
        raise LocalUserTaken
    return account


class ListUsersQuery(msgspec.Struct, frozen=True, kw_only=True):
    after: str | None = None
    """The last login of the page before."""
    limit: int = 100


class ListUsers:
    """All users by login, those of the shell included."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, query: ListUsersQuery) -> Sequence[Account]:
        async with self._storage.unit() as unit:
            return await unit.accounts.page(after=query.after, limit=query.limit)


class DisableUserCommand(PrivateCommand, frozen=True, kw_only=True):
    email: str
    actor: Actor


class DisableUser:
    """Keep a user out: their sessions end, and neither password nor API key works any more.

    Their bots go on: what they send was asked for before.
    """

    def __init__(self, *, storage: AccountStorage, emails: EmailAddresses) -> None:
        self._storage = storage
        self._emails = emails

    async def __call__(self, command: DisableUserCommand) -> User:
        """Does nothing for a disabled user. Raises EmailInvalid and UserNotFound."""
        login = self._emails.normalise(command.email)
        async with self._storage.unit() as unit:
            account = await _account(unit, login)
            user = account.user
            if user.disabled_at is not None:
                return user
            user.disabled_at = await unit.now()
            await unit.accounts.save(account)
            await unit.sessions.revoke(user.id, EndReason.USER_DISABLED)
            await unit.audit(user.id).append(_entry(user.id, command.actor, "disabled"))
            await unit.commit()
        return user


class EnableUserCommand(PrivateCommand, frozen=True, kw_only=True):
    email: str
    actor: Actor


class EnableUser:
    """Let a disabled user sign in again. What ended stays ended; API keys work again."""

    def __init__(self, *, storage: AccountStorage, emails: EmailAddresses) -> None:
        self._storage = storage
        self._emails = emails

    async def __call__(self, command: EnableUserCommand) -> User:
        """Does nothing for one who isn't disabled. Raises EmailInvalid and UserNotFound."""
        login = self._emails.normalise(command.email)
        async with self._storage.unit() as unit:
            account = await _account(unit, login)
            user = account.user
            if user.disabled_at is None:
                return user
            user.disabled_at = None
            await unit.accounts.save(account)
            await unit.audit(user.id).append(_entry(user.id, command.actor, "enabled"))
            await unit.commit()
        return user


async def _account(unit: AccountUnit, login: str) -> Account:
    account = await unit.accounts.by_login(login, lock=True)
    if account is None:
        raise UserNotFound
    return account


def _entry(
    user_id: UserId, actor: Actor, action: str, details: Details | None = None
) -> NewAuditEntry:
    """About an account that isn't the actor's own."""
    return NewAuditEntry(
        actor=actor,
        action=f"account.{action}",
        resource=f"user:{user_id}",
        details=details or {},
    )
