"""The pool of connections."""

from uuid import uuid4

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from skua_adapters._sql.errors import driver_dsn, watch
from skua_adapters._sql.writes import watch_writes


def create_engine(
    url: str,
    *,
    pooled: bool = False,
    pool_size: int = 10,
    connect_timeout: float = 5.0,
    command_timeout: float = 60.0,
) -> AsyncEngine:
    """At most ``pool_size`` connections, made when they are needed.

    ``pooled`` says that a pooler such as PgBouncer stands between, in transaction mode: each
    transaction may then meet another server connection. Raises StorageUnfit for a URL of another
    kind.
    """
    connect_args: dict[str, object] = {
        # asyncpg reads it itself, and so understands what libpq does, such as sslmode.
        "dsn": driver_dsn(url),
        "timeout": connect_timeout,
        "command_timeout": command_timeout,
    }
    if pooled:
        connect_args |= {
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"skua_{uuid4().hex}",
        }
    engine = create_async_engine(
        "postgresql+asyncpg://",
        connect_args=connect_args,
        pool_size=pool_size,
        max_overflow=0,
        # The server process that was asked last has its plans and pages at hand.
        pool_use_lifo=True,
        pool_timeout=connect_timeout,
        hide_parameters=True,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )
    watch(engine)
    watch_writes(engine)
    return engine
