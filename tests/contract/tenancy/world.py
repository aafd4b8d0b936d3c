"""Two bots with a row in every tenant table, and what tells one's rows from the other's."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Row, inspect

from skua_adapters._sql.tables import TenantBase, TenantRow

TABLES = [table.name for table in TenantBase.metadata.sorted_tables]

_ROWS = """
    INSERT INTO tenant.bot_secrets VALUES ('{bot_id}', '{name}', NULL, now());
    INSERT INTO tenant.subscribers (bot_id, id, chat_id, kind, first_name, subscribed,
        subscribed_changed_at, reach, reach_changed_at, joined_at)
    VALUES ('{bot_id}', '{subscriber_id}', 7, 'private', '{name}', true, now(), 'reachable', now(),
        now());
    INSERT INTO tenant.campaigns VALUES ('{bot_id}', '{campaign_id}', '{name}', 1, now(), now());
    INSERT INTO tenant.campaign_revisions
    VALUES ('{bot_id}', '{campaign_id}', 1, '{name}', '{name}', now());
    INSERT INTO tenant.broadcasts (bot_id, id, campaign_id, revision, status, paid, created_at,
        changed_at)
    VALUES ('{bot_id}', '{broadcast_id}', '{campaign_id}', 1, 'sending', false, now(), now());
    INSERT INTO tenant.direct_messages VALUES ('{bot_id}', '{message_id}', '{name}', now());
    INSERT INTO tenant.deliveries (bot_id, source_id, position, subscriber_id, kind, detail)
    VALUES ('{bot_id}', '{broadcast_id}', 1, '{subscriber_id}', 'broadcast', '{name}');
    INSERT INTO tenant.delivery_attempts
    VALUES ('{bot_id}', '{broadcast_id}', 1, 1, 'failed', NULL, '{name}', NULL, now());
    INSERT INTO tenant.media VALUES ('{bot_id}', '{message_id}', 'photo', '{name}', 4, now());
    INSERT INTO tenant.media_chunks VALUES ('{bot_id}', '{message_id}', 0, '{name}', now());
    INSERT INTO tenant.media_files VALUES ('{bot_id}', 'photo:{name}', '{name}', now());
    INSERT INTO tenant.auto_messages (bot_id, id, campaign_id, trigger, status, pause_detail,
        created_at, updated_at)
    VALUES ('{bot_id}', '{message_id}', '{campaign_id}', 'start', 'active', '{name}', now(), now());
    INSERT INTO tenant.chat_links (bot_id, user_id, subscriber_id, linked_at)
    VALUES ('{bot_id}', '{message_id}', '{subscriber_id}', now());
    INSERT INTO tenant.updates VALUES ('{bot_id}', 1, now());
    INSERT INTO tenant.updates_set_aside
    VALUES ('{bot_id}', '{message_id}', 1, 'raw', '{name}', now())
"""


@dataclass(frozen=True)
class Tenant:
    """One bot; ``name`` stands in each of its rows that has room for text."""

    name: str
    bot_id: UUID = field(default_factory=uuid4)
    subscriber_id: UUID = field(default_factory=uuid4)
    campaign_id: UUID = field(default_factory=uuid4)
    broadcast_id: UUID = field(default_factory=uuid4)
    message_id: UUID = field(default_factory=uuid4)

    def owns(self, value: object) -> bool:
        return value in (
            self.name,
            self.bot_id,
            self.subscriber_id,
            self.campaign_id,
            self.broadcast_id,
            self.message_id,
        )


@dataclass(frozen=True)
class World:
    mine: Tenant
    theirs: Tenant
    before: list[str]

    @classmethod
    async def make(cls, superuser: asyncpg.Connection) -> "World":
        mine, theirs = Tenant("mine"), Tenant("theirs")
        for name in reversed(TABLES):
            await superuser.execute(f"DELETE FROM tenant.{name}")  # noqa: S608 - a name of ours
        for tenant in (mine, theirs):
            await superuser.execute(_ROWS.format(**asdict(tenant)))
        return cls(mine, theirs, await _rows_of(superuser, theirs))

    async def damage(self, superuser: asyncpg.Connection) -> list[str]:
        """What became of their rows, and what of theirs is among mine now."""
        after = await _rows_of(superuser, self.theirs)
        copied = [row for row in await _rows_of(superuser, self.mine) if self.theirs.name in row]
        return sorted(set(self.before) ^ set(after)) + copied

    def foreign(self, found: Iterable[object]) -> list[object]:
        """Those among values, rows and objects that are theirs."""
        return [value for value in _flat(found) if self.theirs.owns(value)]


async def _rows_of(superuser: asyncpg.Connection, tenant: Tenant) -> list[str]:
    every = " UNION ALL ".join(
        f"SELECT '{name} ' || row_to_json(t) FROM tenant.{name} t WHERE bot_id = $1"  # noqa: S608 - names of ours
        for name in TABLES
    )
    return [row[0] for row in await superuser.fetch(every, tenant.bot_id)]


def _flat(found: Iterable[object]) -> Iterator[object]:
    for value in found:
        if isinstance(value, Row | tuple | list):
            yield from _flat(value)
        elif isinstance(value, TenantRow):
            yield from inspect(value).dict.values()
        else:
            yield value
