"""Ways to read tenant rows. Each tries to reach those of another bot and returns what it got."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnClause,
    and_,
    column,
    exists,
    func,
    literal_column,
    select,
    table,
    text,
    true,
    union,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    aliased,
    joinedload,
    make_transient_to_detached,
    selectinload,
    subqueryload,
)

from skua_adapters._sql.tables import (
    BroadcastRow,
    CampaignRow,
    DeliveryRow,
    SubscriberRow,
    TenantRow,
)
from tests.contract.tenancy.mapping import NaiveBroadcast, NaiveCampaign
from tests.contract.tenancy.shape import shape_list
from tests.contract.tenancy.world import World

Found = Sequence[Any]
SHAPES, shape = shape_list()
TABLE = SubscriberRow.__table__


async def _all(session: AsyncSession, statement: Any, parameters: Any = None) -> Found:
    return (await session.execute(statement, parameters)).all()


def _detached(world: World) -> SubscriberRow:
    """An object of theirs, as a cache or a careless caller would hand it in."""
    row = SubscriberRow(bot_id=world.theirs.bot_id, id=world.theirs.subscriber_id)
    make_transient_to_detached(row)
    return row


@shape(1)
async def select_entity(session: AsyncSession, _: World) -> Found:
    return await _all(session, select(SubscriberRow))


@shape(2)
async def select_columns(session: AsyncSession, _: World) -> Found:
    return await _all(session, select(SubscriberRow.id, SubscriberRow.first_name))


@shape(3)
async def select_alias(session: AsyncSession, _: World) -> Found:
    return await _all(session, select(aliased(SubscriberRow)))


@shape(4)
async def select_cte(session: AsyncSession, _: World) -> Found:
    inner = select(SubscriberRow.id).cte()
    return await _all(session, select(inner.c.id))


@shape(5)
async def select_subquery(session: AsyncSession, _: World) -> Found:
    inner = select(SubscriberRow).subquery()
    return await _all(session, select(aliased(SubscriberRow, inner)))


@shape(6)
async def select_union(session: AsyncSession, _: World) -> Found:
    both = union(select(SubscriberRow.id), select(CampaignRow.id))
    return await _all(session, both)


@shape(7)
async def count_rows(session: AsyncSession, world: World) -> Found:
    counted = await session.scalar(select(func.count()).select_from(SubscriberRow))
    return [world.theirs.name] if counted and counted > 1 else []


@shape(8)
async def exists_anywhere(session: AsyncSession, world: World) -> Found:
    theirs = exists().where(SubscriberRow.first_name == world.theirs.name)
    return [world.theirs.name] if await session.scalar(select(theirs)) else []


@shape(9)
async def exists_without_the_entity_in_from(session: AsyncSession, world: World) -> Found:
    theirs = exists(select(1).where(SubscriberRow.id == world.theirs.subscriber_id))
    found = await _all(session, select(CampaignRow.id).where(theirs))
    return [world.theirs.name] if found else []


@shape(10)
async def scalar_subquery(session: AsyncSession, _: World) -> Found:
    name = select(func.max(SubscriberRow.first_name)).scalar_subquery()
    return await _all(session, select(CampaignRow.name, name))


@shape(11)
async def join_with_an_explicit_condition(session: AsyncSession, world: World) -> Found:
    joined = select(CampaignRow.id, SubscriberRow.first_name).join(SubscriberRow, true())
    return await _all(session, joined.where(SubscriberRow.id != world.mine.subscriber_id))


@shape(12)
async def outer_join_with_an_alias(session: AsyncSession, _: World) -> Found:
    other = aliased(BroadcastRow)
    return await _all(session, select(CampaignRow, other).outerjoin(other, true()))


@shape(13)
async def implicit_cross_join(session: AsyncSession, _: World) -> Found:
    return await _all(
        session, select(SubscriberRow, CampaignRow).where(SubscriberRow.id != CampaignRow.id)
    )


@shape(14)
async def stream_with_yield_per(session: AsyncSession, _: World) -> Found:
    rows = await session.stream(select(SubscriberRow).execution_options(yield_per=10))
    return [row async for row in rows]


@shape(15)
async def lock_rows(session: AsyncSession, _: World) -> Found:
    return await _all(session, select(SubscriberRow).with_for_update())


@shape(16)
async def legacy_query(session: AsyncSession, _: World) -> Found:
    return await session.run_sync(lambda sync: sync.query(SubscriberRow).all())


@shape(17)
async def get_by_key(session: AsyncSession, world: World) -> Found:
    key = (world.theirs.bot_id, world.theirs.subscriber_id)
    return [await session.get(SubscriberRow, key)]


@shape(18, row_security=False)
async def get_what_is_loaded_after_a_switch(session: AsyncSession, world: World) -> Found:
    """No SQL runs, so row security can't help: one session is one bot instead."""
    key = (world.mine.bot_id, world.mine.subscriber_id)
    await session.get(SubscriberRow, key)
    try:
        session.info["bot_id"] = world.theirs.bot_id
    except TypeError:
        return []
    remembered = await session.get(SubscriberRow, key)
    return [world.theirs.name] if remembered else []


@shape(19)
async def load_an_expired_attribute(session: AsyncSession, world: World) -> Found:
    row = _detached(world)
    session.add(row)
    return [await session.run_sync(lambda _: row.first_name)]


