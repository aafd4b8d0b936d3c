"""The search finds what it has to find: a secret planted in each kind of place, however spelled."""

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from tests.e2e.http.canaries import Canaries, Kind, Place, make_token
from tests.e2e.http.canary_sinks import Watch, arguments, cluster, database, files, redis_store
from tests.postgres_cluster import Database
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]

SECRET = f'wren"1&ü {make_token()} {make_token()}'
REDIS_PASSWORD = make_token()


def found(content: bytes, secret: str | bytes = SECRET) -> bool:
    canaries = Canaries()
    canaries.secret("secret", secret)
    return bool(canaries.search([Place(Kind.LOG, "log", content)]))


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(str.encode, id="as it is"),
        pytest.param(lambda text: text[:13].encode(), id="its start"),
        pytest.param(lambda text: text[-13:].encode(), id="its end"),
        pytest.param(lambda text: quote(text).encode(), id="in an address"),
        pytest.param(lambda text: json.dumps({"a": text}).encode(), id="in JSON"),
        pytest.param(lambda text: repr([text]).encode(), id="in a representation"),
        pytest.param(lambda text: text.encode().hex().encode(), id="in a column of bytes"),
        pytest.param(lambda text: base64.b64encode(text.encode()), id="in base64"),
        pytest.param(lambda text: base64.b64encode(b"u:" + text.encode()), id="behind a user"),
        pytest.param(lambda text: base64.urlsafe_b64encode(b"u" + text.encode()), id="in a token"),
    ],
)
def test_a_secret_is_found_however_it_is_spelled(written: Callable[[str], bytes]) -> None:
    assert found(b"before " + written(SECRET) + b" after")


def test_nothing_is_found_where_nothing_is() -> None:
    assert not found(f"a log of {make_token()}, with '\" in it".encode())


def test_a_short_code_is_found_as_a_word_and_not_within_a_number() -> None:
    assert found(b'{"totp": "492039"}', "492039")
    assert found(base64.b64encode(b"492039"), "492039")
    assert not found(b"at 12:00:00.492039, for 14920391", "492039")


def test_what_a_place_is_there_to_tell_is_no_finding() -> None:
    canaries = Canaries()
    canaries.secret("secret", SECRET, "answer 1")
    canaries.personal("address", "ana.0123456789ab")
    content = f"{SECRET} ana.0123456789ab".encode()
    places = [
        Place(Kind.ANSWER, "answer 1", SECRET.encode()),
        Place(Kind.ANSWER, "answer 2", content),
        Place(Kind.MAIL, "mail 1", b"ana.0123456789ab"),
        Place(Kind.LOG, "serve.log", content),
    ]

    told = {(finding.canary, finding.place) for finding in canaries.search(places)}

    assert told == {
        (canary, place) for canary in ("secret", "address") for place in ("answer 2", "serve.log")
    }


def found_in(places: list[Place]) -> set[str]:
    canaries = Canaries()
    canaries.secret("secret", SECRET)
    return {finding.place for finding in canaries.search(places)}


@pytest.mark.external
async def test_a_secret_is_found_in_every_schema_and_type_of_column(
    postgres_database: Database,
) -> None:
    connection = await asyncpg.connect(postgres_database.dsn)
    await connection.execute("CREATE SCHEMA other CREATE TABLE parts (day int, data bytea)")
    await connection.execute("CREATE TABLE a (data text)")
    await connection.execute("CREATE TABLE b (data jsonb) PARTITION BY RANGE ((data->>'x'))")
    await connection.execute("CREATE TABLE b_rest PARTITION OF b DEFAULT")
    await connection.execute("CREATE TABLE clean (data text)")
    await connection.execute("INSERT INTO other.parts VALUES (1, $1)", SECRET.encode())
    await connection.execute("INSERT INTO a VALUES ($1)", SECRET)
    await connection.execute("INSERT INTO b VALUES ($1)", json.dumps({"x": SECRET}))
    await connection.execute("INSERT INTO clean VALUES ('clean')")
    await connection.close()

    assert found_in(await database(postgres_database.dsn)) == {
        "other.parts",
        "public.a",
        "public.b_rest",
    }


@pytest.mark.external
async def test_a_secret_is_found_in_keys_values_and_passing_commands_of_redis(
    tmp_path: Path,
) -> None:
    with RedisServer(tmp_path, "--requirepass", REDIS_PASSWORD) as server:
        async with Watch(server.port, REDIS_PASSWORD) as watch:
            with contextlib.closing(server.client(REDIS_PASSWORD)) as client:
                client.set("plain", SECRET)
                client.set(SECRET, "key")
                client.lpush("list", SECRET)
                client.hset("hash", "field", SECRET)
                client.zadd("sorted", {SECRET: 1})
                client.sadd("set", SECRET)
                client.xadd("stream", {"field": SECRET})
                client.set("clean", "clean")
                stored = redis_store(server.port, REDIS_PASSWORD)
                client.publish("channel", SECRET)
                client.flushall()
            passing = await watch.seen()

    names = {"plain", "list", "hash", "sorted", "set", "stream", SECRET}
    assert found_in(stored) == names
    assert b'"publish"' in passing.content.lower()
    assert found_in([passing]) == {passing.name}


def test_a_secret_is_found_in_files_and_arguments(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\x00\xff" + SECRET.encode())
    (tmp_path / "clean").write_text("clean")
    heap = tmp_path / "postgres" / "data" / "base"
    heap.mkdir(parents=True)
    (heap / "1").write_bytes(b"\x00" + SECRET.encode())

    assert found_in(files(tmp_path, leave_out=tmp_path / "postgres")) == {"deep/file"}
    assert found_in(cluster(tmp_path / "postgres" / "data")) == {"base/1"}

    command = [sys.executable, "-c", "print(flush=True); input()", SECRET]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as running:
        assert running.stdout is not None
        running.stdout.readline()
        seen = arguments([running.pid, os.getpid()])
        running.communicate(b"\n")
    assert found_in(seen) == {f"process {running.pid}"}
