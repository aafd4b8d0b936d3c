"""After very many wrong passwords, a password alone isn't enough on a device that isn't known."""

from skua_core.domain.account import Account, Caller, display_name
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, is_code
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.user import User
from skua_core.errors import CodeInvalid, InvalidCredentials, TooManyRequests
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.use_cases.accounts.codes import Codes
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

    def __init__(self, *, storage: AccountStorage, codes: Codes, letters: LetterBox) -> None:
        self._storage = storage
        self._codes = codes
        self._letters = letters

    async def __call__(self, account: Account, code: str | None, caller: Caller) -> None:
        """Raises InvalidCredentials unless ``code`` is the one that was mailed."""
        try:
            if code is not None and is_code(code):
                await self._unlock(account.user, code, caller)
                return
            await self._mail_code(account.user, caller)
        except (CodeInvalid, TooManyRequests):
            # Neither tells that the password was right.
            pass
        raise InvalidCredentials

    async def _unlock(self, user: User, code: str, caller: Caller) -> None:
        found = await self._codes.find(ChallengePurpose.UNLOCK, _handle(user), caller)
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(user.id, lock=True)
            if account is None:
                raise CodeInvalid
            await self._codes.use(unit, found, code)
            account.failures = 0
            await unit.accounts.save(account)
            entry = account_entry(actor_of(user, caller), "login_unlocked")
            await unit.audit(user.id).append(entry)
            await unit.commit()

    async def _mail_code(self, user: User, caller: Caller) -> None:
        await self._codes.allow_mail(user.login, caller)
        code = self._codes.new(ChallengePurpose.UNLOCK, hash_of(_handle(user)))
        async with self._storage.unit() as unit:
            # Locked, so that no two make the challenge.
            if await unit.accounts.get(user.id, lock=True) is None:
                return
            await _renew(unit, user, code.mac)
            told = {"code": code.text, "name": display_name(user)}
            letter = Letter(to=user.login, kind=LetterKind.UNLOCK_LOGIN, facts=told)
            await self._letters.post(unit, letter)
            await unit.commit()


async def _renew(unit: AccountUnit, user: User, code_mac: bytes) -> None:
    handle_hash, now = hash_of(_handle(user)), await unit.now()
    challenge = await unit.challenges.lock(handle_hash)
    if challenge is not None:
        challenge.renew(code_mac, now)
        challenge.closed = False
        await unit.challenges.save(challenge)
        return
    challenge = Challenge(
        handle_hash=handle_hash,
        purpose=ChallengePurpose.UNLOCK,
        login=user.login,
        code_mac=code_mac,
        expires_at=now + CODE_LIVES,
        created_at=now,
        user_id=user.id,
    )
    await unit.challenges.add(challenge)


def _handle(user: User) -> str:
    # With the address: a code that went to a former one is worth nothing.
    return f"{ChallengePurpose.UNLOCK}|{user.id}|{user.login}"
