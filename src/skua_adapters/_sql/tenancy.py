"""Sessions of one bot: the ORM lock, and the setting that row security reads.

Each lock holds alone; a bug has to open both. What the ORM lock can't see through, it refuses.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import TextClause, event, inspect, select
from sqlalchemy.orm import (
    ORMExecuteState,
    QueryContext,
    Session,
    SessionTransaction,
    UOWTransaction,
    with_loader_criteria,
)
from sqlalchemy.sql import func, visitors
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.schema import Table

from skua_adapters._sql.tables import TenantBase, TenantRow
from skua_core.errors import ForeignRow, NoTenant

_SCHEMA = TenantBase.metadata.schema


class UnscopedStatement(Exception):
    """A statement reaches tenant rows in a way that the ORM lock can't hold: a defect of ours."""


class BotSession(Session):
    """Tells PostgreSQL which bot each transaction is about; without one it has no rows."""

    def __init__(self, *, bot_id: UUID | None, settings: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        # Not to be changed: rows of another bot would be found among those already loaded.
        self._info = MappingProxyType({"bot_id": bot_id})
        self.settings = {"skua.bot_id": str(bot_id or ""), **settings}

    @property
    def info(self) -> Mapping[str, Any]:  # type: ignore[override] # SQLAlchemy's can be changed
        return self._info


class TenantSession(BotSession):
    """The same behind the ORM lock. Without a bot it may touch platform rows only."""

    def begin_now(self) -> None:
        """Take a connection and begin, so that trouble with it shows here."""
        super().connection()

    def connection(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedStatement("a connection of its own passes the ORM lock by")

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedStatement("bulk saves pass the ORM lock by")

    bulk_insert_mappings = bulk_save_objects
    bulk_update_mappings = bulk_save_objects


@event.listens_for(BotSession, "after_begin")
def _enter_bot(session: BotSession, _: SessionTransaction, connection: Any) -> None:
    """For this transaction alone: a setting of the connection would meet its next user."""
    connection.execute(
        select(*(func.set_config(name, value, True) for name, value in session.settings.items()))  # noqa: FBT003 - is_local
    )


@event.listens_for(TenantSession, "do_orm_execute")
def _hold_statement(state: ORMExecuteState) -> None:
    if isinstance(state.statement, TextClause):
        _check_text(state, state.statement)
        return
    if not _tenant_tables(state):
        return
    bot_id = _bot_of(state.session)
    if state.is_insert:
        _check_insert(state, bot_id)
    elif state.is_from_statement or not state.is_orm_statement:
        raise UnscopedStatement("use mapped classes, or text() with :bot in a reviewed module")
    elif (state.is_update or state.is_delete) and not isinstance(state.parameters, Mapping | None):
        raise UnscopedStatement("updates by a list of keys pass the ORM lock by")
    _add_criteria(state, bot_id)
