"""Ways to write tenant rows. Each tries to change, add or remove those of another bot."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached

from skua_adapters._sql.tables import (
    BroadcastRow,
    CampaignRow,
    DirectMessageRow,
    TenantBase,
    UpdateRow,
)
from tests.contract.tenancy.shape import shape_list
from tests.contract.tenancy.world import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CAMPAIGNS = TenantBase.metadata.tables["tenant.campaigns"]
MESSAGES = TenantBase.metadata.tables["tenant.direct_messages"]
UPDATES = TenantBase.metadata.tables["tenant.updates"]
Found = Sequence[Any]
SHAPES, shape = shape_list()


def _update(world: World, number: int) -> dict[str, Any]:
    return {"bot_id": world.theirs.bot_id, "update_id": number, "received_at": NOW}


@shape(42)
async def update_entities(session: AsyncSession, _: World) -> Found:
    await session.execute(update(CampaignRow).values(name="taken"))
    return []


@shape(43)
async def update_returning(session: AsyncSession, _: World) -> Found:
    statement = update(CampaignRow).values(name="taken").returning(CampaignRow.id)
    return (await session.execute(statement)).all()


@shape(44)
async def delete_entities(session: AsyncSession, _: World) -> Found:
    await session.execute(delete(DirectMessageRow))
    return []


@shape(45)
async def delete_returning(session: AsyncSession, _: World) -> Found:
    statement = delete(DirectMessageRow).returning(DirectMessageRow.id)
    return (await session.execute(statement)).all()


@shape(46)
async def update_a_core_table(session: AsyncSession, _: World) -> Found:
    await session.execute(update(CAMPAIGNS).values(name="taken"))
    return []


@shape(47)
async def delete_from_a_core_table(session: AsyncSession, _: World) -> Found:
    await session.execute(delete(MESSAGES))
    return []


@shape(48)
async def written_out_update(session: AsyncSession, _: World) -> Found:
    await session.execute(text("UPDATE tenant.campaigns SET name = 'taken'"))
    return []


@shape(49)
async def written_out_truncate(session: AsyncSession, _: World) -> Found:
    await session.execute(text("TRUNCATE tenant.updates"))
    return []


@shape(50)
async def bulk_update_by_key(session: AsyncSession, world: World) -> Found:
    theirs = world.theirs
    key = {"bot_id": theirs.bot_id, "id": theirs.campaign_id, "name": "taken"}
    await session.execute(update(CampaignRow), [key])
    return []


@shape(51)
async def bulk_update_mappings(session: AsyncSession, world: World) -> Found:
    theirs = world.theirs
    key = {"bot_id": theirs.bot_id, "id": theirs.campaign_id, "name": "taken"}
    await session.run_sync(lambda sync: sync.bulk_update_mappings(CampaignRow, [key]))
    return []


@shape(52)
async def bulk_insert_mappings(session: AsyncSession, world: World) -> Found:
    rows = [_update(world, 2)]
    await session.run_sync(lambda sync: sync.bulk_insert_mappings(UpdateRow, rows))
    return []


@shape(53)
async def bulk_save_objects(session: AsyncSession, world: World) -> Found:
    row = UpdateRow(**_update(world, 2))
    await session.run_sync(lambda sync: sync.bulk_save_objects([row]))
    return []


@shape(54)
async def insert_values(session: AsyncSession, world: World) -> Found:
    await session.execute(insert(UpdateRow).values(**_update(world, 2)))
    return []


@shape(55)
async def insert_several_values(session: AsyncSession, world: World) -> Found:
    await session.execute(insert(UpdateRow).values([_update(world, 2), _update(world, 3)]))
    return []


@shape(56)
async def insert_by_parameters(session: AsyncSession, world: World) -> Found:
    await session.execute(insert(UpdateRow), [_update(world, 2), _update(world, 3)])
    return []


@shape(57)
async def insert_into_a_core_table(session: AsyncSession, world: World) -> Found:
    await session.execute(insert(UPDATES).values(**_update(world, 2)))
    return []


@shape(58)
async def insert_from_a_select_of_everything(session: AsyncSession, world: World) -> Found:
    source = select(
        literal(world.mine.bot_id), CampaignRow.bot_id, CampaignRow.name, CampaignRow.created_at
    )
    columns = ["bot_id", "id", "content", "created_at"]
    await session.execute(insert(DirectMessageRow).from_select(columns, source))
    return []


@shape(59)
async def upsert_over_a_foreign_row(session: AsyncSession, world: World) -> Found:
    statement = upsert(CampaignRow).values(
        bot_id=world.theirs.bot_id,
        id=world.theirs.campaign_id,
        name="taken",
        revision=1,
        created_at=NOW,
        updated_at=NOW,
    )
    key = [CampaignRow.bot_id, CampaignRow.id]
    change = {"name": statement.excluded.name}
    await session.execute(statement.on_conflict_do_update(index_elements=key, set_=change))
    return []


@shape(60)
async def add_an_object(session: AsyncSession, world: World) -> Found:
    session.add(UpdateRow(**_update(world, 2)))
    await session.flush()
    return []


@shape(61)
async def merge_an_object(session: AsyncSession, world: World) -> Found:
    theirs = world.theirs
    await session.merge(CampaignRow(bot_id=theirs.bot_id, id=theirs.campaign_id, name="taken"))
    await session.flush()
    return []


@shape(62)
async def give_an_object_to_another_bot(session: AsyncSession, world: World) -> Found:
    key = (world.mine.bot_id, world.mine.message_id)
    row = await session.get(DirectMessageRow, key)
    assert row is not None
    row.bot_id = world.theirs.bot_id
    row.id = world.mine.campaign_id
    await session.flush()
    return []


@shape(63)
async def take_an_object_from_another_bot(session: AsyncSession, world: World) -> Found:
    row = DirectMessageRow(bot_id=world.theirs.bot_id, id=world.theirs.message_id)
    make_transient_to_detached(row)
    session.add(row)
    row.bot_id = world.mine.bot_id
    row.id = world.mine.campaign_id
    await session.flush()
    return []


@shape(64)
async def give_rows_to_another_bot(session: AsyncSession, world: World) -> Found:
    statement = update(DirectMessageRow).values(
        bot_id=world.theirs.bot_id, id=world.mine.campaign_id
    )
    mine = DirectMessageRow.bot_id == world.mine.bot_id
    await session.execute(statement.where(mine))
    return []


@shape(65)
async def change_a_detached_object(session: AsyncSession, world: World) -> Found:
    row = CampaignRow(bot_id=world.theirs.bot_id, id=world.theirs.campaign_id)
    make_transient_to_detached(row)
    session.add(row)
    row.name = "taken"
    await session.flush()
    return []


@shape(66)
async def delete_a_detached_object(session: AsyncSession, world: World) -> Found:
    row = DirectMessageRow(bot_id=world.theirs.bot_id, id=world.theirs.message_id, content="")
    make_transient_to_detached(row)
    await session.delete(row)
    await session.flush()
    return []


@shape(67)
async def point_an_own_row_at_a_foreign_one(session: AsyncSession, world: World) -> Found:
    """Foreign keys look past row security: the keys themselves begin with the bot."""
    session.add(
        BroadcastRow(
            bot_id=world.mine.bot_id,
            id=world.mine.message_id,
            campaign_id=world.theirs.campaign_id,
            revision=1,
            status="paused",
            paid=False,
            excluded={},
            created_at=NOW,
            changed_at=NOW,
        )
    )
    await session.flush()
    return [world.theirs.name]
