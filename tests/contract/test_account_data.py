"""Export tells everything and erasing leaves nothing, over memory and PostgreSQL alike."""

import msgspec
import pytest

from skua_core.domain.account import Account
from skua_core.domain.audit import verify_chain
from skua_core.domain.challenge import ChallengePurpose
from skua_core.domain.handles import hash_of
from skua_core.domain.secret import SealedSecret
from skua_core.domain.session import Session
from skua_core.domain.user import Actor
from skua_core.errors import AccountOwnsBots, StepUpRequired
from skua_core.ids import MailId
from skua_core.use_cases.accounts.data import EraseAccount, ExportAccount
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry
from tests.contract.rigs.account_objects import a_challenge, a_device, a_key, a_session
from tests.contract.rigs.account_storage import AccountRig

IP = "192.0.2.71"


def browser(account: Account) -> str:
    return f"Firefox of {account.user.id}"


class Person:
    """Somebody with something in every table."""

    def __init__(self, rig: AccountRig, account: Account, session: Session) -> None:
        self.rig = rig
        self.account = account
        self.id = account.user.id
        self.email = account.user.login
        self.session = session
        self.actor = Actor(user_id=self.id, name=self.email, ip=IP, user_agent=browser(account))

    @classmethod
    async def settle(cls, rig: AccountRig) -> "Person":
        account = await rig.register()
        user_id, login = account.user.id, account.user.login
        foreign = await rig.make_bot((await rig.register()).user.id)
        await rig.invite(foreign.id, login, 600, None)
        await rig.grant(foreign.id, user_id)
        async with rig.changing() as unit:
            seen = {"ip": IP, "user_agent": browser(account)}
            session = await a_session(unit, account, stepped_up_at=await unit.now(), **seen)
            await unit.sessions.add(session)
            await unit.devices.add(await a_device(unit, account, **seen))
            await unit.api_keys.add(await a_key(unit, account))
            await unit.recovery_codes.replace(user_id, [b"1" * 32, b"2" * 32])
            await unit.challenges.add(await a_challenge(unit, login))
            change = {"purpose": ChallengePurpose.CHANGE_EMAIL, "user_id": user_id}
            handle_hash = hash_of(f"change {login}")
            other = await a_challenge(unit, f"new-{login}", handle_hash=handle_hash, **change)
            await unit.challenges.add(other)
            await unit.outbox.add(MailId(rig.ids.new()), SealedSecret("v1.k1.sealed"))
            actor = Actor(user_id=user_id, name=login, ip=IP)
            await unit.audit(user_id).append(account_entry(actor, "registered"))
        return cls(rig, account, session)

    def signed_in(self, *, stepped_up: bool = True) -> SignedIn:
        session = self.session
        if not stepped_up:
            session = msgspec.structs.replace(session, stepped_up_at=None)
        return SignedIn(user=self.account.user, actor=self.actor, session=session)

    async def actions(self) -> list[str]:
        """The chain, which has to be whole."""
        async with self.rig.storage.unit() as unit:
            trail = unit.audit(self.id)
            entries = list(await trail.read())
            verify_chain(str(self.id), entries, await trail.head())
        return [entry.action for entry in entries]


@pytest.fixture
async def person(accounts: AccountRig) -> Person:
    return await Person.settle(accounts)


async def erase(person: Person, *, stepped_up: bool = True) -> None:
    await EraseAccount(storage=person.rig.storage)(person.signed_in(stepped_up=stepped_up))


async def export(person: Person, *, stepped_up: bool = True) -> bytes:
    use_case = ExportAccount(storage=person.rig.storage, platform=person.rig.platform)
    return msgspec.json.encode(await use_case(person.signed_in(stepped_up=stepped_up)))


async def test_nothing_of_an_erased_account_is_in_any_table(person: Person) -> None:
    telling = [person.email, str(person.id)]
    assert all([await person.rig.mentions(text) for text in telling])

    await erase(person)

    assert [await person.rig.mentions(text) for text in telling] == [[], []]


async def test_the_chain_of_an_erased_account_stays_whole_and_ends_by_saying_so(
    person: Person,
) -> None:
    await erase(person)

    assert await person.actions() == ["account.registered", "account.erased"]


async def test_whoever_owns_bots_cannot_be_erased(person: Person) -> None:
    bot = await person.rig.make_bot(person.id)

    with pytest.raises(AccountOwnsBots) as caught:
        await erase(person)

    assert caught.value.slugs == [bot.slug]
    assert await person.rig.account(person.id) is not None
    assert await person.actions() == ["account.registered"]


async def test_both_take_a_password_shown_a_moment_ago(person: Person) -> None:
    for use_case in (erase, export):
        with pytest.raises(StepUpRequired):
            await use_case(person, stepped_up=False)

    assert await person.actions() == ["account.registered"]


async def test_an_export_tells_everything_about_the_user(person: Person) -> None:
    bot = await person.rig.make_bot(person.id)

    told = msgspec.json.decode(await export(person))

    assert (told["email"], told["name"], told["id"]) == (person.email, "Ana", str(person.id))
    seen = [(IP, browser(person.account))]
    assert (told["totp_enabled"], told["recovery_codes_left"]) == (False, 2)
    assert [(each["ip"], each["user_agent"]) for each in told["sessions"]] == seen
    assert [(each["ip"], each["user_agent"]) for each in told["devices"]] == seen
    assert [each["name"] for each in told["api_keys"]] == ["Nightly import"]
    assert {(each["slug"] == bot.slug, each["owned"]) for each in told["bots"]} == {
        (True, True),
        (False, False),
    }
    entries = told["audit_log"]
    assert [each["action"] for each in entries] == ["account.registered", "account.exported"]
    assert [each["details"] for each in entries] == [{}, {}]
    assert all(len(bytes.fromhex(each["hash"])) == 32 for each in entries)


async def test_an_export_tells_nothing_that_opens_anything(person: Person) -> None:
    exported = (await export(person)).decode()

    for secret in ("password", "secret", "sid", "$2b$", "token"):
        assert secret not in exported.lower(), secret


async def test_an_export_is_recorded_in_the_chain_that_it_tells(person: Person) -> None:
    await export(person)

    assert await person.actions() == ["account.registered", "account.exported"]


async def test_an_export_is_of_its_user_alone(person: Person) -> None:
    stranger = await Person.settle(person.rig)

    exported = (await export(person)).decode()

    assert stranger.email not in exported
    assert str(stranger.id) not in exported
