"""Ways in which the delivery engine could be wrong. Never shipped: tests run workers with them.

Each replaces one part behind a port, or one that is named here, and fails to start where that part
isn't to be found any more.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

import msgspec
from dishka import provide
from sqlalchemy import TextClause, text

from skua_adapters.id_factory.uuid7 import Uuid7IdFactory
from skua_adapters.messenger.telegram import TelegramMessenger
from skua_adapters.tenant_storage.postgres import PostgresTenantStorage, claim_statements
from skua_adapters.tenant_storage.postgres import lane_statements as sql
from skua_adapters.tenant_storage.postgres.turn_groups import PostgresTurnGroups
from skua_adapters.tenant_storage.postgres.unit import PostgresTenantUnit
from skua_app import container
from skua_app.settings import load
from skua_core.domain.delivery import Claim
from skua_core.domain.lane import AcquiredLane, ClaimOrder, Lease
from skua_core.domain.secret import BotToken
from skua_core.ids import BotId, LeaseId
from skua_core.ports.lane_ledger import LaneLedger
from skua_core.ports.messenger import NotSent, OutboundMessage, SendOutcome, Unknown
from skua_core.ports.tenant_storage import TenantStorage, TenantUnit, UnitKind
from skua_core.ports.turn_groups import PlainTurn
from skua_core.use_cases import lanes
from skua_core.use_cases.lane_guard import LaneGuard

SLEEP = 0.6
"""Seconds that a claim stands between its look at the gates and its rows, for both."""
_DELAY = 1.0
"""Seconds by which a commit comes too late."""


class Ledger:
    """A lane's ledger as it should be; mutants change one method."""

    def __init__(self, inner: LaneLedger, unit: PostgresTenantUnit) -> None:
        self.inner = inner
        self.unit = unit

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


# Without the fence


class FencelessGuard(LaneGuard):
    def lose(self) -> None:
        return

    def may_act(self) -> bool:
        return True


class UncheckedLedger(Ledger):
    """Claims with whatever lease is in force, whoever has it."""

    async def claim(self, lease: Lease, order: ClaimOrder) -> Claim:
        present = await self.unit.session.scalar(
            text("SELECT lease_id FROM platform.lanes WHERE bot_id = :bot"), {"bot": lease.bot_id}
        )
        if present is not None:
            lease = msgspec.structs.replace(lease, lease_id=LeaseId(present))
        return await self.inner.claim(lease, order)


def without_the_fence() -> None:
    _replace(lanes, "LaneGuard", FencelessGuard)
    _use_ledger(UncheckedLedger)


# Without the gate lock


def slow_claims() -> None:
    """No mutant: it only gives whoever shuts a gate the time to do so within a claim."""
    _take_turns_in_units_alone()
    _replace(claim_statements, "LOCK_OPEN_ITEMS", _slowed(claim_statements.LOCK_OPEN_ITEMS))


def without_the_gate_lock() -> None:
    _replace(sql, "SHARE_LANE", _unlocked(sql.SHARE_LANE))
    _replace(claim_statements, "SHARE_BOT", _unlocked(claim_statements.SHARE_BOT))
    _replace(claim_statements, "LOCK_OPEN_ITEMS", _unlocked(claim_statements.LOCK_OPEN_ITEMS))
    slow_claims()


def _unlocked(statement: TextClause) -> TextClause:
    changed, number = re.subn(r"FOR (SHARE|NO KEY UPDATE|UPDATE)", "", statement.text)
    assert number == 1, f"one lock was expected in {statement.text}"
    return text(changed)


def _slowed(statement: TextClause) -> TextClause:
    return text(
        f"WITH items AS MATERIALIZED ({statement.text}), stand AS MATERIALIZED"  # noqa: S608
        f" (SELECT pg_sleep({SLEEP}) FROM (SELECT 1 FROM items LIMIT 1) AS one)"
        " SELECT items.* FROM items CROSS JOIN stand ORDER BY items.id"
    )


# With takeover in one statement

_ACQUIRE = text("""
    WITH free AS (
        SELECT bot_id FROM platform.lanes
        WHERE bot_id = :bot AND (
            lease_id IS NULL OR heartbeat_at IS NULL
            OR heartbeat_at < clock_timestamp() - make_interval(secs => :takeover))
        FOR UPDATE
    ), taken AS (
        UPDATE platform.lanes l
        SET lease_id = :lease, holder = :holder, epoch = l.epoch + 1,
            heartbeat_at = clock_timestamp()
        FROM free WHERE l.bot_id = free.bot_id
        RETURNING l.epoch, l.learned_rate,
            extract(epoch FROM l.not_before - clock_timestamp())::float8 AS wait
    ), stranded AS (
        UPDATE tenant.deliveries d
        SET status = 'uncertain', reason = 'lane_taken_over', finished_at = clock_timestamp()
        FROM taken WHERE d.bot_id = :bot AND d.status = 'in_flight'
        RETURNING d.source_id
    ), moved AS (
        SELECT source_id, count(*)::int AS n FROM stranded GROUP BY source_id
    ), counted AS (
        UPDATE tenant.broadcasts b
        SET in_flight = b.in_flight - m.n, uncertain = b.uncertain + m.n,
            status = CASE WHEN b.status = 'sending' AND b.pending = 0 AND b.in_flight = m.n
                THEN 'completed' ELSE b.status END,
            finished_at = CASE WHEN b.status IN ('sending', 'cancelled') AND b.pending = 0
                AND b.in_flight = m.n THEN clock_timestamp() ELSE b.finished_at END
        FROM moved m WHERE b.bot_id = :bot AND b.id = m.source_id
    )
    SELECT epoch, learned_rate, wait, (SELECT count(*)::int FROM stranded) AS stranded FROM taken
""")


