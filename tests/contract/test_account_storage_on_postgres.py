"""Accounts in PostgreSQL: many at once over connections of their own, and what a role may do."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._sql import roles
from skua_adapters._sql.engine import create_engine
from skua_adapters._sql.sessions import Sessions
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.audit_trail.postgres import PostgresAuditTrail, PostgresUserAuditTrail
from skua_core.domain.account import Account
from skua_core.domain.audit import NewAuditEntry
from skua_core.domain.challenge import MOST_TRIES, Challenge
from skua_core.domain.handles import hash_of
from skua_core.domain.secret import SealedSecret
from skua_core.domain.session import EndReason, Session
from skua_core.domain.user import SYSTEM
from skua_core.errors import AccountOwnsBots, EmailInUse, StorageUnavailable, UserNotFound
from skua_core.ids import MailId, UserId
from tests.contract.rigs.account_objects import a_challenge, a_session
from tests.contract.rigs.account_storage import AccountRig
from tests.contract.tenancy.units import kill_connections, pool_of_one
from tests.postgres_cluster import Database

pytestmark = pytest.mark.external

MANY = 50
ENTRY = NewAuditEntry(actor=SYSTEM, action="account.tested", resource="user:1")


@pytest.fixture
def rig(postgres_accounts: AccountRig) -> AccountRig:
    return postgres_accounts


@pytest.fixture
async def many(migrated_database: Database) -> AsyncIterator[PostgresAccountStorage]:
    """A connection for each of fifty."""
    engine = create_engine(migrated_database.url_of(roles.APP), pool_size=MANY, connect_timeout=30)
    yield PostgresAccountStorage(engine)
    await engine.dispose()


async def begin_challenge(rig: AccountRig, login: str, handle: str) -> Challenge:
    async with rig.changing() as unit:
        challenge = await a_challenge(unit, login, handle_hash=hash_of(handle))
        await unit.challenges.add(challenge)
    return challenge


async def begin_session(rig: AccountRig, account: Account, **fields: Any) -> Session:
    async with rig.changing() as unit:
        session = await a_session(unit, account, **fields)
        await unit.sessions.add(session)
    return session


# Many at once


@pytest.mark.promise("P04")
async def test_of_fifty_wrong_codes_at_once_each_is_counted_and_five_are_looked_at(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    login = f"{uuid4()}@example.com"
    challenge = await begin_challenge(rig, login, login)
    looked_at = 0

    async def fail() -> None:
        nonlocal looked_at
        async with many.unit() as unit:
            found = await unit.challenges.lock(challenge.handle_hash)
            assert found is not None
            looked_at += found.open(await unit.now())
            found.tries += 1
            await unit.challenges.save(found)
            await unit.commit()

    await asyncio.gather(*(fail() for _ in range(MANY)))

    async with rig.storage.unit() as unit:
        found = await unit.challenges.lock(challenge.handle_hash)
    assert found is not None
    assert (found.tries, looked_at) == (MANY, MOST_TRIES)


@pytest.mark.promise("P04")
async def test_of_fifty_right_codes_for_one_address_one_makes_the_account(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    """Half of them prove the same attempt, half an attempt of their own: nobody gets an error."""
    login = f"{uuid4()}@example.com"
    challenges = [
        await begin_challenge(rig, login, f"{login}{number}") for number in range(MANY // 2)
    ]
    attempts = [*challenges, *[challenges[0]] * (MANY // 2)]
    now = await rig.now()

    async def verify(challenge: Challenge) -> UserId | None:
        account = rig.draft(now, login=login)
        async with many.unit() as unit:
            found = await unit.challenges.lock(challenge.handle_hash)
            assert found is not None
            if not found.open(await unit.now()):
                return None
            await unit.accounts.add(account)
            await unit.challenges.close_others(found.purpose, login)
            await unit.audit(account.user.id).append(ENTRY)
            await unit.commit()
        return account.user.id

    winners = [won for won in await asyncio.gather(*map(verify, attempts)) if won]

    assert len(winners) == 1
    async with rig.storage.unit() as unit:
        account = await unit.accounts.by_login(login)
    assert account is not None
    assert account.user.id == winners[0]


async def test_fifty_wrong_passwords_at_once_are_all_counted(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    account = await rig.register()

    async def fail() -> None:
        async with many.unit() as unit:
            found = await unit.accounts.by_login(account.user.login, lock=True)
            assert found is not None
            found.failures += 1
            await unit.accounts.save(found)
            await unit.commit()

    await asyncio.gather(*(fail() for _ in range(MANY)))

    stored = await rig.account(account.user.id)
    assert stored is not None
    assert stored.failures == MANY


async def test_takers_whose_units_are_open_at_once_share_no_letter(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    posted = [MailId(rig.ids.new()) for _ in range(10)]
    async with rig.changing() as unit:
        for mail_id in posted:
            await unit.outbox.add(mail_id, SealedSecret("v1.k1.c2VhbGVk"))
    async with many.unit() as one, many.unit() as two:
        first = await one.outbox.take(limit=6, hold=60)
        second = await two.outbox.take(limit=6, hold=60)
        await one.commit()
        await two.commit()

    assert [letter.id for letter in (*first, *second)] == posted


async def test_a_session_that_is_being_ended_can_not_be_rolled(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    """A slow answer would otherwise bring a session back that was logged out meanwhile."""
    account = await rig.register()
    session = await begin_session(rig, account)

    async def roll() -> object:
        async with many.unit() as unit:
            rolled = await unit.sessions.roll(session.id)
            await unit.commit()
        return rolled

    async with many.unit() as unit:
        await unit.sessions.revoke(account.user.id, EndReason.LOGGED_OUT)
        rolling = asyncio.create_task(roll())
        await asyncio.sleep(0.2)
        waited = not rolling.done()
        await unit.commit()

    assert waited
    assert await rolling is None
    async with rig.storage.unit() as unit:
        assert await unit.sessions.live(session.sid_hash) is None


async def test_a_session_that_is_being_rolled_is_ended_afterwards(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    account = await rig.register()
    session = await begin_session(rig, account)

    async def revoke() -> int:
        async with many.unit() as unit:
            ended = await unit.sessions.revoke(account.user.id, EndReason.LOGGED_OUT)
            await unit.commit()
        return ended

    async with many.unit() as unit:
        assert await unit.sessions.roll(session.id) is not None
        ending = asyncio.create_task(revoke())
        await asyncio.sleep(0.2)
        await unit.commit()

    assert await ending == 1
    async with rig.storage.unit() as unit:
        assert await unit.sessions.live(session.sid_hash) is None


async def test_fifty_who_end_each_other_s_sessions_all_end(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    account = await rig.register()
    sessions = [await begin_session(rig, account) for _ in range(MANY)]

    async def end_others(session: Session) -> int:
        async with many.unit() as unit:
            ended = await unit.sessions.revoke(
                account.user.id, EndReason.ENDED_BY_USER, but=session.id
            )
            await unit.commit()
        return ended

    ended = await asyncio.gather(*map(end_others, sessions))

    assert sum(ended) == MANY
    async with rig.storage.unit() as unit:
        assert await unit.sessions.of_user(account.user.id) == []


async def test_whoever_is_removed_gets_no_bot_meanwhile(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    account = await rig.register()
    async with many.unit() as unit:
        await unit.accounts.remove(account.user.id)
        making = asyncio.create_task(rig.make_bot(account.user.id))
        await asyncio.sleep(0.2)
        await unit.commit()

    with pytest.raises(UserNotFound):
        await making


async def test_whoever_gets_a_bot_meanwhile_is_not_removed(
    rig: AccountRig, many: PostgresAccountStorage
) -> None:
    account = await rig.register()

    async def remove() -> None:
        async with many.unit() as unit:
            await unit.accounts.remove(account.user.id)
            await unit.commit()

    async with rig.making_bot(account.user.id) as bot:
        removing = asyncio.create_task(remove())
        await asyncio.sleep(0.2)

    with pytest.raises(AccountOwnsBots) as refused:
        await removing
    assert refused.value.slugs == [bot.slug]


# How a request looks its session up


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_a_live_session_is_looked_up_in_one_query(
    rig: AccountRig, app_engine: AsyncEngine
) -> None:
    session = await begin_session(rig, await rig.register())
    async with rig.changing() as unit:
        with statements(app_engine) as sent:
            assert await unit.sessions.live(session.sid_hash) is not None
    await rig.let_pass(60)
    async with rig.changing() as unit:
        with statements(app_engine) as sent_later:
            assert await unit.sessions.live(session.sid_hash) is not None

    assert len(sent) == 1
    assert len(sent_later) == 2
    assert sent_later[1].startswith("UPDATE platform.sessions SET last_seen_at")


async def test_a_look_up_waits_for_nobody(rig: AccountRig, many: PostgresAccountStorage) -> None:
    account = await rig.register()
    session = await begin_session(rig, account)
    await rig.let_pass(61)
    async with many.unit() as slow:
        await slow.sessions.revoke(account.user.id, EndReason.LOGGED_OUT)
        async with asyncio.timeout(2), many.unit() as unit:
            assert await unit.sessions.live(session.sid_hash) is not None
            await unit.commit()
        await slow.commit()


# When something fails


async def test_a_crash_before_the_commit_makes_it_unsure(migrated_database: Database) -> None:
    async with pool_of_one(migrated_database) as engine:
        with pytest.raises(StorageUnavailable) as crash:  # noqa: PT012 - the whole unit fails
            async with PostgresAccountStorage(engine).unit() as unit:
                await unit.now()
                await kill_connections(migrated_database)
                await unit.commit()

        assert crash.value.unsure


async def test_a_crash_in_the_middle_is_not_unsure_and_the_next_unit_works(
    migrated_database: Database,
) -> None:
    async with pool_of_one(migrated_database) as engine:
        storage = PostgresAccountStorage(engine)
        with pytest.raises(StorageUnavailable) as crash:  # noqa: PT012 - the whole unit fails
            async with storage.unit() as unit:
                await unit.now()
                await kill_connections(migrated_database)
                await unit.now()

        assert not crash.value.unsure
        async with storage.unit() as unit:
            await unit.now()


async def test_no_error_tells_an_address(rig: AccountRig) -> None:
    canary = f"canary{uuid4().hex}@example.com"
    await rig.register(login=canary)
    other = await rig.register()
    taken = msgspec.structs.replace(other, user=msgspec.structs.replace(other.user, login=canary))

    with pytest.raises(EmailInUse) as refused:
        await rig.save(taken)
    with pytest.raises(Exception) as broken:  # noqa: PT011 - whatever the driver calls it
        await begin_session(rig, other, user_id=canary)

    for error in (refused.value, broken.value):
        assert canary not in "".join(traceback.format_exception(error))


# Whose chain


async def test_a_bot_s_transaction_writes_into_that_bot_s_chain_whatever_user_it_names(
    app_engine: AsyncEngine,
) -> None:
    bot_id, user_id = uuid4(), UserId(uuid4())
    async with Sessions(app_engine).begin(bot_id) as session:
        with pytest.raises(ValueError, match="that bot's chain alone"):
            PostgresUserAuditTrail(session, user_id)
        await session.execute(
            text("SELECT set_config('skua.user_id', :user, true)"), {"user": str(user_id)}
        )
        trail = PostgresAuditTrail(session)
        await trail.append(ENTRY)
        head = await trail.head()
        await session.commit()

    assert head is not None
    assert head.chain == str(bot_id)


async def test_a_user_is_named_no_longer_than_their_chain_is_used(app_engine: AsyncEngine) -> None:
    async with Sessions(app_engine).begin() as session:
        trail = PostgresUserAuditTrail(session, UserId(uuid4()))
        for used in (trail.append(ENTRY), trail.read(), trail.head()):
            await used
            named = await session.scalar(text("SELECT current_setting('skua.user_id', true)"))
            assert named == ""


async def test_a_name_that_is_no_user_s_writes_into_no_chain(app_engine: AsyncEngine) -> None:
    async with Sessions(app_engine).begin() as session:
        await session.execute(text("SELECT set_config('skua.user_id', 'platform', true)"))
        with pytest.raises(Exception, match="a value doesn't fit"):
            await PostgresAuditTrail(session).append(ENTRY)


# What the roles may do


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE platform.users SET id = gen_random_uuid()",
        "UPDATE platform.users SET created_at = now()",
        "UPDATE platform.sessions SET user_id = gen_random_uuid()",
        "UPDATE platform.sessions SET sid_hash = 'x'",
        "UPDATE platform.sessions SET absolute_until = 'infinity'",
        "UPDATE platform.api_keys SET access = 'write'",
        "UPDATE platform.api_keys SET bot_ids = NULL",
        "UPDATE platform.api_keys SET expires_at = NULL",
        "UPDATE platform.devices SET user_id = gen_random_uuid()",
        "UPDATE platform.challenges SET login = 'mallory@example.com'",
        "UPDATE platform.challenges SET user_id = NULL",
        "UPDATE platform.invitations SET login = 'mallory@example.com'",
        "UPDATE platform.mails SET sealed = ''",
        "DELETE FROM platform.credentials",
        "TRUNCATE platform.users CASCADE",
    ],
)
async def test_the_application_may_change_no_more_than_it_has_to(
    migrated_database: Database, statement: str
) -> None:
    connection = await asyncpg.connect(
        migrated_database.server.dsn(roles.APP, migrated_database.name)
    )
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_backup_reads_every_table(migrated_database: Database) -> None:
    superuser = await asyncpg.connect(migrated_database.dsn)
    hidden = await superuser.fetch(
        "SELECT c.relname FROM pg_class AS c"
        " WHERE c.relnamespace = 'platform'::regnamespace AND c.relkind = 'r'"
        " AND NOT has_table_privilege('skua_backup', c.oid, 'SELECT')"
    )
    await superuser.close()

    assert hidden == []
