"""Check a second factor: a code of an authenticator, or a recovery code."""

from enum import StrEnum

from skua_core.domain.account import Account
from skua_core.domain.recovery_codes import recovery_code_hash
from skua_core.domain.totp import matching_step
from skua_core.errors import SecondFactorRequired
from skua_core.ports.account_storage import AccountUnit
from skua_core.ports.account_vault import AccountPurpose, AccountVault


class Factor(StrEnum):
    """What was shown beside the password."""

    NONE = "none"
    TOTP = "totp"
    RECOVERY_CODE = "recovery-code"


class FactorCheck:
    """A code counts once: whoever looked over a shoulder comes too late."""

    def __init__(self, *, vault: AccountVault) -> None:
        self._vault = vault

    async def __call__(self, unit: AccountUnit, account: Account, code: str | None) -> Factor:
        """Use the code up. ``account`` is locked, and is saved by the caller.

        Raises SecondFactorRequired unless it is right, or none is needed.
        """
        if account.totp is None or not account.totp.confirmed:
            return Factor.NONE
        if code is None:
            raise SecondFactorRequired
        code_hash = recovery_code_hash(account.user.id, code)
        if code_hash is not None:
            # Needs no key of the ring: one that was lost keeps nobody out.
            right = await unit.recovery_codes.use(account.user.id, code_hash)
        else:
            right = await self.matches(unit, account, code)
        if not right:
            raise SecondFactorRequired
        return Factor.TOTP if code_hash is None else Factor.RECOVERY_CODE

    async def matches(self, unit: AccountUnit, account: Account, code: str) -> bool:
        """Whether it is a code of the authenticator that wasn't used yet; then it is used now."""
        if account.totp is None:
            return False
        user_id, totp = account.user.id, account.totp
        secret = self._vault.unseal(AccountPurpose.TOTP, user_id, totp.sealed)
        step = matching_step(secret, code.strip(), await unit.now(), after=totp.last_step)
        if step is None:
            return False
        totp.last_step = step
        return True
