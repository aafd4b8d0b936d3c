"""Whether a transaction changed rows, told from what it sent and what the server counted."""

import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

# The last is a function that writes.
_WRITE = re.compile(
    r"(?<!FOR )(?<!KEY )\bUPDATE\b|\b(INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|record_update)\b",
    re.IGNORECASE,
)
_KEY = "skua.wrote"


def watch_writes(engine: AsyncEngine) -> None:
    event.listen(engine.sync_engine, "after_cursor_execute", _note)


def forget_writes(info: MutableMapping[Any, Any]) -> None:
    """At the beginning of a transaction; ``info`` is its connection's."""
    info[_KEY] = False


def has_written(info: MutableMapping[Any, Any]) -> bool:
    return bool(info[_KEY])


def _note(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
    # A statement that found no row changed none. A count that isn't known is not zero.
    if cursor.rowcount and _may_write(statement):
        connection.info[_KEY] = True


@lru_cache(maxsize=1024)
def _may_write(statement: str) -> bool:
    return _WRITE.search(statement) is not None
