"""Accounts over one database, with the levers that tests need."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_adapters._memory import Memory
from skua_adapters._memory.rows import InvitationRow
from skua_adapters._memory.tables import Table
from skua_adapters.account_storage.in_memory import InMemoryAccountStorage
from skua_adapters.account_storage.postgres import PostgresAccountStorage
from skua_adapters.clock.frozen import FrozenClock
from skua_adapters.id_factory.counted import CountedIdFactory
from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.platform_storage.in_memory import InMemoryPlatformStorage
from skua_adapters.platform_storage.postgres import PostgresPlatformStorage
from skua_adapters.tenant_storage.in_memory import InMemoryTenantStorage
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage
from skua_core.domain.account import Account, PasswordHash
from skua_core.domain.bot import Bot, TokenState, WebhookState, make_public_id, make_slug
from skua_core.domain.lane import LaneTimes
from skua_core.domain.user import User
from skua_core.ids import BotId, UserId
from skua_core.ports.account_storage import AccountStorage, AccountUnit
from skua_core.ports.id_factory import IdFactory
from skua_core.ports.platform_storage import BotDirectory, PlatformStorage
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from tests.postgres_cluster import Database

HASH = PasswordHash("$2b$04$" + "x" * 53)
DAY = 24 * 3600.0


@dataclass
class AccountRig:
    storage: AccountStorage
    tenants: TenantStorage
    platform: PlatformStorage
    directory: BotDirectory
    ids: IdFactory
    let_pass: Callable[[float], Awaitable[None]]
    """Everything that is stored grows older by so many seconds."""
    invite: Callable[[BotId, str, float, str | None], Awaitable[None]]
    """An invitation to a bot, good for so many seconds; the last is what became of it."""
    grant: Callable[[BotId, UserId], Awaitable[None]]
    """Give a user a role on a bot of somebody else's."""
    mentions: Callable[[str], Awaitable[list[str]]]
    """The tables of every schema, but for the audit log's, that hold a text anywhere."""

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AccountUnit]:
        """A unit that is committed at its end."""
        async with self.storage.unit() as unit:
            yield unit
            await unit.commit()

    async def now(self) -> datetime:
        async with self.storage.unit() as unit:
            return await unit.now()

    def draft(self, now: datetime, **fields: Any) -> Account:
        """An account that isn't stored yet."""
        user_id = UserId(self.ids.new())
        usual: dict[str, Any] = {"login": f"{user_id}@example.com", "name": "Ana"}
        of_user = {name: fields.pop(name) for name in User.__struct_fields__ if name in fields}
        user = User(id=user_id, created_at=now, **usual | of_user)
        return Account(user=user, **{"password": HASH} | fields)

    async def register(self, **fields: Any) -> Account:
        account = self.draft(await self.now(), **fields)
        async with self.changing() as unit:
            await unit.accounts.add(account)
        return account

    async def account(self, user_id: UserId) -> Account | None:
        async with self.storage.unit() as unit:
            return await unit.accounts.get(user_id)

    async def save(self, account: Account) -> None:
        async with self.changing() as unit:
            await unit.accounts.save(account)

    async def make_bot(self, owner_id: UserId) -> Bot:
        async with self.making_bot(owner_id) as bot:
            return bot

    @asynccontextmanager
    async def making_bot(self, owner_id: UserId) -> AsyncIterator[Bot]:
        """It is there at the end."""
        now = await self.now()
        bot = Bot(
            id=BotId(self.ids.new()),
            slug=make_slug("pelican"),
            public_id=make_public_id(),
            name="Pelican",
            owner_id=owner_id,
            telegram_id=None,
            telegram_username=None,
            token_state=TokenState.MISSING,
            webhook_state=WebhookState.NONE,
            created_at=now,
            updated_at=now,
        )
        async with self.tenants.unit(bot.id, UnitKind.LANE) as unit:
            await unit.bot.add(bot)
            yield bot
            await unit.commit()


