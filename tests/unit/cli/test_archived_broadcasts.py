"""``skua broadcast`` over one of which only the totals are kept."""

import asyncio

from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.ids import BroadcastId
from skua_core.ports.tenant_storage import UnitKind
from tests.unit.cli.desk import Desk
from tests.unit.use_cases.world import World

UNCERTAIN = {3: (DeliveryStatus.UNCERTAIN, Reason.NO_ANSWER)}


async def archive(world: World) -> None:
    bot_id = next(iter(world.memory.bots.rows))
    async with world.storage.unit(bot_id, UnitKind.LANE) as unit:
        (over,) = await unit.broadcasts.page(before=None, limit=1)
        assert await unit.broadcasts.archive(BroadcastId(over.id))
        await unit.commit()
    world.memory.tenants[bot_id].deliveries.rows.clear()


def test_an_archived_broadcast_is_reported_and_nothing_else(ready_desk: Desk) -> None:
    ready_desk.send()
    ready_desk.deliver(UNCERTAIN)
    asyncio.run(archive(ready_desk.world))

    report = ready_desk.run("broadcast", "report")
    recipients = ready_desk.run("broadcast", "report", "--recipients")
    again = ready_desk.run("broadcast", "resend", "--uncertain", "--yes")

    assert report.exit_code == 0
    assert "its totals are kept, not who got it" in report.stdout
    assert "no_answer\t1\t" in report.stdout
    for refused in (recipients, again):
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "This broadcast is archived" in refused.stderr
