"""The supervisor of the embedded server."""

import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import quote

from skua_adapters.embedded_postgres.account import ServerAccount
from skua_adapters.embedded_postgres.binaries import find_binaries, reachable
from skua_adapters.embedded_postgres.data_directory import SUPERUSER, DataDirectory
from skua_adapters.embedded_postgres.errors import (
    PreviousServerLingers,
    ServerDidNotStart,
    told_of,
)
from skua_adapters.embedded_postgres.lock import ClusterLock
from skua_adapters.embedded_postgres.passwords import RolePasswords
from skua_adapters.embedded_postgres.server_log import ServerLog, explain
from skua_adapters.embedded_postgres.server_process import ServerProcess
from skua_adapters.embedded_postgres.socket_directory import (
    make_socket_directory,
    socket_directory,
)
from skua_adapters.embedded_postgres.stale_server import clear_away

_POLL_SECONDS = 0.01
_LINGERING_POLL_SECONDS = 0.5
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement that failed may carry a password or what somebody wrote; so may the row that was
    # refused, which an error's details show.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # Compiling pays for long analyses only, of which there are none.
    "jit": "off",
    # Parallel workers share memory through /dev/shm, which is 64 MB in a container.
    "max_parallel_workers_per_gather": "0",
}


class EmbeddedPostgres:
    """A PostgreSQL cluster in ``directory`` with a server that ends when this process does.

    Everything blocks; from a coroutine call ``start`` and ``stop`` through a thread. ``options``
    are server settings that go before Skua's own. ``bin_dir`` names the programs to use;
    without it they are looked for in wheels, with pg_config, and in /usr/lib/postgresql.
    """

    def __init__(
        self,
        directory: Path,
        *,
        options: Mapping[str, str] = MappingProxyType({}),
        bin_dir: Path | None = None,
        start_seconds: float = 120.0,
    ) -> None:
        self.directory = directory.resolve()
        self._settings = {**_SETTINGS, **options}
        self._bin_dir = bin_dir
        self._start_seconds = start_seconds
        self._data = self.directory / "data"
        self._socket_directory = socket_directory(self.directory)
        self._passwords = RolePasswords(self.directory / "passwords")
        self._log = ServerLog(self.directory / "postgres.log")
        self._server: ServerProcess | None = None
        self._running = ExitStack()

    @property
    def log_path(self) -> Path:
        return self._log.path

    @property
    def pid(self) -> int | None:
        """None when the server isn't running, also when it ended by itself."""
        if self._server is None or not self._server.alive:
            return None
        return self._server.pid

    def start(self) -> None:
        """Make the cluster if it isn't there, start its server and wait until it answers.

        Raises EmbeddedPostgresError, and leaves nothing running then; ClusterInUse also when
        this very object has started it. A server that died alone is started again.
        """
        if self.pid is None:
            self.stop()
        account = ServerAccount.for_this_process()
        with told_of(self.directory), ExitStack() as undo:
            data = DataDirectory(self._data, account, self._log)
            data.check()
            account.open_directory(self.directory)
            undo.enter_context(ClusterLock(self.directory))
            clear_away(self._data)
            found = find_binaries(self._data, self._bin_dir)
            binaries = reachable(found, account, self.directory / "programs")
            data.ensure(
                binaries,
                self.role_password(SUPERUSER),
                durable=self._settings.get("fsync") != "off",
            )
            make_socket_directory(self._socket_directory, account)
            undo.callback(self._remove_socket_directory)
            self._server = self._start_server(self._command(binaries.folder), account)
            undo.callback(self._server.stop)
            self._running = undo.pop_all()

    def stop(self) -> None:
        """End the server; does nothing when none runs."""
        self._running.close()
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def role_password(self, role: str) -> str:
        """A random password for ``role``, the same for this cluster ever after."""
        with told_of(self.directory):
            if not self.directory.exists():
                ServerAccount.for_this_process().open_directory(self.directory)
            return self._passwords.of(role)

    def url(self, role: str = SUPERUSER, database: str = "postgres") -> str:
        """For SQLAlchemy; good whenever the server runs, whoever started it."""
        return self.dsn(role, database).replace("postgresql:", "postgresql+asyncpg:", 1)

    def dsn(self, role: str = SUPERUSER, database: str = "postgres") -> str:
        """For ``asyncpg.connect`` and libpq's programs."""
        return (
            f"postgresql://{role}:{self.role_password(role)}@/{quote(database, safe='')}"
            f"?host={quote(str(self._socket_directory))}"
        )

    def _command(self, programs: Path) -> list[str | Path]:
        # stale_server recognises our server by these first three.
        command: list[str | Path] = [programs / "postgres", "-D", self._data]
        settings = {**self._settings, "unix_socket_directories": str(self._socket_directory)}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _start_server(self, command: list[str | Path], account: ServerAccount) -> ServerProcess:
        deadline = time.monotonic() + self._start_seconds
        while True:
            with self._log.open() as output:
                server = ServerProcess(command, uid=account.uid, log=output)
            try:
                self._wait_until_ready(server, deadline)
            except PreviousServerLingers:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LINGERING_POLL_SECONDS)
            except BaseException:
                server.stop()
                raise
            else:
                return server

    def _wait_until_ready(self, server: ServerProcess, deadline: float) -> None:
        """As pg_ctl does it: the server writes its state into its pid file."""
        while server.alive:
            if self._recorded_state() == (str(server.pid), "ready"):
                return
            if time.monotonic() > deadline:
                reason = f"it was not ready after {self._start_seconds:g} seconds"
                raise ServerDidNotStart(reason, self.log_path, self._log.tail())
            time.sleep(_POLL_SECONDS)
        raise explain(self._log, self._data, f"it ended with code {server.exit_code}")

    def _recorded_state(self) -> tuple[str, str]:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            lines = []
        return (lines[0], lines[-1].strip()) if lines else ("", "")

    def _remove_socket_directory(self) -> None:
        # A server that had to be killed leaves its socket in it.
        shutil.rmtree(self._socket_directory, ignore_errors=True)
