"""A PgBouncer in transaction mode before a database of the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_ELSEWHERE = "/usr/sbin:/usr/local/sbin"
"""Where distributions put it, which is on no ordinary account's path."""
_PATIENCE = 20.0
_CONFIGURATION = """
[databases]
skua = host={host} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 500
logfile = {directory}/pgbouncer.log
{account}
"""


def program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:{_ELSEWHERE}")


@contextmanager
def pgbouncer(database_url: str, port: int) -> Iterator[str]:
    """The URL of the same role and database through it; eight server connections for everybody."""
    server = urlsplit(database_url)
    with tempfile.TemporaryDirectory(prefix="skua-pgbouncer-") as directory:
        # As root it runs as somebody else.
        Path(directory).chmod(0o777)
        configuration = Path(directory) / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(
                host=parse_qs(server.query)["host"][0],
                name=server.path.strip("/"),
                user=server.username,
                password=server.password,
                port=port,
                directory=directory,
                account="user = nobody" if os.geteuid() == 0 else "",
            )
        )
        command = program()
        assert command is not None
        process = subprocess.Popen([command, "--quiet", str(configuration)])
        try:
            deadline = time.monotonic() + _PATIENCE
            while not _listens(port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield f"postgresql://{server.username}@127.0.0.1:{port}/skua"
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