@pytest.fixture
def in_memory_accounts() -> AccountRig:
    clock = FrozenClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    memory = Memory(clock)
    ids = CountedIdFactory()

    async def let_pass(seconds: float) -> None:
        clock.advance(seconds)

    async def invite(bot_id: BotId, login: str, seconds: float, became: str | None) -> None:
        row = InvitationRow(
            bot_id=bot_id, login=login, expires_at=clock.now() + timedelta(seconds=seconds)
        )
        if became is not None:
            setattr(row, f"{became}_at", clock.now())
        memory.accounts.invitations.put((bot_id, login), row)

    async def grant(bot_id: BotId, user_id: UserId) -> None:
        memory.roles.put((bot_id, user_id), "viewer")

    async def mentions(text: str) -> list[str]:
        places = (memory, memory.accounts, *memory.tenants.values())
        tables = [table for place in places for table in vars(place).items()]
        return sorted(
            name
            for name, table in tables
            if isinstance(table, Table) and name != "audit" and text in repr(table.rows)
        )

    platform = InMemoryPlatformStorage(memory, ids=ids)
    return AccountRig(
        storage=InMemoryAccountStorage(memory),
        tenants=InMemoryTenantStorage(memory, times=LaneTimes()),
        platform=platform,
        directory=platform,
        ids=ids,
        let_pass=let_pass,
        invite=invite,
        grant=grant,
        mentions=mentions,
    )


@pytest.fixture
async def postgres_accounts(
    migrated_database: Database, app_engine: AsyncEngine
) -> AsyncIterator[AccountRig]:
    ids = Uuid7IdFactory()
    outside = await asyncpg.connect(migrated_database.dsn)

    async def let_pass(seconds: float) -> None:
        for table, columns in _TIMES.items():
            older = ", ".join(f"{name} = {name} - $1::interval" for name in columns)
            await outside.execute(
                f"UPDATE platform.{table} SET {older}",  # noqa: S608 - names from the table below
                timedelta(seconds=seconds),
            )

    async def invite(bot_id: BotId, login: str, seconds: float, became: str | None) -> None:
        invitation = ids.new()
        await outside.execute(
            "INSERT INTO platform.invitations"
            " (id, bot_id, login, role, token_hash, created_at, expires_at)"
            " VALUES ($1, $2, $3, 'viewer', $4, now(), clock_timestamp() + $5)",
            invitation,
            bot_id,
            login,
            invitation.bytes,
            timedelta(seconds=seconds),
        )
        if became is not None:
            await outside.execute(
                f"UPDATE platform.invitations SET {became}_at = now() WHERE id = $1",  # noqa: S608 - a column
                invitation,
            )

    async def grant(bot_id: BotId, user_id: UserId) -> None:
        await outside.execute(
            "INSERT INTO platform.bot_permissions VALUES ($1, $2, 'viewer')", bot_id, user_id
        )

    async def mentions(text: str) -> list[str]:
        tables = await outside.fetch(
            "SELECT n.nspname || '.' || c.relname AS name FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname <> 'audit'"
            " AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'"
        )
        found = [
            table["name"]
            for table in tables
            if await outside.fetchval(
                f"SELECT EXISTS (SELECT FROM {table['name']} AS t"  # noqa: S608 - names from the catalogue
                " WHERE strpos(t::text, $1) > 0)",
                text,
            )
        ]
        return sorted(found)

    platform = PostgresPlatformStorage(app_engine, ids=ids)
    yield AccountRig(
        storage=PostgresAccountStorage(app_engine),
        tenants=PostgresTenantStorage(app_engine, times=LaneTimes(), ids=ids),
        platform=platform,
        directory=platform,
        ids=ids,
        let_pass=let_pass,
        invite=invite,
        grant=grant,
        mentions=mentions,
    )
    await outside.close()


_TIMES = {
    "users": ["created_at", "disabled_at"],
    "challenges": ["created_at", "expires_at"],
    "sessions": [
        "created_at",
        "issued_at",
        "last_seen_at",
        "absolute_until",
        "stepped_up_at",
        "revoked_at",
    ],
    "devices": ["created_at", "last_seen_at"],
    "api_keys": ["created_at", "expires_at", "last_used_at"],
    "mails": ["due_at"],
    "invitations": ["created_at", "expires_at"],
}


@pytest.fixture(
    params=["in_memory_accounts", pytest.param("postgres_accounts", marks=pytest.mark.external)]
)
def accounts(request: pytest.FixtureRequest) -> AccountRig:
    rig: AccountRig = request.getfixturevalue(request.param)
    return rig
