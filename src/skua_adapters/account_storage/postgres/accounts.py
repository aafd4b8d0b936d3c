"""Users with the means to sign in."""

from collections.abc import Sequence

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from skua_adapters._sql.tables import (
    BotRow,
    ChallengeRow,
    CredentialsRow,
    InvitationRow,
    UserRow,
)
from skua_adapters._sql.users import user_of
from skua_core.domain.account import Account, PasswordHash, Totp
from skua_core.domain.secret import SealedSecret
from skua_core.errors import AccountOwnsBots, EmailInUse, UserNotFound
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountRepository

_ACCOUNTS = select(UserRow, CredentialsRow).outerjoin(
    CredentialsRow, CredentialsRow.user_id == UserRow.id
)


class PostgresAccountRepository(AccountRepository):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, user_id: UserId, *, lock: bool = False) -> Account | None:
        return await self._one(UserRow.id == user_id, lock=lock)

    async def by_login(self, login: str, *, lock: bool = False) -> Account | None:
        return await self._one(UserRow.login == login, lock=lock)

    async def add(self, account: Account) -> None:
        user = account.user
        # A statement that failed would have ended the unit.
        added = await self._session.scalar(
            insert(UserRow)
            .values(
                id=user.id,
                login=user.login,
                created_at=user.created_at,
                name=user.name,
                disabled_at=user.disabled_at,
                local_login=user.local_login,
            )
            .on_conflict_do_nothing()
            .returning(UserRow.id)
        )
        if added is None:
            raise EmailInUse
        await self._save_credentials(account)

    async def save(self, account: Account) -> None:
        user = account.user
        async with self._session.begin_nested():
            saved = await self._session.scalar(
                update(UserRow)
                .where(UserRow.id == user.id)
                .values(
                    login=user.login,
                    name=user.name,
                    disabled_at=user.disabled_at,
                    local_login=user.local_login,
                )
                .returning(UserRow.id)
                .execution_options(synchronize_session=False)
            )
        if saved is None:
            raise UserNotFound
        await self._save_credentials(account)

    async def remove(self, user_id: UserId) -> None:
        # Locked so that nobody makes it the owner of a bot meanwhile.
        login = await self._session.scalar(
            select(UserRow.login).where(UserRow.id == user_id).with_for_update()
        )
        if login is None:
            return
        owned = await self._session.scalars(select(BotRow.slug).where(BotRow.owner_id == user_id))
        if slugs := sorted(owned):
            raise AccountOwnsBots(slugs)
        for removed in (
            delete(ChallengeRow).where(
                or_(ChallengeRow.user_id == user_id, ChallengeRow.login == login)
            ),
            delete(InvitationRow).where(InvitationRow.login == login),
            delete(UserRow).where(UserRow.id == user_id),
        ):
            await self._session.execute(removed.execution_options(synchronize_session=False))

    async def page(self, *, after: str | None, limit: int) -> Sequence[Account]:
        by_login = UserRow.login.collate("C")
        found = _ACCOUNTS.order_by(by_login).limit(limit)
        if after is not None:
            found = found.where(by_login > after)
        return await self._accounts(found)

    async def _one(self, wanted: ColumnElement[bool], *, lock: bool) -> Account | None:
        if lock:
            # Before it is read: whoever waited would still see the credentials of before.
            await self._session.execute(
                select(UserRow.id).where(wanted).with_for_update(key_share=True)
            )
        found = await self._accounts(_ACCOUNTS.where(wanted))
        return found[0] if found else None

    async def _accounts(self, found: Select[UserRow, CredentialsRow]) -> list[Account]:
        rows = await self._session.execute(found.execution_options(populate_existing=True))
        return [_account_of(user, credentials) for user, credentials in rows]

    async def _save_credentials(self, account: Account) -> None:
        totp, password = account.totp, account.password
        values = {
            "password_hash": None if password is None else password.value,
            "totp_sealed": None if totp is None else totp.sealed.value,
            "totp_confirmed": totp is not None and totp.confirmed,
            "totp_last_step": -1 if totp is None else totp.last_step,
            "failures": account.failures,
        }
        await self._session.execute(
            insert(CredentialsRow)
            .values(user_id=account.user.id, **values)
            .on_conflict_do_update(index_elements=[CredentialsRow.user_id], set_=values)
        )


def _account_of(user: UserRow, credentials: CredentialsRow | None) -> Account:
    if credentials is None:
        return Account(user=user_of(user))
    password, sealed = credentials.password_hash, credentials.totp_sealed
    totp = None
    if sealed is not None:
        totp = Totp(
            sealed=SealedSecret(sealed),
            confirmed=credentials.totp_confirmed,
            last_step=credentials.totp_last_step,
        )
    return Account(
        user=user_of(user),
        password=None if password is None else PasswordHash(password),
        totp=totp,
        failures=credentials.failures,
    )
