"""Sessions of one bot, behind both locks: the ORM's, and the setting that row security reads.

Each lock holds by itself, so that a leak takes two mistakes.
"""

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import Select, bindparam, event, inspect, select, true
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, object_session
from sqlalchemy.sql import func

from skua_adapters._sql.orm_lock import UnscopedStatement, bot_of, narrow
from skua_adapters._sql.tables import TenantRow
from skua_adapters._sql.writes import forget_writes, has_written
from skua_core.errors import ForeignRow


@lru_cache(maxsize=16)
def _for_transaction(names: tuple[str, ...]) -> Select[Any]:
    """Sets these settings to the values of the parameters of the same names.

    For this transaction alone: a setting of the connection would meet whoever gets it next. Built
    once for each set of names, since a lane does this in each of its turns.
    """
    return select(*(func.set_config(name, bindparam(name), true()) for name in names))


class BotSession(Session):
    """Tells PostgreSQL which bot each transaction is about; without one there are no rows."""

    def __init__(
        self, *, bot_id: UUID | None, settings: Mapping[str, str] = MappingProxyType({}), **kw: Any
    ) -> None:
        """``settings`` are PostgreSQL's own, in force for each transaction."""
        super().__init__(**kw)
        # Never changed: rows of the former bot would still be found among those that are loaded.
        self._info = MappingProxyType({"bot_id": bot_id})
        self._settings = {"skua.bot_id": str(bot_id or ""), **settings}
        self._connection_info: MutableMapping[Any, Any] | None = None

    @property
    def info(self) -> Mapping[str, Any]:  # type: ignore[override] # not to be written
        return self._info

    def enter_bot(self, connection: Any) -> None:
        """What each transaction begins with."""
        self._connection_info = connection.info
        forget_writes(connection.info)
        connection.execute(_for_transaction(tuple(self._settings)), self._settings)

    @property
    def has_written(self) -> bool:
        """Whether the transaction has changed rows, or may have."""
        return self._connection_info is not None and has_written(self._connection_info)


class TenantSession(BotSession):
    """The same behind the ORM lock. Without a bot it reaches platform rows only."""

    def connection(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedStatement("statements on a bare connection can't be narrowed to a bot")

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedStatement("bulk operations can't be narrowed to a bot")

    bulk_insert_mappings = bulk_save_objects
    bulk_update_mappings = bulk_save_objects


def begin_now(session: Session) -> None:
    """Take a connection and begin, so that trouble with it shows here."""
    Session.connection(session)


@event.listens_for(BotSession, "after_begin")
def _enter_bot(session: BotSession, transaction: SessionTransaction, connection: Any) -> None:
    # A savepoint goes on with what its transaction began with.
    if not transaction.nested:
        session.enter_bot(connection)


@event.listens_for(TenantSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    narrow(state)


@event.listens_for(TenantSession, "before_flush")
def _check_flush(session: TenantSession, *_: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantRow):
            bot_id = bot_of(session, type(row).__name__)
            identity = inspect(row).identity
            if row.bot_id != bot_id or (identity is not None and identity[0] != bot_id):
                raise ForeignRow


@event.listens_for(TenantRow, "refresh", propagate=True)
@event.listens_for(TenantRow, "load", propagate=True)
def _check_loaded(row: TenantRow, *_: object) -> None:
    """Catches what no statement shows, such as an object that was handed in from elsewhere."""
    session = object_session(row)
    identity = inspect(row).identity
    if isinstance(session, TenantSession) and identity and identity[0] != session.info["bot_id"]:
        raise ForeignRow
