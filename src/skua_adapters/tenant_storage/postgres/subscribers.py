"""Subscribers of one bot."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, delete, false, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from skua_adapters._sql.tables import SubscriberRow
from skua_adapters.tenant_storage.postgres import subscriber_statements as sql
from skua_adapters.tenant_storage.postgres.merging import hand_over_deliveries
from skua_core.domain.subscriber import ChatKind, Profile, Reach, Subscriber
from skua_core.ids import BotId, ChatId, SubscriberId
from skua_core.ports.repositories import SubscriberFilter, SubscriberRepository

_CHAT_ID = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NEVER_STORED = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL takes neither NUL nor half a surrogate pair in a text, not even to look for it."""


class PostgresSubscriberRepository(SubscriberRepository):
    def __init__(self, session: AsyncSession, bot_id: BotId) -> None:
        self._session = session
        self._bot_id = bot_id

    async def by_chat(self, chat_id: ChatId, *, lock: bool = False) -> Subscriber | None:
        found = select(SubscriberRow).where(SubscriberRow.chat_id == chat_id)
        if lock:
            found = found.with_for_update()
        return next(iter(await self._all(found)), None)

    async def get(self, subscriber_id: SubscriberId) -> Subscriber | None:
        return next(
            iter(await self._all(select(SubscriberRow).where(SubscriberRow.id == subscriber_id))),
            None,
        )

    async def save(self, subscriber: Subscriber) -> None:
        values = _values(subscriber)
        await self._session.execute(
            upsert(SubscriberRow)
            .values(bot_id=self._bot_id, id=subscriber.id, **values)
            .on_conflict_do_update(index_elements=["bot_id", "id"], set_=values)
        )

    async def add_many(self, subscribers: Sequence[Subscriber]) -> int:
        rows = [
            {
                "id": each.id,
                **_values(each),
                "attributes": _json(each.attributes),
                "tags": _json(each.tags),
            }
            for each in subscribers
        ]
        if not rows:
            return 0
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        added: int | None = await self._session.scalar(
            sql.ADD_MANY, {"bot": self._bot_id, **columns}
        )
        return added or 0

    async def page(
        self, where: SubscriberFilter, *, after: SubscriberId | None, limit: int
    ) -> Sequence[Subscriber]:
        found = select(SubscriberRow).order_by(SubscriberRow.id).limit(limit)
        if after is not None:
            found = found.where(SubscriberRow.id > after)
        if where.status is not None:
            found = found.where(SubscriberRow.status == where.status.value)
        if where.search is not None:
            found = found.where(_matches(where.search.strip()))
        return await self._all(found)

    async def migrate(self, old: ChatId, new: ChatId) -> None:
        moved = await self.by_chat(old)
        if moved is None or old == new:
            return
        survivor = await self.by_chat(new)
        if survivor is None:
            locked_alone = await self.by_chat(old, lock=True)
            if locked_alone is not None:
                locked_alone.chat_id = new
                await self.save(locked_alone)
            return
        await hand_over_deliveries(self._session, moved.id, survivor.id)
        both = (
            select(SubscriberRow)
            .where(SubscriberRow.id.in_([moved.id, survivor.id]))
            .order_by(SubscriberRow.id)
            .with_for_update()
        )
        locked = {subscriber.id: subscriber for subscriber in await self._all(both)}
        if locked.keys() != {moved.id, survivor.id}:
            return
        await self._session.execute(
            delete(SubscriberRow)
            .where(SubscriberRow.id == moved.id)
            .execution_options(synchronize_session=False)
        )
        locked[survivor.id].absorb(locked[moved.id])
        await self.save(locked[survivor.id])

    async def _all(self, found: Select[SubscriberRow]) -> list[Subscriber]:
        rows = await self._session.scalars(found.execution_options(populate_existing=True))
        return [_to_subscriber(row) for row in rows]


def _matches(search: str) -> ColumnElement[bool]:
    if _NEVER_STORED.search(search):
        return false()
    name = func.concat_ws(" ", SubscriberRow.first_name, SubscriberRow.last_name)
    conditions = [
        name.icontains(search, autoescape=True),
        SubscriberRow.username.icontains(search.removeprefix("@"), autoescape=True),
    ]
    if _CHAT_ID.fullmatch(search):
        conditions.append(SubscriberRow.chat_id == int(search))
    return or_(*conditions)


def _json(attributes: object) -> str:
    return msgspec.json.encode(attributes).decode()


def _values(subscriber: Subscriber) -> dict[str, Any]:
    return {
        "chat_id": subscriber.chat_id,
        "kind": subscriber.kind.value,
        "first_name": subscriber.profile.first_name,
        "last_name": subscriber.profile.last_name,
        "username": subscriber.profile.username,
        "language": subscriber.profile.language,
        "attributes": dict(subscriber.attributes),
        "tags": list(subscriber.tags),
        "source": subscriber.source,
        "subscribed": subscriber.subscribed,
        "subscribed_changed_at": subscriber.subscribed_changed_at,
        "reach": subscriber.reach.value,
        "reach_changed_at": subscriber.reach_changed_at,
        "joined_at": subscriber.joined_at,
        "last_seen_at": subscriber.last_seen_at,
    }


def _to_subscriber(row: SubscriberRow) -> Subscriber:
    return Subscriber(
        id=SubscriberId(row.id),
        chat_id=ChatId(row.chat_id),
        kind=ChatKind(row.kind),
        profile=Profile(
            first_name=row.first_name,
            last_name=row.last_name,
            username=row.username,
            language=row.language,
        ),
        attributes=row.attributes,
        tags=tuple(row.tags),
        source=row.source,
        subscribed=row.subscribed,
        subscribed_changed_at=row.subscribed_changed_at,
        reach=Reach(row.reach),
        reach_changed_at=row.reach_changed_at,
        joined_at=row.joined_at,
        last_seen_at=row.last_seen_at,
    )
