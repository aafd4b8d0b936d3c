"""Sessions of one bot: the ORM lock, and the setting that row security reads.

Each lock holds by itself, so that a leak takes two mistakes. The ORM lock narrows what it
understands to the session's bot, and refuses what it can't see through.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import Select, TextClause, event, inspect, select, true
from sqlalchemy.orm import ORMExecuteState, QueryContext, Session, with_loader_criteria
from sqlalchemy.sql import func, visitors
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.sql.expression import BindParameter, ColumnClause, TableClause
from sqlalchemy.sql.schema import Table

from skua_adapters._sql.tables import TenantBase, TenantRow
from skua_core.errors import ForeignRow, NoTenant

_SCHEMA = TenantBase.metadata.schema
_IN_TEXT = re.compile(rf'\b{_SCHEMA}\b"?\s*\.', re.IGNORECASE)


class UnscopedStatement(Exception):
    """A statement reaches tenant rows in a way that the ORM lock can't hold: a defect of ours."""


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

    @property
    def info(self) -> Mapping[str, Any]:  # type: ignore[override] # not to be written
        return self._info

    def begin_now(self) -> None:
        """Take a connection and begin, so that trouble with it shows here."""
        Session.connection(self)


class TenantSession(BotSession):
    """The same behind the ORM lock. Without a bot it reaches platform rows only."""

    def connection(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedStatement("statements on a bare connection pass the ORM lock by")

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        raise UnscopedStatement("bulk operations pass the ORM lock by")

    bulk_insert_mappings = bulk_save_objects
    bulk_update_mappings = bulk_save_objects


@event.listens_for(BotSession, "after_begin")
def _enter_bot(session: BotSession, _: object, connection: Any) -> None:
    # For this transaction alone: a setting of the connection would meet whoever gets it next.
    calls = (func.set_config(name, value, true()) for name, value in session._settings.items())
    connection.execute(select(*calls))


@event.listens_for(TenantSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    parts = tuple(visitors.iterate(state.statement))
    for part in parts:
        _check_text(part, state)
    if not any(_is_tenant_table(part) for part in parts):
        return
    bot_id = _bot_of(state.session)
    if isinstance(state.statement, Insert):
        _check_insert(state.statement, state.parameters, bot_id)
        return
    if state.is_from_statement or not all(_is_mapped(part) for part in parts):
        raise UnscopedStatement("reach tenant tables through their mapped classes")
    if isinstance(state.statement, Update):
        _check_update(state.statement, state)
    state.statement = state.statement.options(
        with_loader_criteria(TenantRow, lambda row: row.bot_id == bot_id, include_aliases=True)
    )


@event.listens_for(TenantSession, "before_flush")
def _check_flush(session: TenantSession, *_: object) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantRow):
            bot_id = _bot_of(session, row)
            identity = inspect(row).identity
            if row.bot_id != bot_id or (identity is not None and identity[0] != bot_id):
                raise ForeignRow


@event.listens_for(TenantRow, "refresh", propagate=True)
@event.listens_for(TenantRow, "load", propagate=True)
def _check_loaded(row: TenantRow, context: QueryContext, *_: object) -> None:
    session = context.session
    identity = inspect(row).identity
    if isinstance(session, TenantSession) and identity and identity[0] != session.info["bot_id"]:
        raise ForeignRow


def _bot_of(session: Session, wanted: object = "a tenant table") -> UUID:
    bot_id: UUID | None = session.info["bot_id"]
    if bot_id is None:
        raise NoTenant(wanted if isinstance(wanted, str) else type(wanted).__name__)
    return bot_id


def _check_text(part: object, state: ORMExecuteState) -> None:
    """SQL that is written out must name the bot as ``:bot``, and name this one."""
    if isinstance(part, ColumnClause) and part.is_literal and _is_about_tenants(part.name):
        raise UnscopedStatement("literal columns pass the ORM lock by")
    if not isinstance(part, TextClause) or not _is_about_tenants(part.text):
        return
    bot_id = _bot_of(state.session)
    bound = {each.key: each.value for each in visitors.iterate(part) if _is_bound(each)}
    if "bot" not in bound:
        raise UnscopedStatement("text about tenant tables must name its bot as :bot")
    for parameters in _each(state.parameters):
        if parameters.get("bot", bound["bot"]) != bot_id:
            raise ForeignRow


def _check_insert(statement: Insert, parameters: Any, bot_id: UUID) -> None:
    if statement.select is not None:
        raise UnscopedStatement("INSERT … SELECT passes the ORM lock by")
    written = [_by_name(statement._values or {})]
    if statement._multi_values:
        written = [_by_name(row) for rows in statement._multi_values for row in rows]
    for given in _each(parameters):
        if any((row | given).get("bot_id") != bot_id for row in written):
            raise ForeignRow


def _check_update(statement: Update, state: ORMExecuteState) -> None:
    if state.is_executemany:
        raise UnscopedStatement("updates by a list of keys pass the ORM lock by")
    if "bot_id" in _by_name(statement._values or {}):
        raise ForeignRow


def _by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        getattr(column, "key", column): value.value if isinstance(value, BindParameter) else value
        for column, value in values.items()
    }


def _each(parameters: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(parameters, list):
        yield from parameters
    else:
        yield parameters or {}


def _is_tenant_table(part: object) -> bool:
    return isinstance(part, TableClause) and part.schema == _SCHEMA


def _is_mapped(part: object) -> bool:
    """Whether the criteria reach it: not so the tables of a statement without mapped classes."""
    if isinstance(part, Select):
        is_orm = part._propagate_attrs.get("compile_state_plugin") == "orm"
        return is_orm or not any(
            _is_tenant_table(each)
            for table in part.get_final_froms()
            for each in visitors.iterate(table)
        )
    return isinstance(part, Table) or not _is_tenant_table(part)


def _is_bound(part: object) -> bool:
    return isinstance(part, BindParameter)


@lru_cache(maxsize=1024)
def _is_about_tenants(text: str) -> bool:
    return _IN_TEXT.search(text) is not None
