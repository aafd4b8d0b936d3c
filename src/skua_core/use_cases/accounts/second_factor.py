"""Set up a second factor, and take it away again."""

from collections.abc import Sequence

import msgspec

from skua_core.domain.account import Account, Totp
from skua_core.domain.limits import Limits, Permit
from skua_core.domain.recovery_codes import new_recovery_codes, recovery_code_hash
from skua_core.domain.secret import Secret
from skua_core.domain.totp import new_totp_secret, otpauth_uri
from skua_core.errors import CodeInvalid, NotSignedIn, TotpStateConflict
from skua_core.ids import UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.account_vault import AccountPurpose, AccountVault
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.codes import PrivateCommand
from skua_core.use_cases.accounts.factor_check import FactorCheck
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry
from skua_core.use_cases.accounts.throttle import take


class TotpSecret(msgspec.Struct, frozen=True, kw_only=True):
    """For an authenticator; shown once."""

    otpauth_uri: Secret
    secret: Secret


class BeginTotpCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class BeginTotp:
    """Make a secret for an authenticator. Nothing is asked for until a code of it was seen."""

    def __init__(self, *, storage: AccountStorage, vault: AccountVault) -> None:
        self._storage = storage
        self._vault = vault

    async def __call__(self, command: BeginTotpCommand) -> TotpSecret:
        """Raises StepUpRequired and TotpStateConflict."""
        user_id = command.signed_in.user.id
        async with self._storage.unit() as unit:
            command.signed_in.require_step_up(await unit.now())
            account = await _locked(unit, user_id)
            if account.totp_enabled:
                raise TotpStateConflict("There is a second factor already; remove it first")
            secret = new_totp_secret()
            sealed = self._vault.seal(AccountPurpose.TOTP, user_id, secret)
            account.totp = Totp(sealed=sealed)
            await unit.accounts.save(account)
            entry = account_entry(command.signed_in.actor, "totp_begun")
            await unit.audit(user_id).append(entry)
            await unit.commit()
        return TotpSecret(otpauth_uri=otpauth_uri(secret, account.user.login), secret=secret)


class ConfirmTotpCommand(PrivateCommand, frozen=True, kw_only=True):
    signed_in: SignedIn
    code: str


class ConfirmTotp:
    """From the first right code on, each login takes one. Recovery codes are shown this once."""

    def __init__(
        self,
        *,
        storage: AccountStorage,
        factors: FactorCheck,
        limiter: RateLimiter,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._factors = factors
        self._limiter = limiter
        self._limits = limits

    async def __call__(self, command: ConfirmTotpCommand) -> Sequence[Secret]:
        """Raises KeyNotAllowed, TooManyRequests, TotpStateConflict and CodeInvalid."""
        user_id = command.signed_in.as_person().user_id
        # Of its own: codes that are mailed to the address can't use it up.
        await take(self._limiter, Permit(self._limits.code_tries_account, f"totp|{user_id}"))
        async with self._storage.unit() as unit:
            account = await _locked(unit, user_id)
            if account.totp is None or account.totp.confirmed:
                raise TotpStateConflict("There is no second factor that waits for its first code")
            if not await self._factors.matches(unit, account, command.code):
                raise CodeInvalid
            account.totp.confirmed = True
            await unit.accounts.save(account)
            codes = await _replace_recovery_codes(unit, user_id)
            entry = account_entry(command.signed_in.actor, "totp_confirmed")
            await unit.audit(user_id).append(entry)
            await unit.commit()
        return codes


class RemoveTotpCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class RemoveTotp:
    """The password is enough again; recovery codes go too."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: RemoveTotpCommand) -> None:
        """Raises StepUpRequired and TotpStateConflict."""
        user_id = command.signed_in.user.id
        async with self._storage.unit() as unit:
            command.signed_in.require_step_up(await unit.now())
            account = await _locked(unit, user_id)
            if account.totp is None:
                raise TotpStateConflict("There is no second factor to remove")
            account.totp = None
            await unit.accounts.save(account)
            await unit.recovery_codes.replace(user_id, [])
            entry = account_entry(command.signed_in.actor, "totp_removed")
            await unit.audit(user_id).append(entry)
            await unit.commit()


class NewRecoveryCodesCommand(msgspec.Struct, frozen=True, kw_only=True):
    signed_in: SignedIn


class NewRecoveryCodes:
    """The former ones are worth nothing any more."""

    def __init__(self, *, storage: AccountStorage) -> None:
        self._storage = storage

    async def __call__(self, command: NewRecoveryCodesCommand) -> Sequence[Secret]:
        """Raises StepUpRequired and TotpStateConflict."""
        user_id = command.signed_in.user.id
        async with self._storage.unit() as unit:
            command.signed_in.require_step_up(await unit.now())
            account = await _locked(unit, user_id)
            if not account.totp_enabled:
                raise TotpStateConflict("There is no second factor that a code could stand in for")
            codes = await _replace_recovery_codes(unit, user_id)
            entry = account_entry(command.signed_in.actor, "recovery_codes_made")
            await unit.audit(user_id).append(entry)
            await unit.commit()
        return codes


async def _locked(unit: AccountUnit, user_id: UserId) -> Account:
    account = await unit.accounts.get(user_id, lock=True)
    if account is None:
        # Erased since the request came in.
        raise NotSignedIn
    return account


async def _replace_recovery_codes(unit: AccountUnit, user_id: UserId) -> Sequence[Secret]:
    codes = new_recovery_codes()
    hashes = [recovery_code_hash(user_id, code.reveal()) for code in codes]
    await unit.recovery_codes.replace(user_id, [one for one in hashes if one is not None])
    return codes
