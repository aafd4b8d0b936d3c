"""Server and worker are killed again and again during one broadcast; Skua goes on by itself."""

import asyncio
import signal
from collections import Counter

import pytest

from skua_adapters.telegram_simulator import LatencySettings, ReceiptBook
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.domain.pace import MAX_WINDOW, MIN_WINDOW
from skua_core.faults import POINTS
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot
from tests.e2e.delivery.invariants import arrivals
from tests.e2e.delivery.ledger import BotBooks, Row
from tests.e2e.delivery.programs import Death, KeptProgram, Plan

pytestmark = [pytest.mark.external, pytest.mark.timeout(300)]

AUDIENCE, NEWCOMERS, SMALL_AUDIENCE = 3000, 500, 300
RATE = 150.0
LATENCY = LatencySettings(mean=0.2, deviation=0.05)
SLOW = LatencySettings(mean=1.0)
"""For the last ones, so that the end can be seen coming."""
ASSUMED_LATENCY = 0.3
"""What a lane takes for granted before it has measured any."""
WAY_THERE = 0.1
"""Seconds that a request may be on its way, which the book can't tell."""


def _worker_plans(scene: Scene) -> list[Plan]:
    """One end at each fault point of a worker, at passages drawn from the seed.

    The first life begins with a webhook to repair, whose set-up an operator's death left.
    """
    draw = scene.randomness
    points = [
        ("audit.before_insert", 0),
        ("claim.after_commit", draw.randrange(4, 10)),
        ("send.before_http", draw.randrange(40, 120)),
        ("send.after_http", draw.randrange(40, 120)),
        ("result.before_commit", draw.randrange(8, 16)),
        ("heartbeat.skip", draw.randrange(2, 5)),
    ]
    return [
        Plan(point, skip, probability=0.25 if skip else 1.0, seed=scene.seed)
        for point, skip in points
    ]


def _server_plans(scene: Scene) -> list[Plan]:
    skips = (scene.randomness.randrange(20, 60) for _ in range(2))
    return [Plan("webhook.after_insert", skip, 0.25, scene.seed) for skip in skips]


async def test_nobody_is_skipped_or_served_twice_whatever_is_killed(set_up: SetUp) -> None:
    scene = await set_up(bots=2, rate=RATE, latency=LATENCY)
    installation, telegram = scene.installation, scene.telegram
    bot, audience = await scene.connect(AUDIENCE)
    other, _ = await scene.connect(SMALL_AUDIENCE, number=1)
    broadcast = await installation.broadcast(bot, "spring")
    small = await installation.broadcast(other, "autumn")
    operators_death = await _set_token_and_die(scene, bot)
    worker = await installation.keep(installation.worker(), _worker_plans(scene))
    server = await installation.keep(installation.server(), _server_plans(scene))
    await installation.until_broadcast(broadcast, lambda row: row["frozen_at"] is not None)
    newcomers = range(audience.stop, audience.stop + NEWCOMERS)
    await telegram.join(bot.telegram_id, newcomers, rate=25)
    await telegram.block(bot.telegram_id, *audience[::100])
    async with asyncio.TaskGroup() as killers:
        killers.create_task(_kill_worker(scene, worker, broadcast))
        killers.create_task(_kill_server(scene, server, bot))
    for each in (broadcast, small):
        await installation.until_broadcast(each, lambda row: row["finished_at"] is not None)
    await installation.until(lambda: _no_update_waits(scene, bot), "the last update's end")

    deaths = [operators_death, *worker.deaths, *server.deaths]
    print(*deaths, sep="\n")  # noqa: T201 - pytest shows it with a failure
    books, _ = await installation.books()
    book = telegram.book()
    await scene.assert_promises_kept()
    _assert_killed_enough(deaths)
    _assert_uncertain_within_windows(books, worker.deaths, book)
    arrived = arrivals(books, book)
    fates = Counter((row.source_id, row.chat_id) in arrived for row in _uncertain(books))
    print("Did what is uncertain arrive?", fates)  # noqa: T201 - as above
    assert fates[True]
    assert fates[False]
    joined = await installation.row(
        "SELECT count(*) FROM tenant.subscribers WHERE bot_id = $1 AND chat_id >= $2"
        " AND status = 'active'",
        bot.id,
        newcomers.start,
    )
    assert joined["count"] == NEWCOMERS


async def _set_token_and_die(scene: Scene, bot: ConnectedBot) -> Death:
    """An operator's command is killed between the commit and the call to Telegram."""
    point = "token.after_commit_before_set_webhook"
    operator = scene.installation.operator("set-token", bot.slug, SKUA_TEST_TOKEN=bot.token)
    await operator.start(Plan(point))
    return await scene.installation.look_at_death(operator.death(point, await operator.ended()))


