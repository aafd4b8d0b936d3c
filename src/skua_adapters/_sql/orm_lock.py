"""The ORM's tenancy lock: narrows a statement to the session's bot, or refuses it."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Insert, Select, TextClause, Update
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import BindParameter, ColumnClause, Executable, TableClause
from sqlalchemy.sql.schema import Table

from skua_adapters._sql.tables import TenantBase, TenantRow
from skua_core.errors import ForeignRow, NoTenant

_SCHEMA = TenantBase.metadata.schema
_IN_TEXT = re.compile(rf'\b{_SCHEMA}\b"?\s*\.', re.IGNORECASE)


class UnscopedStatement(Exception):
    """A statement reaches tenant rows in a way that can't be narrowed: a defect of ours."""


def narrow(state: ORMExecuteState) -> None:
    """Add the bot to what selects, updates or deletes tenant rows.

    Raises NoTenant outside any bot, ForeignRow for rows of another, and UnscopedStatement for what
    can't be seen through.
    """
    parts = _parts(state.statement)
    for part in parts:
        _check_text(part, state)
    if not any(_is_tenant_table(part) for part in parts):
        return
    bot_id = bot_of(state.session, "a tenant table")
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


def bot_of(session: Session, wanted: str) -> UUID:
    bot_id: UUID | None = session.info["bot_id"]
    if bot_id is None:
        raise NoTenant(wanted)
    return bot_id


def _parts(statement: Executable) -> tuple[Any, ...]:
    return tuple(visitors.iterate(statement))  # type: ignore[arg-type] # any statement is


def _check_text(part: Any, state: ORMExecuteState) -> None:
    """SQL that is written out must name its bot as ``:bot``, and that must be this one."""
    if isinstance(part, ColumnClause) and part.is_literal and _is_about_tenants(part.name):
        raise UnscopedStatement("written-out columns can't be narrowed to a bot")
    if not isinstance(part, TextClause) or not _is_about_tenants(part.text):
        return
    bot_id = bot_of(state.session, "a tenant table")
    bound = {each.key: each.value for each in _parts(part) if isinstance(each, BindParameter)}
    if "bot" not in bound:
        raise UnscopedStatement("text() about tenant tables must name its bot as :bot")
    for given in _each(state.parameters):
        if given.get("bot", bound["bot"]) != bot_id:
            raise ForeignRow


def _check_insert(statement: Insert, parameters: Any, bot_id: UUID) -> None:
    if statement.select is not None:
        raise UnscopedStatement("INSERT … SELECT can't be narrowed to a bot")
    rows = [_by_name(row) for many in statement._multi_values for row in many]  # noqa: SLF001 - said nowhere else
    for row in rows or [_values(statement)]:
        for given in _each(parameters):
            if given.get("bot_id", row.get("bot_id")) != bot_id:
                raise ForeignRow


def _check_update(statement: Update, state: ORMExecuteState) -> None:
    if state.is_executemany:
        raise UnscopedStatement("updates by a list of keys can't be narrowed to a bot")
    if "bot_id" in _values(statement):
        raise ForeignRow


def _values(statement: Insert | Update) -> dict[str, Any]:
    return _by_name(statement._values or {})  # noqa: SLF001 - said nowhere else


def _by_name(values: Any) -> dict[str, Any]:
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


def _is_mapped(part: Any) -> bool:
    """False for tenant tables that stand in a statement without their mapped class."""
    if isinstance(part, Select):
        tables: Any = part.get_final_froms()
    elif isinstance(part, Update | Delete):
        tables = [part.table]
    else:
        return isinstance(part, Table) or not _is_tenant_table(part)
    by_mapped_class = part._propagate_attrs.get("compile_state_plugin") == "orm"  # noqa: SLF001 - said nowhere else
    return by_mapped_class or not any(
        _is_tenant_table(each) for table in tables for each in visitors.iterate(table)
    )


@lru_cache(maxsize=1024)
def _is_about_tenants(text: str) -> bool:
    return _IN_TEXT.search(text) is not None
