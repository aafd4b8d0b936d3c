"""Everything that an installation leaves behind, as places to be searched."""

import asyncio
import io
import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import redis

from tests.e2e.http.canaries import Kind, Place

_TABLES = """
    SELECT n.nspname AS schema, c.relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_EMPTY = re.compile(rb"\0{16,}")
_STATEMENTS = "SELECT string_agg(query, E'\\n') FROM pg_stat_activity WHERE query NOT LIKE $1"


async def database(dsn: str) -> list[Place]:
    """Every table whole, partitions too, and the statements that its sessions ran last."""
    connection = await asyncpg.connect(dsn)
    try:
        places = []
        for table in await connection.fetch(_TABLES):
            rows = io.BytesIO()
            await connection.copy_from_table(
                table["name"], schema_name=table["schema"], output=rows, format="csv"
            )
            name = f"{table['schema']}.{table['name']}"
            places.append(Place(Kind.DATABASE, name, rows.getvalue()))
        said = await connection.fetchval(_STATEMENTS, "%pg_stat_activity%")
        return [*places, Place(Kind.DATABASE, "statements", (said or "").encode())]
    finally:
        await connection.close()


def cluster(data: Path) -> list[Place]:
    """The files of the server itself: what was deleted, too, and the write-ahead log.

    Without the empty space in them, which is most of it.
    """
    return [
        replace(each, content=_EMPTY.sub(b"\0", each.content))
        for each in _read(Kind.CLUSTER, data, data.rglob("*"))
    ]


def redis_store(port: int, password: str) -> list[Place]:
    with closing(redis.Redis(port=port, password=password)) as client:
        keys: list[bytes] = list(client.scan_iter("*"))
        return [Place(Kind.REDIS, key.decode(), key + b"\n" + _value(client, key)) for key in keys]


def _value(client: redis.Redis, key: bytes) -> bytes:
    readers: dict[bytes, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
        b"stream": client.xrange,
        b"none": lambda _: b"",
    }
    kind = client.type(key)
    assert isinstance(kind, bytes)
    value = readers[kind](key)
    return value if isinstance(value, bytes) else _flat(value)


def _flat(value: Any) -> bytes:
    """Not its representation, which would escape what is not ASCII in a way of its own."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set):
        return b"\n".join(map(_flat, value))
    return str(value).encode()


class Watch:
    """Writes down every command that a Redis server is given, until the server is gone."""

    def __init__(self, port: int, password: str) -> None:
        self._port, self._password = port, password
        self._commands = b""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(f"AUTH {self._password}\r\nMONITOR\r\n".encode())
        for _ in range(2):
            assert await self._reader.readline() == b"+OK\r\n"
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        await self._task

    async def seen(self) -> Place:
        await asyncio.sleep(0.1)
        return Place(Kind.REDIS, "commands", self._commands)

    async def _listen(self) -> None:
        try:
            while more := await self._reader.read(65536):
                self._commands += more
        except ConnectionResetError:
            return


def files(directory: Path, *, leave_out: Path) -> list[Place]:
    found = (path for path in directory.rglob("*") if not path.is_relative_to(leave_out))
    return _read(Kind.FILE, directory, found)


def _read(kind: Kind, directory: Path, paths: Iterable[Path]) -> list[Place]:
    places = []
    for path in sorted(paths):
        if path.is_file():
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            places.append(Place(kind, str(path.relative_to(directory)), content))
    return places


def arguments(pids: Iterable[int]) -> list[Place]:
    """What anybody on the machine may read of a process."""
    return [
        Place(Kind.ARGUMENTS, f"process {pid}", Path(f"/proc/{pid}/cmdline").read_bytes())
        for pid in pids
    ]
