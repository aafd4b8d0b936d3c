"""Export tells everything and erasing leaves nothing, over memory and PostgreSQL alike."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import msgspec
import pytest

from skua_core.domain.account import Account
from skua_core.domain.audit import verify_chain
from skua_core.domain.bot import Bot
from skua_core.domain.challenge import ChallengePurpose
from skua_core.domain.chat_link import ChatLink, fingerprint, make_code
from skua_core.domain.handles import hash_of
from skua_core.domain.secret import SealedSecret
from skua_core.domain.session import Session
from skua_core.domain.subscriber import ChatKind, Subscriber
from skua_core.domain.user import Actor
from skua_core.errors import AccountOwnsBots, StepUpRequired, StorageUnavailable
from skua_core.ids import BotId, ChatId, MailId, SubscriberId, UserId
from skua_core.ports.platform_storage import BotDirectory
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.use_cases.accounts.chats import LinkedChats
from skua_core.use_cases.accounts.data import EraseAccount, ExportAccount
from skua_core.use_cases.accounts.signed_in import SignedIn, account_entry
from tests.contract.rigs.account_objects import a_challenge, a_device, a_key, a_session
from tests.contract.rigs.account_storage import AccountRig

IP = "192.0.2.71"


CHAT = ChatId(4711)


async def ask_for_link(rig: AccountRig, bot_id: BotId, user_id: UserId) -> None:
    now = await rig.now()
    code = fingerprint(make_code())
    async with rig.tenants.unit(bot_id, UnitKind.LANE) as unit:
        await unit.chat_links.save(ChatLink(user_id=user_id, fingerprint=code, expires_at=now))
        await unit.commit()


async def link_chat(rig: AccountRig, bot_id: BotId, user_id: UserId) -> None:
    now = await rig.now()
    subscriber = Subscriber.newcomer(
        SubscriberId(rig.ids.new()), CHAT, kind=ChatKind.PRIVATE, joined_at=now
    )
    link = ChatLink(user_id=user_id, fingerprint=None, expires_at=None, linked_at=now)
    link.subscriber_id = subscriber.id
    async with rig.tenants.unit(bot_id, UnitKind.LANE) as unit:
        await unit.subscribers.save(subscriber)
        await unit.chat_links.save(link)
        await unit.commit()


def browser(account: Account) -> str:
    return f"Firefox of {account.user.id}"


class Person:
    """Somebody with something in every table."""

    def __init__(
        self, rig: AccountRig, account: Account, session: Session, foreign: Bot, former: Bot
    ) -> None:
        self.rig = rig
        self.foreign = foreign
        """Somebody else's, on which they have a role, and a link that is only asked for."""
        self.former = former
        """One with a link of theirs, on which they have no role any more."""
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
        former = await rig.make_bot((await rig.register()).user.id)
        await rig.invite(foreign.id, login, 600, None)
        await rig.grant(foreign.id, user_id)
        await ask_for_link(rig, foreign.id, user_id)
        await link_chat(rig, former.id, user_id)
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
        return cls(rig, account, session, foreign, former)

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


class BreaksOff(TenantStorage):
    """Lets one bot be entered; for all others there is no database any more."""

    def __init__(self, tenants: TenantStorage) -> None:
        self._tenants = tenants
        self._entered = False

    def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AbstractAsyncContextManager[TenantUnit]:
        if self._entered:
            raise StorageUnavailable("it was stopped")
        self._entered = True
        return self._tenants.unit(bot_id, kind)

    async def close(self) -> None: ...


class LinksMeanwhile(BotDirectory):
    """Another session of the user's asks for a link as soon as somebody has looked for them."""

    def __init__(self, rig: AccountRig, bot_id: BotId) -> None:
        self._rig = rig
        self._bot_id = bot_id
        self._asked = False

    async def page(self, *, after: BotId | None, limit: int) -> Sequence[BotId]:
        return await self._rig.directory.page(after=after, limit=limit)

    async def linked_to(self, user_id: UserId) -> Sequence[BotId]:
        found = await self._rig.directory.linked_to(user_id)
        if not self._asked:
            self._asked = True
            await ask_for_link(self._rig, self._bot_id, user_id)
        return found


async def erase(
    person: Person,
    *,
    stepped_up: bool = True,
    tenants: TenantStorage | None = None,
    directory: BotDirectory | None = None,
) -> None:
    rig = person.rig
    chats = LinkedChats(directory=directory or rig.directory, tenants=tenants or rig.tenants)
    use_case = EraseAccount(storage=rig.storage, platform=rig.platform, chats=chats)
    await use_case(person.signed_in(stepped_up=stepped_up))


async def export(person: Person, *, stepped_up: bool = True) -> bytes:
    rig = person.rig
    chats = LinkedChats(directory=rig.directory, tenants=rig.tenants)
    use_case = ExportAccount(storage=rig.storage, platform=rig.platform, chats=chats)
    return msgspec.json.encode(await use_case(person.signed_in(stepped_up=stepped_up)))


async def removals(person: Person) -> list[int]:
    """How often each of the two bots' chains, which have to be whole, tell of a removed link."""
    told: list[int] = []
    for bot in (person.foreign, person.former):
        async with person.rig.tenants.unit(bot.id) as unit:
            entries = list(await unit.audit.read())
            verify_chain(str(bot.id), entries, await unit.audit.head())
        removed = [entry for entry in entries if entry.action == "chat_link.removed"]
        assert {entry.resource for entry in removed} <= {f"user:{person.id}"}
        told.append(len(removed))
    return told


async def test_nothing_of_an_erased_account_is_in_any_table(person: Person) -> None:
    telling = [person.email, str(person.id), person.email.encode().hex(), person.id.hex]
    assert all([await person.rig.mentions(text) for text in telling[:2]])

    await erase(person)

    assert [await person.rig.mentions(text) for text in telling] == [[], [], [], []]


async def test_links_of_chats_are_among_what_is_searched_for(person: Person) -> None:
    mentioned = await person.rig.mentions(str(person.id))

    assert [table for table in mentioned if table.endswith("chat_links")]


async def test_links_go_in_every_bot_and_each_chain_says_so(person: Person) -> None:
    other = await Person.settle(person.rig)

    await erase(person)

    assert await person.rig.directory.linked_to(person.id) == []
    assert await removals(person) == [1, 1]
    assert len(await other.rig.directory.linked_to(other.id)) == 2


async def test_whoever_is_stopped_midway_asks_again_and_is_erased(person: Person) -> None:
    with pytest.raises(StorageUnavailable):
        await erase(person, tenants=BreaksOff(person.rig.tenants))
    assert len(await person.rig.directory.linked_to(person.id)) == 1
    assert await person.rig.account(person.id) is not None
    assert sorted(await removals(person)) == [0, 1]

    await erase(person)
    await erase(person)

    assert await person.rig.mentions(str(person.id)) == []
    assert await removals(person) == [1, 1]
    assert await person.actions() == ["account.registered", "account.erased"]


async def test_a_link_that_is_asked_for_meanwhile_goes_too(person: Person) -> None:
    third = await person.rig.make_bot((await person.rig.register()).user.id)

    await erase(person, directory=LinksMeanwhile(person.rig, third.id))

    assert await person.rig.mentions(str(person.id)) == []


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
    assert len(await person.rig.directory.linked_to(person.id)) == 2
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
    assert [(each["bot_id"], each["chat_id"]) for each in told["chats"]] == [
        (str(person.foreign.id), None),
        (str(person.former.id), CHAT),
    ]
    assert [each["linked_at"] is None for each in told["chats"]] == [True, False]
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
