"""A lane's statements reach their rows by the index that is meant, without statistics too."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import TextClause

from skua_adapters.tenant_storage.postgres import claim_statements as claims
from skua_adapters.tenant_storage.postgres import delivery_statements as deliveries
from skua_adapters.tenant_storage.postgres import proof_statements as proofs
from skua_adapters.tenant_storage.postgres.unit import BY_KEY
from tests.contract.rigs.scene import Scene
from tests.contract.rigs.storage import StorageRig
from tests.postgres_cluster import Database

pytestmark = pytest.mark.external

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_SOME_ID = UUID(int=1)
_VALUES: dict[str, Any] = {
    "at": "2026-03-01",
    "at_end": True,
    "behind": True,
    "bot": _SOME_ID,
    "busy": [],
    "busy_with_others": [],
    "campaign": _SOME_ID,
    "candidates": 100,
    "chat": 5,
    "claimed": 0,
    "cursor": 100,
    "direct_room": 10,
    "epoch": 1,
    "id": _SOME_ID,
    "last": 200,
    "limit": 100,
    "message": 7,
    "outcomes": ["failed", "uncertain"],
    "paid": False,
    "put_back_room": 50,
    "revision": 1,
    "room": 50,
    "sending": _SOME_ID,
    "skipped": 0,
    "source": _SOME_ID,
    "sources": 20,
}
BY_POSITION = [claims.CLAIM_NEXT, deliveries.CANCEL_NEXT, deliveries.SEND_AGAIN]
BY_DUE_TIME = [
    claims.CLAIM_DUE,
    claims.LOCK_OPEN_ITEMS,
    claims.NEXT_DUE,
    deliveries.CANCEL_PUT_BACK,
]
BY_RECIPIENT = [
    proofs.UNPROVEN,
    proofs.IS_PROVABLE,
    proofs.PROVE,
    proofs.RECEIVED_LAST,
    proofs.COUNT_BLOCK,
]


@pytest.fixture
async def lane(
    postgres_storage: StorageRig, migrated_database: Database
) -> AsyncIterator[asyncpg.Connection]:
    """A transaction with a lane's settings, right after a freeze."""
    scene = await Scene.set(postgres_storage)
    await scene.subscribe(30)
    await scene.start()
    connection = await asyncpg.connect(migrated_database.dsn)
    transaction = connection.transaction()
    await transaction.start()
    for name, value in BY_KEY.items():
        await connection.execute("SELECT set_config($1, $2, true)", name, value)
    yield connection
    await transaction.rollback()
    await connection.close()


async def plan_of(lane: asyncpg.Connection, statement: TextClause) -> list[str]:
    """The lines of its generic plan."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    await lane.execute(f"PREPARE asked AS {_PARAMETER.sub(number, statement.text)}")
    arguments = ", ".join(literal(_VALUES[name]) for name in names)
    lines = await lane.fetch(f"EXPLAIN (COSTS off) EXECUTE asked({arguments})")
    return [line[0] for line in lines]


def literal(value: object) -> str:
    if isinstance(value, list):
        return f"'{{{','.join(value)}}}'"
    return f"'{value}'" if isinstance(value, UUID | str) else str(value).lower()


def index_conditions(plan: Sequence[str]) -> list[str]:
    return [line for line in plan if "Index Cond" in line]


@pytest.mark.parametrize("statement", BY_POSITION)
async def test_a_broadcasts_rows_are_found_by_position(
    lane: asyncpg.Connection, statement: TextClause
) -> None:
    plan = await plan_of(lane, statement)

    assert any('"position" > ' in line for line in index_conditions(plan)), plan
    assert not [line for line in plan if "Seq Scan" in line]


@pytest.mark.parametrize("statement", BY_DUE_TIME)
async def test_rows_that_were_put_back_are_found_by_their_due_time(
    lane: asyncpg.Connection, statement: TextClause
) -> None:
    plan = await plan_of(lane, statement)

    assert any("source_id_due_at_idx" in line for line in plan), plan
    assert not [line for line in plan if "Seq Scan" in line]


@pytest.mark.parametrize("statement", BY_RECIPIENT)
async def test_one_recipients_row_is_found_by_the_recipient(
    lane: asyncpg.Connection, statement: TextClause
) -> None:
    plan = await plan_of(lane, statement)

    of_deliveries = [line for line in index_conditions(plan) if "source_id" in line]
    assert of_deliveries, "\n".join(plan)
    assert all("subscriber_id = " in line for line in of_deliveries), plan
    assert not [line for line in plan if "Seq Scan" in line]


@pytest.mark.parametrize("statement", [*BY_POSITION, deliveries.CANCEL_PUT_BACK])
async def test_rows_of_a_known_broadcast_are_changed_in_its_partition_alone(
    lane: asyncpg.Connection, statement: TextClause
) -> None:
    plan = await plan_of(lane, statement)

    assert len([line for line in plan if "Tid Scan on deliveries" in line]) == 1, plan
