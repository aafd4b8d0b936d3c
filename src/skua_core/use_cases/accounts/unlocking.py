"""After very many wrong passwords, a password alone isn't enough on a device that isn't known."""

from skua_core.domain.account import Account, Caller, display_name
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, is_code, new_code
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.limits import Limits, Permit, permits_of
from skua_core.domain.user import User
from skua_core.errors import InvalidCredentials
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.account_vault import AccountPurpose, AccountVault
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.signed_in import account_entry, actor_of

MOST_FAILURES = 100
"""In a row, from devices that aren't known (NIST SP 800-63B, 5.2.2)."""


class Unlocking:
    """Past the limit, whoever knows the password gets a code by mail, and is told it was wrong.

    The code then comes along with the password, in the place of a second factor. A right one lets
    passwords count again; an account with a second factor still wants that one afterwards. Nobody
    is locked out: known devices aren't concerned, and a reset of the password unlocks too.

    Everybody who comes here has shown the password, so the challenge needs no secret handle: there
    is one per user, and no other way to it.
    """

    def __init__(
        self,
        *,
        storage: AccountStorage,
        vault: AccountVault,
        letters: LetterBox,
        limiter: RateLimiter,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._letters = letters
        self._limiter = limiter
        self._limits = limits

    async def __call__(self, account: Account, code: str | None, caller: Caller) -> None:
        """Raises InvalidCredentials unless ``code`` is the one that was mailed."""
        if code is not None and is_code(code):
            if await self._unlock(account, code, caller):
                return
        else:
            await self._mail_code(account, caller)
        raise InvalidCredentials

    async def _unlock(self, account: Account, code: str, caller: Caller) -> bool:
        permits = (
            Permit(self._limits.code_tries_account, account.user.login),
            *permits_of(self._limits.code_tries_ip, caller.ip),
        )
        if await self._limiter.take(permits) > 0:
            return False
        handle_hash = _handle_hash(account.user)
        async with self._storage.unit() as unit:
            locked = await unit.accounts.get(account.user.id, lock=True)
            challenge = await unit.challenges.lock(handle_hash)
            if locked is None or challenge is None or not challenge.open(await unit.now()):
                return False
            message = _message(handle_hash, code)
            right = self._vault.recognise(AccountPurpose.CODE, message, challenge.code_mac)
            challenge.tries += 1
            challenge.closed = right
            await unit.challenges.save(challenge)
            if right:
                locked.failures = 0
                await unit.accounts.save(locked)
                actor = actor_of(account.user, caller)
                await unit.audit(account.user.id).append(account_entry(actor, "login_unlocked"))
            await unit.commit()
        return right

    async def _mail_code(self, account: Account, caller: Caller) -> None:
        permits = (
            Permit(self._limits.code_mails_account, account.user.login),
            *permits_of(self._limits.code_mails_ip, caller.ip),
        )
        if await self._limiter.take(permits) > 0:
            return
        async with self._storage.unit() as unit:
            # Locked, so that no two make the challenge.
            if await unit.accounts.get(account.user.id, lock=True) is None:
                return
            code = new_code()
            await self._renew(unit, account, code)
            facts = {"code": code, "name": display_name(account.user)}
            letter = Letter(to=account.user.login, kind=LetterKind.UNLOCK_LOGIN, facts=facts)
            await self._letters.post(unit, letter)
            await unit.commit()

    async def _renew(self, unit: AccountUnit, account: Account, code: str) -> None:
        handle_hash, now = _handle_hash(account.user), await unit.now()
        code_mac = self._vault.mac(AccountPurpose.CODE, _message(handle_hash, code))
        challenge = await unit.challenges.lock(handle_hash)
        if challenge is not None:
            challenge.renew(code_mac, now)
            challenge.closed = False
            await unit.challenges.save(challenge)
            return
        challenge = Challenge(
            handle_hash=handle_hash,
            purpose=ChallengePurpose.UNLOCK,
            login=account.user.login,
            code_mac=code_mac,
            expires_at=now + CODE_LIVES,
            created_at=now,
            user_id=account.user.id,
        )
        await unit.challenges.add(challenge)


def _handle_hash(user: User) -> bytes:
    # With the address: a code that went to a former one is worth nothing.
    return hash_of(f"{ChallengePurpose.UNLOCK}|{user.id}|{user.login}")


def _message(handle_hash: bytes, code: str) -> str:
    return f"{ChallengePurpose.UNLOCK}|{handle_hash.hex()}|{code}"
