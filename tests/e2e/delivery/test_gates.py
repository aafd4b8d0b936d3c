"""After pause, cancel, read-only or the token's removal has answered, nothing more is claimed."""

import signal
from collections.abc import Awaitable, Callable

import pytest

from skua_adapters.telegram_simulator import LatencySettings
from skua_core.domain.broadcast import Broadcast
from skua_core.domain.delivery import DeliveryStatus, Reason
from skua_core.domain.secret import BotToken
from skua_core.use_cases.bots import (
    RemoveToken,
    RemoveTokenCommand,
    SetReadOnly,
    SetReadOnlyCommand,
    SetToken,
    SetTokenCommand,
)
from tests.e2e.delivery.conftest import Scene, SetUp
from tests.e2e.delivery.installation import ConnectedBot
from tests.e2e.delivery.programs import Plan

pytestmark = [pytest.mark.external, pytest.mark.timeout(180)]

Act = Callable[[Scene, ConnectedBot, Broadcast], Awaitable[None]]
_STEP = 60
"""Messages between two gates."""


async def _pause(scene: Scene, bot: ConnectedBot, broadcast: Broadcast) -> None:
    await scene.installation.pause(bot, broadcast)


async def _resume(scene: Scene, bot: ConnectedBot, broadcast: Broadcast) -> None:
    await scene.installation.resume(bot, broadcast)


async def _make_read_only(scene: Scene, bot: ConnectedBot, _: Broadcast) -> None:
    switch = await scene.installation.container.get(SetReadOnly)
    await switch(SetReadOnlyCommand(access=bot.access, read_only=True))


async def _make_writable(scene: Scene, bot: ConnectedBot, _: Broadcast) -> None:
    switch = await scene.installation.container.get(SetReadOnly)
    await switch(SetReadOnlyCommand(access=bot.access, read_only=False))


async def _remove_token(scene: Scene, bot: ConnectedBot, _: Broadcast) -> None:
    remove = await scene.installation.container.get(RemoveToken)
    await remove(RemoveTokenCommand(access=bot.access))


async def _set_token(scene: Scene, bot: ConnectedBot, _: Broadcast) -> None:
    set_token = await scene.installation.container.get(SetToken)
    await set_token(SetTokenCommand(access=bot.access, token=BotToken(bot.token)))


GATES: list[tuple[Act, Act]] = [
    (_pause, _resume),
    (_make_read_only, _make_writable),
    (_remove_token, _set_token),
]


async def test_closed_gate_stops_claims_and_an_open_one_lets_them_go_on(set_up: SetUp) -> None:
    scene = await set_up(rate=100, latency=LatencySettings(mean=0.3, deviation=0.05))
    bot, _ = await scene.connect(600)
    broadcast = await scene.installation.broadcast(bot, "spring")
    await scene.installation.start(scene.installation.worker())

    for close, reopen in GATES:
        await scene.until_sent(broadcast, more=_STEP)
        await close(scene, bot, broadcast)
        closed_at = await _database_time(scene)
        row = await scene.installation.until_broadcast(broadcast, lambda row: row["in_flight"] == 0)
        await _assert_nothing_claimed_since(scene, closed_at, close)
        assert row["pending"], "the broadcast was over before the gate closed"
        await reopen(scene, bot, broadcast)
    await scene.installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)

    (books,) = await scene.installation.books()
    assert books.broadcasts[0].counts[DeliveryStatus.SENT] == 600
    await scene.assert_promises_kept()


async def test_cancelled_broadcast_skips_whoever_waits(set_up: SetUp) -> None:
    scene = await set_up(rate=100, latency=LatencySettings(mean=0.3, deviation=0.05))
    bot, _ = await scene.connect(1000)
    broadcast = await scene.installation.broadcast(bot, "spring")
    await scene.installation.start(scene.installation.worker())
    await scene.until_sent(broadcast, more=_STEP)
    await scene.installation.cancel(bot, broadcast)
    cancelled_at = await _database_time(scene)
    await scene.installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)

    await _assert_nothing_claimed_since(scene, cancelled_at, _pause)
    (books,) = await scene.installation.books()
    counts = books.broadcasts[0].counts
    assert counts[DeliveryStatus.SENT] + counts[DeliveryStatus.SKIPPED] == 1000
    assert counts[DeliveryStatus.SKIPPED]
    skipped = {row.reason for row in books.rows if row.status is DeliveryStatus.SKIPPED}
    assert skipped == {Reason.CANCELLED}
    await scene.assert_promises_kept()


async def test_pause_that_dies_before_its_audit_entry_never_was(set_up: SetUp) -> None:
    scene = await set_up(rate=100)
    bot, _ = await scene.connect(10)
    broadcast = await scene.installation.broadcast(bot, "spring")
    operator = scene.installation.operator("pause", bot.slug, str(broadcast.id))
    await operator.start(Plan("audit.before_insert"))

    assert await operator.ended() == -signal.SIGKILL
    assert (await scene.installation.broadcast_row(broadcast))["status"] == "sending"
    await scene.installation.start(scene.installation.worker())
    await scene.installation.until_broadcast(broadcast, lambda row: row["finished_at"] is not None)
    await scene.assert_promises_kept()


async def _database_time(scene: Scene) -> float:
    row = await scene.installation.row(
        "SELECT extract(epoch FROM clock_timestamp())::float8 AS now"
    )
    now: float = row["now"]
    return now


async def _assert_nothing_claimed_since(scene: Scene, moment: float, gate: Act) -> None:
    (books,) = await scene.installation.books()
    claimed = [row for row in books.rows if row.claimed_at is not None and row.claimed_at > moment]
    assert claimed == [], f"claimed after {gate.__name__}"