@shape(20)
async def refresh_a_foreign_object(session: AsyncSession, world: World) -> Found:
    row = _detached(world)
    session.add(row)
    await session.refresh(row)
    return [row]


@shape(21)
async def lazy_load_on_an_added_object(session: AsyncSession, world: World) -> Found:
    campaign = NaiveCampaign(bot_id=world.mine.bot_id, id=world.mine.campaign_id)
    make_transient_to_detached(campaign)
    session.add(campaign)
    return await session.run_sync(lambda _: list(campaign.broadcasts))


@shape(22)
async def lazy_load_on_a_loaded_object(session: AsyncSession, world: World) -> Found:
    campaign = await session.get(NaiveCampaign, (world.mine.bot_id, world.mine.campaign_id))
    assert campaign is not None
    return await session.run_sync(lambda _: list(campaign.broadcasts))


async def _broadcasts_of(session: AsyncSession, world: World, loading: Any) -> Found:
    mine = NaiveCampaign.bot_id == world.mine.bot_id
    statement = select(NaiveCampaign).where(mine).options(loading)
    campaigns = (await session.scalars(statement)).unique().all()
    return [broadcast for campaign in campaigns for broadcast in campaign.broadcasts]


@shape(23)
async def joined_load(session: AsyncSession, world: World) -> Found:
    return await _broadcasts_of(session, world, joinedload(NaiveCampaign.broadcasts))


@shape(24)
async def select_in_load(session: AsyncSession, world: World) -> Found:
    return await _broadcasts_of(session, world, selectinload(NaiveCampaign.broadcasts))


@shape(25)
async def subquery_load(session: AsyncSession, world: World) -> Found:
    return await _broadcasts_of(session, world, subqueryload(NaiveCampaign.broadcasts))


@shape(26)
async def any_over_a_relationship(session: AsyncSession, world: World) -> Found:
    theirs = NaiveCampaign.broadcasts.any(NaiveBroadcast.campaign_id == world.theirs.campaign_id)
    found = await _all(session, select(NaiveCampaign.id).where(theirs))
    return [world.theirs.name] if found else []


@shape(27)
async def core_select(session: AsyncSession, _: World) -> Found:
    return await _all(session, select(TABLE))


@shape(28)
async def core_select_inside_an_orm_one(session: AsyncSession, world: World) -> Found:
    theirs = exists(select(TABLE.c.id).where(TABLE.c.first_name == world.theirs.name))
    found = await _all(session, select(CampaignRow.id).where(theirs))
    return [world.theirs.name] if found else []


@shape(29, orm_lock=False)
async def core_table_joined_to_an_entity(session: AsyncSession, _: World) -> Found:
    other = TABLE.alias()
    return await _all(session, select(CampaignRow.id, other.c.first_name).join(other, true()))


@shape(30)
async def lightweight_table(session: AsyncSession, _: World) -> Found:
    subscribers = table("subscribers", column("first_name"), schema="tenant")
    return await _all(session, select(subscribers.c.first_name))


@shape(31)
async def core_select_on_the_connection(session: AsyncSession, _: World) -> Found:
    return (await (await session.connection()).execute(select(TABLE.c.first_name))).all()


@shape(32)
async def orm_select_on_the_connection(session: AsyncSession, _: World) -> Found:
    return (await (await session.connection()).execute(select(SubscriberRow))).all()


@shape(33)
async def written_out_select(session: AsyncSession, _: World) -> Found:
    return await _all(session, text("SELECT first_name FROM tenant.subscribers"))


@shape(34)
async def written_out_select_of_another_bot(session: AsyncSession, world: World) -> Found:
    statement = text('SELECT first_name FROM "tenant" . subscribers WHERE bot_id = :bot')
    return await _all(session, statement, {"bot": world.theirs.bot_id})


@shape(35)
async def written_out_column(session: AsyncSession, _: World) -> Found:
    names: ColumnClause[str] = literal_column("(SELECT max(first_name) FROM tenant.subscribers)")
    return await _all(session, select(CampaignRow.id, names))


@shape(36)
async def written_out_from_clause(session: AsyncSession, _: World) -> Found:
    return await _all(session, select(text("first_name")).select_from(text("tenant.subscribers")))


@shape(37)
async def entities_from_a_written_out_statement(session: AsyncSession, _: World) -> Found:
    statement = text("SELECT * FROM tenant.subscribers")
    return await _all(session, select(SubscriberRow).from_statement(statement))


@shape(38)
async def entities_from_written_out_columns(session: AsyncSession, _: World) -> Found:
    statement = text("SELECT bot_id, id FROM tenant.subscribers").columns(
        SubscriberRow.bot_id, SubscriberRow.id
    )
    return await _all(session, select(SubscriberRow).from_statement(statement))


@shape(39)
async def one_partition_by_name(session: AsyncSession, _: World) -> Found:
    return await _all(session, text("SELECT detail FROM tenant.deliveries_default"))


@shape(40)
async def a_table_of_every_kind(session: AsyncSession, _: World) -> Found:
    found: list[Any] = []
    for mapper in CampaignRow.registry.mappers:
        if issubclass(mapper.class_, TenantRow):
            found += await _all(session, select(mapper.class_))
    return found


@shape(41)
async def partitioned_rows_by_key(session: AsyncSession, world: World) -> Found:
    where = and_(DeliveryRow.source_id == world.theirs.broadcast_id, DeliveryRow.position == 1)
    return await _all(session, select(DeliveryRow).where(where))
