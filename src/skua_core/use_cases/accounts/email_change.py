"""Change an account's address: confirmed from the new one, told to the old one."""

from skua_core.domain.account import Account, Caller
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of, new_handle
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.session import EndReason
from skua_core.errors import CodeInvalid, EmailInUse
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.email_addresses import EmailAddresses
from skua_core.use_cases.accounts.codes import Codes, PrivateCommand, facts
from skua_core.use_cases.accounts.letters import LetterBox
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry

_PURPOSE = ChallengePurpose.CHANGE_EMAIL


class RequestEmailChangeCommand(PrivateCommand, frozen=True, kw_only=True):
    signed_in: SignedIn
    email: str
    caller: Caller


class RequestEmailChange:
    """Mail a code to the address that an account is to have.

    An address that has an account gets no code but a letter that says so; what is answered, and
    when, doesn't depend on it.
    """

    def __init__(
        self, *, storage: AccountStorage, emails: EmailAddresses, codes: Codes, letters: LetterBox
    ) -> None:
        self._storage = storage
        self._emails = emails
        self._codes = codes
        self._letters = letters

    async def __call__(self, command: RequestEmailChangeCommand) -> str:
        """The change's id. Raises StepUpRequired, EmailInvalid and TooManyRequests."""
        async with self._storage.unit() as unit:
            command.signed_in.require_step_up(await unit.now())
        login = self._emails.normalise(command.email)
        await self._codes.allow_mail(login, command.caller)
        handle = new_handle()
        async with self._storage.unit() as unit:
            await self._begin(unit, command, login, hash_of(handle))
            entry = account_entry(command.signed_in.actor, "email_change_requested")
            await unit.audit(command.signed_in.user.id).append(entry)
            await unit.commit()
        return handle

    async def _begin(
        self,
        unit: AccountUnit,
        command: RequestEmailChangeCommand,
        login: str,
        handle_hash: bytes,
    ) -> None:
        now = await unit.now()
        code = self._codes.new(_PURPOSE, handle_hash)
        free = await unit.accounts.by_login(login) is None
        challenge = Challenge(
            handle_hash=handle_hash,
            purpose=_PURPOSE,
            login=login,
            code_mac=code.mac if free else None,
            expires_at=now + CODE_LIVES,
            created_at=now,
            user_id=command.signed_in.user.id,
        )
        await unit.challenges.add(challenge)
        told = facts(command.caller, now)
        letter = Letter(to=login, kind=LetterKind.ALREADY_REGISTERED, facts=told)
        if free:
            told["code"] = code.text
            letter = Letter(to=login, kind=LetterKind.CONFIRM_NEW_EMAIL, facts=told)
        await self._letters.post(unit, letter)


class ConfirmEmailChangeCommand(PrivateCommand, frozen=True, kw_only=True):
    signed_in: SignedIn
    change_id: str
    code: str
    caller: Caller


class ConfirmEmailChange:
    """The code makes the new address the account's; every other session ends.

    The step-up was shown when the change was requested, and only the same user can confirm it.
    """

    def __init__(self, *, storage: AccountStorage, codes: Codes, letters: LetterBox) -> None:
        self._storage = storage
        self._codes = codes
        self._letters = letters

    async def __call__(self, command: ConfirmEmailChangeCommand) -> None:
        """Raises KeyNotAllowed, CodeInvalid and TooManyRequests."""
        session = command.signed_in.as_person()
        user_id = command.signed_in.user.id
        found = await self._codes.find(_PURPOSE, command.change_id, command.caller)
        if found.user_id != user_id:
            raise CodeInvalid
        async with self._storage.unit() as unit:
            account = await unit.accounts.get(user_id, lock=True)
            challenge = await self._codes.use(unit, found, command.code)
            if account is None:
                raise CodeInvalid
            former = account.user.login
            await self._change(unit, account, challenge)
            await unit.sessions.revoke(user_id, EndReason.EMAIL_CHANGED, but=session.id)
            told = facts(command.caller, await unit.now(), email=account.user.login)
            letter = Letter(to=former, kind=LetterKind.EMAIL_CHANGED, facts=told)
            await self._letters.post(unit, letter)
            entry = account_entry(command.signed_in.actor, "email_changed")
            await unit.audit(user_id).append(entry)
            await unit.commit()

    async def _change(self, unit: AccountUnit, account: Account, challenge: Challenge) -> None:
        account.user.login = challenge.login
        try:
            await unit.accounts.save(account)
        except EmailInUse:
            # Somebody made it an account's since the code went out.
            await unit.commit()
            raise CodeInvalid from None
        await unit.challenges.close_others(_PURPOSE, challenge.login, but=challenge.handle_hash)