class HastyLedger(Ledger):
    """Looks for what is in flight in a snapshot from before it waited for the lane."""

    async def acquire(self, holder: str) -> AcquiredLane | None:
        bot_id = self.unit.bot_id
        lease_id = LeaseId(Uuid7IdFactory().unguessable())
        found = await self.unit.session.execute(
            _ACQUIRE,
            {
                "bot": bot_id,
                "takeover": load(os.environ).lane_times.takeover,
                "lease": lease_id,
                "holder": holder,
            },
        )
        taken = found.one_or_none()
        if taken is None:
            return None
        return AcquiredLane(
            lease=Lease(bot_id=bot_id, lease_id=lease_id, epoch=taken.epoch, holder=holder),
            wait=max(0.0, taken.wait or 0.0),
            learned_rate=taken.learned_rate,
            made_uncertain=taken.stranded,
        )


def with_takeover_in_one_statement() -> None:
    _use_ledger(HastyLedger)


# With the send before the claim's commit


class CommitsLate(Ledger):
    """Notes whether anything was claimed."""

    claimed = False

    async def claim(self, lease: Lease, order: ClaimOrder) -> Claim:
        claim = await self.inner.claim(lease, order)
        self.claimed = bool(claim.deliveries)
        return claim


class LateStorage(PostgresTenantStorage):
    """Says that a claim is committed, and commits it a second later."""

    _late: ClassVar[set[asyncio.Task[None]]] = set()

    @asynccontextmanager
    async def unit(
        self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
    ) -> AsyncIterator[TenantUnit]:
        context = super().unit(bot_id, kind)
        unit = cast(PostgresTenantUnit, await context.__aenter__())
        ledger = CommitsLate(unit.lane, unit)
        unit.lane = ledger  # type: ignore[assignment]
        commit, wanted = unit.commit, False

        async def pretend() -> None:
            nonlocal wanted
            wanted = True

        unit.commit = pretend  # type: ignore[method-assign]
        try:
            yield unit
        except BaseException as error:
            await context.__aexit__(type(error), error, error.__traceback__)
            raise
        if ledger.claimed and wanted:
            late = asyncio.create_task(self._finish(context, commit))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return
        if wanted:
            await commit()
        await context.__aexit__(None, None, None)

    async def _finish(self, context: Any, commit: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(_DELAY)
        await commit()
        await context.__aexit__(None, None, None)


def with_the_send_before_the_commit() -> None:
    _take_turns_in_units_alone()
    _use_storage(LateStorage)


# With a retry after a timeout


class RetryingMessenger(TelegramMessenger):
    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        outcome = await super().send(token, message)
        return NotSent(outcome.reason) if isinstance(outcome, Unknown) else outcome


def with_retry_after_a_timeout() -> None:
    _replace(container, "TelegramMessenger", RetryingMessenger)


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        without_the_fence,
        without_the_gate_lock,
        slow_claims,
        with_takeover_in_one_statement,
        with_the_send_before_the_commit,
        with_retry_after_a_timeout,
    )
}


def _replace(module: object, name: str, by: object) -> None:
    assert hasattr(module, name), f"{module} has no {name} any more: aim this mutant anew"
    setattr(module, name, by)


def _take_turns_in_units_alone() -> None:
    """The short way of turns, many in one call, would go past what is changed here."""

    async def none(_: PostgresTurnGroups, turns: Sequence[PlainTurn]) -> list[Claim | None]:
        return [None] * len(turns)

    _replace(PostgresTurnGroups, "take", none)


def _use_storage(storage: type[PostgresTenantStorage]) -> None:
    provider = container.PostgresProvider
    assert "tenants" in vars(provider), "another provider makes the TenantStorage now"
    provider.tenants = provide(storage, provides=TenantStorage)


def _use_ledger(ledger: type[Ledger]) -> None:
    class Storage(PostgresTenantStorage):
        @asynccontextmanager
        async def unit(
            self, bot_id: BotId, kind: UnitKind = UnitKind.COMMAND
        ) -> AsyncIterator[TenantUnit]:
            async with super().unit(bot_id, kind) as unit:
                assert isinstance(unit, PostgresTenantUnit)
                unit.lane = ledger(unit.lane, unit)  # type: ignore[assignment]
                yield unit

    _use_storage(Storage)
