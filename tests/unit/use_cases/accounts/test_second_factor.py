"""Setting up a second factor, losing the authenticator, and going back to the password alone."""

import asyncio

import pytest

from skua_core.domain.account import Totp
from skua_core.domain.secret import SealedSecret, Secret
from skua_core.domain.session import ApiKey, KeyAccess
from skua_core.errors import (
    CodeInvalid,
    KeyNotAllowed,
    NotSignedIn,
    SecondFactorRequired,
    SkuaError,
    StepUpRequired,
    TooManyRequests,
    TotpStateConflict,
)
from skua_core.ids import ApiKeyId
from skua_core.use_cases.accounts.second_factor import (
    BeginTotp,
    BeginTotpCommand,
    ConfirmTotp,
    ConfirmTotpCommand,
    NewRecoveryCodes,
    NewRecoveryCodesCommand,
    RemoveTotp,
    RemoveTotpCommand,
    TotpSecret,
)
from skua_core.use_cases.accounts.signed_in import SignedIn
from tests.unit.use_cases.accounts.house import ANA, START, House


class Desk:
    """Somebody who has just signed in, and looks after their second factor."""

    def __init__(self) -> None:
        self.house = House()
        storage, vault = self.house.storage, self.house.vault
        self._begin = BeginTotp(storage=storage, vault=vault)
        self._confirm = ConfirmTotp(
            storage=storage,
            factors=self.house.factors,
            limiter=self.house.limiter,
            limits=self.house.limits,
        )
        self._remove = RemoveTotp(storage=storage)
        self._renew = NewRecoveryCodes(storage=storage)
        self.ana: SignedIn

    async def begin(self) -> TotpSecret:
        return await self._begin(BeginTotpCommand(signed_in=self.ana))

    async def confirm(self, code: str) -> list[Secret]:
        return list(await self._confirm(ConfirmTotpCommand(signed_in=self.ana, code=code)))

    async def remove(self) -> None:
        await self._remove(RemoveTotpCommand(signed_in=self.ana))

    async def renew(self) -> list[Secret]:
        return list(await self._renew(NewRecoveryCodesCommand(signed_in=self.ana)))

    async def set_up(self) -> tuple[Secret, list[Secret]]:
        """The authenticator's secret and the recovery codes; the code of this moment is used."""
        secret = (await self.begin()).secret
        return secret, await self.confirm(self.house.code_of(secret))

    async def actions(self) -> list[str]:
        return [entry.action for entry in await self.house.audited(self.ana.user.id)]


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.house.register()
    desk.ana = (await desk.house.log_in()).signed_in
    return desk


async def test_the_first_right_code_makes_it_count(desk: Desk) -> None:
    begun = await desk.begin()
    assert (await desk.house.log_in()).signed_in.totp_enabled is False

    codes = await desk.confirm(desk.house.code_of(begun.secret))

    assert len(codes) == 10
    assert begun.secret.reveal() in begun.otpauth_uri.reveal()
    with pytest.raises(SecondFactorRequired):
        await desk.house.log_in()
    assert (await desk.actions())[-1] == "account.totp_confirmed"


async def test_the_code_that_confirmed_it_signs_nobody_in(desk: Desk) -> None:
    secret, _ = await desk.set_up()

    with pytest.raises(SecondFactorRequired):
        await desk.house.log_in(totp=desk.house.code_of(secret))
    desk.house.wait(seconds=30)
    assert await desk.house.log_in(totp=desk.house.code_of(secret))


async def test_neither_secret_nor_codes_are_stored_in_the_clear(desk: Desk) -> None:
    secret, codes = await desk.set_up()

    account = await desk.house.account(desk.ana.user.id)
    stored = repr(account) + repr(desk.house.memory.accounts.recovery_codes.rows)
    assert account.totp is not None
    assert secret.reveal() not in stored
    assert all(code.reveal() not in stored for code in codes)
    assert all(code.reveal().replace("-", "") not in stored for code in codes)


@pytest.mark.parametrize("code", ["", "000000", "12345678", "\ud800", "a" * 10_000])
async def test_a_wrong_first_code_confirms_nothing(desk: Desk, code: str) -> None:
    await desk.begin()

    with pytest.raises(CodeInvalid):
        await desk.confirm(code)
    assert await desk.house.log_in()


async def test_first_codes_cannot_be_guessed_on_and_on(desk: Desk) -> None:
    secret = (await desk.begin()).secret
    for _ in range(10):
        with pytest.raises(CodeInvalid):
            await desk.confirm(desk.house.code_of(secret, steps=-9))

    with pytest.raises(TooManyRequests):
        await desk.confirm(desk.house.code_of(secret))


async def test_beginning_again_forgets_the_former_secret(desk: Desk) -> None:
    former = (await desk.begin()).secret
    secret = (await desk.begin()).secret

    with pytest.raises(CodeInvalid):
        await desk.confirm(desk.house.code_of(former))
    assert await desk.confirm(desk.house.code_of(secret))


