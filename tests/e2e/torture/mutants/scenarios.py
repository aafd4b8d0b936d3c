"""A situation for each way to be wrong, in which it can't stay hidden.

Everything is arranged by fault points, signals and locks; nothing is left to chance.
"""

import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from sqlalchemy import text

from skua_adapters.telegram_simulator import FaultAction, FaultMoment, FaultRule, LatencySettings
from skua_adapters.tenant_storage.postgres.unit import PostgresTenantUnit
from skua_core.domain.lane import ClaimOrder
from skua_core.ports.tenant_storage import TenantStorage, UnitKind
from skua_core.use_cases.bots import SetReadOnly
from tests.e2e.delivery.conftest import SetUp
from tests.e2e.delivery.programs import Plan
from tests.e2e.torture.mutants.broken import SLEEP
from tests.e2e.torture.mutants.stage import Stage
from tests.e2e.torture.plan import Act

Scenario = Callable[[SetUp, str | None, AsyncExitStack], Awaitable[list[str]]]

_LATENCY = LatencySettings(mean=0.1)
_TURNS = "platform.take_turns"
"""Takes the turns of many lanes together, beside the ledger that takes them one by one."""


async def frozen_and_thawed(
    set_up: SetUp, mutant: str | None, cleanup: AsyncExitStack
) -> list[str]:
    """A worker stands still until another has its lane, and then goes on."""
    stage = Stage(await set_up(rate=40, latency=_LATENCY), mutant)
    await cleanup.enter_async_context(stage.witness)
    if mutant is not None:
        await stage.rewrite(_TURNS, {"held.lease_id IS DISTINCT FROM leases[this]": "false"})
    workers = [await stage.start("one"), await stage.start("other")]
    for worker in workers:
        await stage.until_working(worker)
    _, broadcast = await stage.begin(160)
    await stage.until_true("SELECT sent > 5 FROM tenant.broadcasts")
    holder = await stage.value("SELECT holder FROM platform.lanes")
    (frozen,) = [worker for worker in workers if f":{worker.pid}:" in holder]
    frozen.send(signal.SIGSTOP)
    await stage.until_true(
        "SELECT count(*) > 5 FROM tenant.deliveries WHERE status = 'sent' AND epoch = 2"
    )
    frozen.send(signal.SIGCONT)
    return await stage.judge(broadcast)


async def gate_shut_within_a_claim(
    set_up: SetUp, mutant: str | None, cleanup: AsyncExitStack
) -> list[str]:
    """A bot is made read-only while a claim stands between its look at the gates and its rows.

    Its own gate is the one to try: a turn that also records something has the broadcast's row
    under another lock.
    """
    stage = Stage(await set_up(rate=40, latency=_LATENCY), mutant or "slow_claims")
    await cleanup.enter_async_context(stage.witness)
    return await _shut_a_gate_while_a_claim_sleeps(stage)


async def gate_shut_within_a_grouped_claim(
    set_up: SetUp, mutant: str | None, cleanup: AsyncExitStack
) -> list[str]:
    """The same where the turns of many lanes are taken together."""
    stage = Stage(await set_up(rate=40, latency=_LATENCY), None)
    await cleanup.enter_async_context(stage.witness)
    slow = {"CONTINUE WHEN items <> 1;": f"CONTINUE WHEN items <> 1; PERFORM pg_sleep({SLEEP});"}
    unlocked = {
        "FOR SHARE SKIP LOCKED": "",
        "FOR SHARE OF b SKIP LOCKED": "",
        "FOR NO KEY UPDATE SKIP LOCKED": "",
    }
    await stage.rewrite(_TURNS, slow if mutant is None else slow | unlocked)
    return await _shut_a_gate_while_a_claim_sleeps(stage)


async def _shut_a_gate_while_a_claim_sleeps(stage: Stage) -> list[str]:
    bot, broadcast = await stage.begin(50)
    # What an operator's command is made of, made before: then it takes no time.
    await stage.installation.container.get(SetReadOnly)
    await stage.start("worker")
    await stage.until_true("SELECT sent > 5 FROM tenant.broadcasts")
    await stage.until_true(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        " AND query_start > clock_timestamp() - interval '0.2 s'"
    )
    assert await stage.operators.shut_and_open(Act.READ_ONLY, bot, broadcast, 1.5)
    return await stage.judge(broadcast)


async def takeover_waits_for_a_claim(
    set_up: SetUp, mutant: str | None, cleanup: AsyncExitStack
) -> list[str]:
    """A lane is taken over while its holder, whose heart has stopped, is still committing."""
    stage = Stage(await set_up(rate=40, latency=_LATENCY), mutant)
    bot, broadcast = await stage.begin(40)
    await cleanup.enter_async_context(stage.witness)
    storage = await stage.installation.container.get(TenantStorage)
    async with storage.unit(bot.id, UnitKind.LANE) as unit:
        await unit.deliveries.freeze(broadcast.id)
        acquired = await unit.lane.acquire("a holder that dies")
        await unit.commit()
    assert acquired is not None
    async with storage.unit(bot.id, UnitKind.LANE) as unit:
        claim = await unit.lane.claim(acquired.lease, ClaimOrder(room=5, direct_room=5))
        assert len(claim.deliveries) == 5
        assert isinstance(unit, PostgresTenantUnit)
        # It stands as long as a transaction may that is under way and not idle.
        await unit.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        await stage.start("worker")
        # The heartbeat grows old by itself; what is waited for is the lock of this very unit.
        await stage.until_true(
            "SELECT count(*) > 0 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND query LIKE '%platform.lanes%'"
        )
        await unit.commit()
    return await stage.judge(broadcast)


async def killed_after_the_first_answers(
    set_up: SetUp, mutant: str | None, cleanup: AsyncExitStack
) -> list[str]:
    """A worker dies as soon as some of its messages have arrived."""
    stage = Stage(await set_up(rate=40, latency=_LATENCY), mutant)
    _, broadcast = await stage.begin(40)
    await cleanup.enter_async_context(stage.witness)
    end = Plan("send.after_http", skip=2)
    kept = await stage.installation.keep(stage.worker(), [end])
    found = await stage.judge(broadcast)
    assert [death.cause for death in kept.deaths] == ["send.after_http"]
    return found


async def answers_are_lost(set_up: SetUp, mutant: str | None, cleanup: AsyncExitStack) -> list[str]:
    """Telegram accepts some messages, and its answers don't come back."""
    stage = Stage(await set_up(rate=40, latency=_LATENCY), mutant)
    _, broadcast = await stage.begin(40)
    await cleanup.enter_async_context(stage.witness)
    await stage.scene.telegram.set_faults(
        FaultRule(action=FaultAction.DROP, when=FaultMoment.AFTER, skip=5, times=3)
    )
    await stage.start("worker")
    return await stage.judge(broadcast)
