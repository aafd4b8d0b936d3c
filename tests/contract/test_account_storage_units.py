"""A unit over accounts is kept whole or not at all, and writes each user's own chain."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from skua_core.domain.account import Account
from skua_core.domain.audit import NewAuditEntry, verify_chain
from skua_core.domain.handles import hash_of
from skua_core.domain.secret import SealedSecret
from skua_core.domain.session import EndReason
from skua_core.domain.user import Actor
from skua_core.errors import UserNotFound
from skua_core.ids import BotId, MailId
from skua_core.ports.account_storage import AccountUnit
from skua_core.ports.tenant_storage import UnitKind
from tests.contract.rigs.account_objects import a_challenge, a_device, a_key, a_session
from tests.contract.rigs.account_storage import AccountRig

Change = Callable[[AccountRig, AccountUnit, Account], Awaitable[object]]


def an_entry(account: Account, action: str = "account.signed_in") -> NewAuditEntry:
    actor = Actor(user_id=account.user.id, name=account.user.login)
    return NewAuditEntry(actor=actor, action=action, resource=f"user:{account.user.id}")


async def _add_account(rig: AccountRig, unit: AccountUnit, account: Account) -> None:
    login = f"new-{account.user.login}"
    await unit.accounts.add(rig.draft(account.user.created_at, login=login))


async def _save_account(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.accounts.save(msgspec.structs.replace(account, failures=7))


async def _remove_account(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.accounts.remove(account.user.id)


async def _add_challenge(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.challenges.add(await a_challenge(unit, f"new-{account.user.login}"))


async def _add_challenge_of_user(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    login = f"new-{account.user.login}"
    await unit.challenges.add(await a_challenge(unit, login, user_id=account.user.id))


async def _save_challenge(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.challenges.save(await a_challenge(unit, account.user.login, tries=4))


async def _add_session(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.sessions.add(await a_session(unit, account))


async def _revoke_sessions(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.sessions.revoke(account.user.id, EndReason.LOGGED_OUT)


async def _add_device(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.devices.add(await a_device(unit, account))


async def _add_key(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.api_keys.add(await a_key(unit, account))


async def _replace_codes(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.recovery_codes.replace(account.user.id, [b"1", b"2"])


async def _post(rig: AccountRig, unit: AccountUnit, _: Account) -> None:
    await unit.outbox.add(MailId(rig.ids.new()), SealedSecret("v1.k1.c2VhbGVk"))


async def _append(_: AccountRig, unit: AccountUnit, account: Account) -> None:
    await unit.audit(account.user.id).append(an_entry(account))


CHANGES = [
    _add_account,
    _save_account,
    _remove_account,
    _add_challenge,
    _add_challenge_of_user,
    _save_challenge,
    _add_session,
    _revoke_sessions,
    _add_device,
    _add_key,
    _replace_codes,
    _post,
    _append,
]


@pytest.fixture
async def account(accounts: AccountRig) -> Account:
    """With a challenge and a session."""
    account = await accounts.register()
    async with accounts.changing() as unit:
        await unit.challenges.add(await a_challenge(unit, account.user.login))
        await unit.sessions.add(await a_session(unit, account))
    return account


async def _everything(rig: AccountRig, account: Account) -> list[object]:
    """What the changes change, as far as it can be asked for. What is done here is discarded."""
    user_id, login = account.user.id, account.user.login
    async with rig.storage.unit() as unit:
        return [
            await unit.accounts.get(user_id),
            await unit.accounts.by_login(f"new-{login}"),
            await unit.challenges.lock(hash_of(login)),
            await unit.challenges.lock(hash_of(f"new-{login}")),
            await unit.sessions.of_user(user_id),
            await unit.devices.of_user(user_id),
            await unit.api_keys.of_user(user_id),
            await unit.recovery_codes.left(user_id),
            len(await unit.outbox.take(limit=1000, hold=60)),
            await unit.audit(user_id).head(),
        ]


@pytest.mark.parametrize("change", CHANGES)
async def test_leaving_without_commit_keeps_nothing(
    accounts: AccountRig, account: Account, change: Change
) -> None:
    before = await _everything(accounts, account)
    async with accounts.storage.unit() as unit:
        await change(accounts, unit, account)

    assert await _everything(accounts, account) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_an_error_inside_keeps_nothing(
    accounts: AccountRig, account: Account, change: Change
) -> None:
    before = await _everything(accounts, account)

    async def fail_afterwards() -> None:
        async with accounts.changing() as unit:
            await change(accounts, unit, account)
            raise LookupError

    with pytest.raises(LookupError):
        await fail_afterwards()

    assert await _everything(accounts, account) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_with_a_commit_it_is_kept(
    accounts: AccountRig, account: Account, change: Change
) -> None:
    before = await _everything(accounts, account)
    async with accounts.changing() as unit:
        await change(accounts, unit, account)

    assert await _everything(accounts, account) != before


@pytest.mark.parametrize(
    "change", [_add_session, _add_device, _add_key, _add_challenge_of_user, _replace_codes]
)
async def test_nothing_is_added_for_a_user_who_is_gone(
    accounts: AccountRig, change: Change
) -> None:
    gone = accounts.draft(await accounts.now())
    async with accounts.storage.unit() as unit:
        with pytest.raises(UserNotFound):
            await change(accounts, unit, gone)


async def test_a_unit_is_over_with_its_commit(accounts: AccountRig) -> None:
    async with accounts.changing() as unit:
        pass

    with pytest.raises(RuntimeError, match="over"):
        await unit.commit()


async def test_one_unit_may_change_everything_at_once(
    accounts: AccountRig, account: Account
) -> None:
    async with accounts.changing() as unit:
        await unit.accounts.save(msgspec.structs.replace(account, failures=0))
        await unit.sessions.revoke(account.user.id, EndReason.PASSWORD_CHANGED)
        await unit.outbox.add(MailId(accounts.ids.new()), SealedSecret("v1.k1.c2VhbGVk"))
        await unit.audit(account.user.id).append(an_entry(account, "account.password_changed"))

    async with accounts.storage.unit() as unit:
        assert await unit.sessions.of_user(account.user.id) == []
        (entry,) = await unit.audit(account.user.id).read()
    assert entry.action == "account.password_changed"


# Each user's chain


async def test_a_user_has_a_chain_named_by_their_id(accounts: AccountRig, account: Account) -> None:
    other = await accounts.register()
    async with accounts.changing() as unit:
        await unit.audit(account.user.id).append(an_entry(account))
        await unit.audit(other.user.id).append(an_entry(other))
        await unit.audit(account.user.id).append(an_entry(account, "account.signed_out"))

    async with accounts.storage.unit() as unit:
        for each, actions in (
            (account, ["account.signed_in", "account.signed_out"]),
            (other, ["account.signed_in"]),
        ):
            chain = unit.audit(each.user.id)
            entries, head = await chain.read(), await chain.head()
            assert [entry.action for entry in entries] == actions
            assert verify_chain(str(each.user.id), entries, head) == len(actions)
            assert await chain.read(after=1) == entries[1:]


async def test_many_writers_of_a_user_s_chain_make_one(
    accounts: AccountRig, account: Account
) -> None:
    async def append() -> None:
        async with accounts.changing() as unit:
            await unit.audit(account.user.id).append(an_entry(account))

    await asyncio.gather(*(append() for _ in range(8)))

    async with accounts.storage.unit() as unit:
        chain = unit.audit(account.user.id)
        assert verify_chain(str(account.user.id), await chain.read(), await chain.head()) == 8


async def test_a_bot_s_chain_is_not_its_owner_s(accounts: AccountRig, account: Account) -> None:
    bot_id = BotId(accounts.ids.new())
    async with accounts.tenants.unit(bot_id, UnitKind.LANE) as tenant:
        await tenant.audit.append(an_entry(account, "bot.renamed"))
        await tenant.commit()

    async with accounts.storage.unit() as unit:
        assert await unit.audit(account.user.id).head() is None


async def test_a_removed_account_leaves_its_chain(accounts: AccountRig, account: Account) -> None:
    async with accounts.changing() as unit:
        await unit.accounts.remove(account.user.id)
        await unit.audit(account.user.id).append(an_entry(account, "account.erased"))

    async with accounts.storage.unit() as unit:
        (entry,) = await unit.audit(account.user.id).read()
    assert entry.action == "account.erased"