async def test_what_is_set_up_is_not_set_up_again(desk: Desk) -> None:
    await desk.set_up()

    with pytest.raises(TotpStateConflict):
        await desk.begin()
    with pytest.raises(TotpStateConflict):
        await desk.confirm("123456")


async def test_without_one_there_is_nothing_to_confirm_renew_or_remove(desk: Desk) -> None:
    for attempt in (desk.confirm("123456"), desk.renew(), desk.remove()):
        with pytest.raises(TotpStateConflict):
            await attempt


async def test_each_recovery_code_signs_in_once_without_the_authenticator(desk: Desk) -> None:
    _, codes = await desk.set_up()
    for code in codes:
        desk.house.wait(minutes=5)
        await desk.house.log_in(totp=code.reveal().upper())
        with pytest.raises(SecondFactorRequired):
            await desk.house.log_in(totp=code.reveal())


async def test_one_recovery_code_at_once_has_one_winner(desk: Desk) -> None:
    _, codes = await desk.set_up()

    answers = await asyncio.gather(
        *(desk.house.log_in(totp=codes[0].reveal()) for _ in range(4)), return_exceptions=True
    )

    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


async def test_recovery_codes_open_even_when_the_key_of_the_secret_is_lost(desk: Desk) -> None:
    _, codes = await desk.set_up()
    lost = Totp(sealed=SealedSecret("v1.lost.AAAA"), confirmed=True)
    await desk.house.change(desk.ana.user.id, totp=lost)

    assert await desk.house.log_in(totp=codes[0].reveal())


async def test_new_recovery_codes_replace_the_former(desk: Desk) -> None:
    _, former = await desk.set_up()
    codes = await desk.renew()

    assert (await desk.actions())[-1] == "account.recovery_codes_made"
    with pytest.raises(SecondFactorRequired):
        await desk.house.log_in(totp=former[0].reveal())
    assert await desk.house.log_in(totp=codes[0].reveal())


async def test_a_recovery_code_of_somebody_else_opens_nothing(desk: Desk) -> None:
    _, codes = await desk.set_up()
    bens = await desk.house.register("ben@example.org")
    await desk.house.add_totp(bens)

    with pytest.raises(SecondFactorRequired):
        await desk.house.log_in(email="ben@example.org", totp=codes[0].reveal())


async def test_once_removed_the_password_is_enough_and_no_code_is_left(desk: Desk) -> None:
    _, codes = await desk.set_up()

    await desk.remove()

    assert await desk.house.log_in()
    assert (await desk.actions())[-2] == "account.totp_removed"
    async with desk.house.storage.unit() as unit:
        assert await unit.recovery_codes.left(desk.ana.user.id) == 0
    await desk.house.add_totp(desk.ana.user.id)
    with pytest.raises(SecondFactorRequired):
        await desk.house.log_in(totp=codes[0].reveal())


async def test_a_session_that_was_not_stepped_up_changes_nothing(desk: Desk) -> None:
    await desk.set_up()
    desk.house.wait(minutes=15)
    before = await desk.actions()

    for attempt in (desk.begin(), desk.renew(), desk.remove()):
        with pytest.raises(StepUpRequired):
            await attempt
    assert await desk.actions() == before


async def test_a_program_changes_nothing(desk: Desk) -> None:
    await desk.set_up()
    key = ApiKey(
        id=ApiKeyId(desk.house.ids.new()),
        secret_hash=b"",
        user_id=desk.ana.user.id,
        name="reports",
        access=KeyAccess.WRITE,
        bots=None,
        created_at=START,
        expires_at=None,
    )
    desk.ana = SignedIn(user=desk.ana.user, actor=desk.ana.actor, key=key)

    refusals: list[SkuaError] = []
    for attempt in (desk.begin(), desk.renew(), desk.remove(), desk.confirm("123456")):
        with pytest.raises((StepUpRequired, KeyNotAllowed)) as caught:
            await attempt
        refusals.append(caught.value)
    assert len(refusals) == 4


async def test_an_account_that_was_erased_meanwhile_is_signed_in_no_more(desk: Desk) -> None:
    async with desk.house.storage.unit() as unit:
        await unit.accounts.remove(desk.ana.user.id)
        await unit.commit()

    for attempt in (desk.begin(), desk.confirm("123456"), desk.renew(), desk.remove()):
        with pytest.raises(NotSignedIn):
            await attempt


async def test_no_result_shows_what_it_holds(desk: Desk) -> None:
    begun = await desk.begin()
    command = ConfirmTotpCommand(signed_in=desk.ana, code="123456")

    assert begun.secret.reveal() not in repr(begun)
    assert "123456" not in repr(command)
    assert ANA not in repr(command)