async def _kill_worker(scene: Scene, worker: KeptProgram, broadcast: Broadcast) -> None:
    """First at its fault points; then from outside; at last when nothing is pending any more."""
    installation = scene.installation
    await _until_plans_are_through(scene, worker)
    for number in range(3):
        await installation.until(lambda: _holds_a_lane(scene, worker), "the worker's next lane")
        await asyncio.sleep(scene.randomness.uniform(0.2, 0.8))
        worker.kill(f"from outside {number}")
        await _until_born_again(scene, worker)
    await installation.until_broadcast(broadcast, lambda row: row["pending"] < MAX_WINDOW)
    await scene.telegram.set_latency(SLOW)
    await installation.until_broadcast(
        broadcast, lambda row: row["pending"] == 0 < row["in_flight"], pause=0.005
    )
    worker.kill("nothing pending")
    await _until_born_again(scene, worker)
    await scene.telegram.set_latency(LATENCY)


async def _kill_server(scene: Scene, server: KeptProgram, bot: ConnectedBot) -> None:
    await _until_plans_are_through(scene, server)
    before = await _joined(scene, bot)
    await scene.installation.until(
        lambda: _joined_more_than(scene, bot, before), "the server's next intake"
    )
    server.kill("from outside")
    await _until_born_again(scene, server)


async def _until_plans_are_through(scene: Scene, kept: KeptProgram) -> None:
    async def look() -> bool | None:
        if kept.failure is not None:
            raise kept.failure
        return None if kept.plan.point else True

    await scene.installation.until(look, f"all deaths of the {kept.program.name}")


async def _until_born_again(scene: Scene, kept: KeptProgram) -> None:
    life = kept.lives

    async def look() -> bool | None:
        return True if kept.lives > life else None

    await scene.installation.until(look, f"another life of the {kept.program.name}")


async def _holds_a_lane(scene: Scene, worker: KeptProgram) -> bool | None:
    row = await scene.installation.row(
        "SELECT count(*) FROM platform.lanes l JOIN tenant.broadcasts b ON b.bot_id = l.bot_id"
        " WHERE l.holder LIKE $1 AND b.in_flight > 0",
        f"%:{worker.program.pid}:%",
    )
    return True if row["count"] else None


async def _joined(scene: Scene, bot: ConnectedBot) -> int:
    row = await scene.installation.row(
        "SELECT count(*) FROM tenant.updates WHERE bot_id = $1", bot.id
    )
    count: int = row["count"]
    return count


async def _joined_more_than(scene: Scene, bot: ConnectedBot, before: int) -> bool | None:
    return True if await _joined(scene, bot) > before else None


async def _no_update_waits(scene: Scene, bot: ConnectedBot) -> bool | None:
    about = await scene.telegram.about(bot.telegram_id)
    all_came = about["joins"]["joined"] == NEWCOMERS
    return True if all_came and about["webhook"]["pending_update_count"] == 0 else None


def _assert_killed_enough(deaths: list[Death]) -> None:
    assert len(deaths) >= 10
    assert {death.code for death in deaths} == {-signal.SIGKILL}, "something ended by itself"
    assert {death.cause for death in deaths} >= POINTS
    hit = [death for death in deaths if death.in_flight]
    assert 2 * len(hit) >= len(deaths), "too few kills hit rows in flight"
    assert any(death.in_flight and not death.pending for death in deaths)


def _assert_uncertain_within_windows(
    books: BotBooks, deaths: list[Death], book: ReceiptBook
) -> None:
    """A window is rate x latency x 1.5; the latency is taken from when outcomes were recorded."""
    uncertain = _uncertain(books)
    assert {row.reason for row in uncertain} == {Reason.LANE_TAKEN_OVER}
    by_epoch = Counter(row.epoch for row in uncertain)
    assert len(by_epoch) <= sum(death.lanes > 0 for death in deaths)
    arrival = {receipt.chat_id: receipt.at for receipt in book.accepted(bot_id=books.telegram_id)}
    for epoch, number in by_epoch.items():
        waits = [
            row.finished_at - arrival[row.chat_id]
            for row in books.rows
            if row.epoch == epoch and row.status is DeliveryStatus.SENT and row.finished_at
        ]
        latency = max([ASSUMED_LATENCY, *waits]) + WAY_THERE
        window = max(MIN_WINDOW, round(RATE * latency * 1.5))
        print(f"Lease {epoch} left {number} of at most {window}")  # noqa: T201 - as above
        assert number <= min(window, MAX_WINDOW)


def _uncertain(books: BotBooks) -> list[Row]:
    return [row for row in books.rows if row.status is DeliveryStatus.UNCERTAIN]
