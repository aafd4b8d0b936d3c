"""From what the driver says to what Skua says; no row's values get any further."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from skua_core.errors import (
    BroadcastAlreadySending,
    EmailInUse,
    ForeignRow,
    SkuaError,
    StorageUnavailable,
    StorageUnfit,
    UserNotFound,
)


class Trouble(StrEnum):
    """Reasons of StorageUnavailable."""

    LOST = "no connection"
    STARTING = "it is starting or stopping"
    BUSY = "no connection became free in time"
    CROWDED = "it takes no more connections"
    LOCKED = "somebody else holds a row for too long"
    CONFLICT = "two transactions stood in each other's way"
    SLOW = "a statement took too long"
    DISK_FULL = "its disk is full"
    EXHAUSTED = "it is out of resources"
    DAMAGED = "it can't read or write its files"
    READ_ONLY = "it is read-only, perhaps a standby"


_BY_SQLSTATE = {
    "25006": Trouble.READ_ONLY,
    "25P03": Trouble.LOST,
    "40": Trouble.CONFLICT,
    "53": Trouble.EXHAUSTED,
    "53100": Trouble.DISK_FULL,
    "53300": Trouble.CROWDED,
    "55P03": Trouble.LOCKED,
    "57014": Trouble.SLOW,
    "57P": Trouble.LOST,
    "57P03": Trouble.STARTING,
    "58": Trouble.DAMAGED,
    "08": Trouble.LOST,
}
_BY_CONSTRAINT: dict[str, Callable[[], SkuaError]] = {
    "broadcasts_one_sending": BroadcastAlreadySending,
    "subscribers_chat": ForeignRow,
    "users_local_login": EmailInUse,
    "users_login": EmailInUse,
    # The user was removed meanwhile.
    "api_keys_user": UserNotFound,
    "bots_owner": UserNotFound,
    "challenges_user": UserNotFound,
    "devices_user": UserNotFound,
    "recovery_codes_user": UserNotFound,
    "sessions_user": UserNotFound,
}
_LOGIN_REFUSED = "28"
_WRONG_VALUE = "22"
_NO_SUCH_DATABASE = "3D000"
_SCHEME = re.compile(r"postgres(ql)?(\+asyncpg)?://")
_Driver = asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError


def translate(error: BaseException) -> SkuaError | None:
    """What it means to the core; None for what is a defect of ours."""
    if isinstance(error, PoolTimeout):
        return StorageUnavailable(Trouble.BUSY)
    driver = _driver_error(error)
    if isinstance(driver, asyncpg.PostgresError):
        return _translate_refusal(driver)
    if isinstance(driver, asyncpg.exceptions.ClientConfigurationError):
        return StorageUnfit(("its URL can't be read as postgresql://user:password@host/name",))
    if driver is not None and not isinstance(driver, ValueError):
        # The connection is closed, or its own end is; wrong values are ValueErrors. An internal
        # error is what asyncpg says when the server's farewell came right behind an answer, as it
        # does for a process that was frozen inside a transaction.
        return StorageUnavailable(Trouble.LOST)
    if isinstance(error, TimeoutError):
        return StorageUnavailable(Trouble.SLOW)
    return StorageUnavailable(Trouble.LOST) if isinstance(error, OSError) else None


def constraint_of(error: BaseException) -> str | None:
    """The constraint that a row broke, for a repository that knows what it means."""
    driver = _driver_error(error)
    return getattr(driver, "constraint_name", None)


@contextmanager
def translated() -> Iterator[None]:
    """For what happens before there is a connection that the engine watches."""
    try:
        yield
    except (
        DBAPIError,
        PoolTimeout,
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        meaning = translate(error)
        if meaning is None:
            raise
        raise meaning from None


def watch(engine: AsyncEngine) -> None:
    """Let every failed statement of ``engine`` raise what it means."""
    event.listen(engine.sync_engine, "handle_error", _on_error, retval=True)


def driver_dsn(url: str) -> str:
    """For asyncpg, from any of the usual spellings. Raises StorageUnfit."""
    if _SCHEME.match(url) is None:
        raise StorageUnfit(("its URL must begin with postgresql://",))
    return _SCHEME.sub("postgresql://", url, count=1)


def _on_error(context: ExceptionContext) -> BaseException | None:
    error: BaseException | None = context.original_exception
    while error is not None:
        if _forget_values(error) and context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = error.args
        error = error.__cause__
    return translate(context.original_exception)


def _translate_refusal(error: asyncpg.PostgresError) -> SkuaError | None:
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if trouble := _BY_SQLSTATE.get(state[:length]):
            return StorageUnavailable(trouble)
    if state.startswith(_LOGIN_REFUSED):
        return StorageUnfit(("it refuses this role or its password",))
    if state == _NO_SUCH_DATABASE:
        return StorageUnfit(("the server has no database of that name",))
    if error.server_source_function == "ExecWithCheckOptions":
        return ForeignRow()
    meaning = _BY_CONSTRAINT.get(error.constraint_name or "")
    return meaning() if meaning else None


def _driver_error(error: BaseException) -> _Driver | None:
    """asyncpg's own exception, from under SQLAlchemy's."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, _Driver):
            return inner
        inner = inner.__cause__
    return None


def _forget_values(error: BaseException) -> bool:
    """DETAIL and its like quote the row. What says that a value is wrong quotes it: then True."""
    for part in ("detail", "hint", "where", "context", "query", "internal_query"):
        if getattr(error, part, None):
            setattr(error, part, None)
    state = getattr(error, "sqlstate", None) or ""
    quotes = state.startswith(_WRONG_VALUE) or isinstance(error, ValueError)
    if quotes:
        error.args = (f"{type(error).__name__}: a value doesn't fit (not shown)",)
    return quotes
