"""Users with the means to sign in, in memory."""

from collections.abc import Sequence

from skua_adapters._memory.rows import CredentialsRow
from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.domain.account import Account, Totp
from skua_core.domain.user import User
from skua_core.errors import AccountOwnsBots, EmailInUse, UserNotFound
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountRepository


class InMemoryAccountRepository(AccountRepository):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction

    async def get(
        self,
        user_id: UserId,
        *,
        lock: bool = False,  # noqa: ARG002 - units over accounts take turns
    ) -> Account | None:
        user = self._transaction.users.get(user_id)
        return None if user is None else self._account_of(user)

    async def by_login(
        self,
        login: str,
        *,
        lock: bool = False,  # noqa: ARG002 - units over accounts take turns
    ) -> Account | None:
        for user in self._transaction.users.find("login", login):
            return self._account_of(user)
        return None

    async def add(self, account: Account) -> None:
        self._check_free(account.user)
        self._put(account)

    async def save(self, account: Account) -> None:
        stored = self._transaction.users.get(account.user.id)
        if stored is None:
            raise UserNotFound
        self._check_free(account.user)
        self._put(account)
        saved = self._transaction.users.get(account.user.id)
        if saved is not None:
            saved.created_at = stored.created_at
            self._transaction.users.put(saved.id, saved)

    async def remove(self, user_id: UserId) -> None:
        transaction = self._transaction
        owned = [bot.slug for bot in transaction.bots.values() if bot.owner_id == user_id]
        if owned:
            raise AccountOwnsBots(sorted(owned))
        user = transaction.users.get(user_id)
        if user is None:
            return
        transaction.users.delete(user_id)
        transaction.credentials.delete(user_id)
        for session in transaction.sessions.find("user", user_id):
            transaction.sessions.delete(session.id)
        for device in transaction.devices.find("user", user_id):
            transaction.devices.delete(device.id)
        for key in transaction.api_keys.find("user", user_id):
            transaction.api_keys.delete(key.id)
        for code in transaction.recovery_codes.find("user", user_id):
            transaction.recovery_codes.delete((user_id, code.code_hash))
        self._remove_mentions(user)

    async def page(self, *, after: str | None, limit: int) -> Sequence[Account]:
        users = [
            user for user in self._transaction.users.values() if after is None or user.login > after
        ]
        users.sort(key=lambda user: user.login)
        return [self._account_of(user) for user in users[:limit]]

    def _account_of(self, user: User) -> Account:
        row = self._transaction.credentials.get(user.id)
        if row is None:
            return Account(user=user)
        totp = None
        if row.totp_sealed is not None:
            totp = Totp(
                sealed=row.totp_sealed, confirmed=row.totp_confirmed, last_step=row.totp_last_step
            )
        return Account(user=user, password=row.password, totp=totp, failures=row.failures)

    def _put(self, account: Account) -> None:
        totp = account.totp
        self._transaction.users.put(account.user.id, account.user)
        self._transaction.credentials.put(
            account.user.id,
            CredentialsRow(
                password=account.password,
                totp_sealed=None if totp is None else totp.sealed,
                totp_confirmed=totp is not None and totp.confirmed,
                totp_last_step=-1 if totp is None else totp.last_step,
                failures=account.failures,
            ),
        )

    def _check_free(self, user: User) -> None:
        taken = self._transaction.users.find("login", user.login)
        if user.local_login is not None:
            taken += self._transaction.users.find("local_login", user.local_login)
        if any(other.id != user.id for other in taken):
            raise EmailInUse

    def _remove_mentions(self, user: User) -> None:
        """What knows the user, or merely the address."""
        transaction = self._transaction
        challenges = transaction.challenges
        for challenge in (*challenges.find("user", user.id), *challenges.find("login", user.login)):
            challenges.delete(challenge.handle_hash)
        for invitation in transaction.invitations.find("login", user.login):
            transaction.invitations.delete((invitation.bot_id, invitation.login))
        for bot in transaction.bots.values():
            transaction.roles.delete((bot.id, user.id))
