"""The far end of a send: takes every POST and answers as the Bot API does, as fast as it can.

It is nginx where that is installed, else a few lines of asyncio, and says which.
"""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.machine import ROOT

HOW_TO_GET_NGINX = "apt-get install --no-install-recommends nginx-light"

_MESSAGE = {
    "message_id": 4711,
    "from": {"id": 10001, "is_bot": True, "first_name": "Pelican", "username": "pelican_bot"},
    "chat": {"id": 1001, "first_name": "Person 1001", "type": "private"},
    "date": 1_772_366_400,
    "text": "Hello Person 1001, the spring collection is here.",
    "entities": [{"offset": 6, "length": 11, "type": "bold"}],
}
_LENGTH = 350
_NGINX = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            default_type application/json;
            return 200 '{answer}';
        }}
    }}
}}
"""


class FarEnd(msgspec.Struct, frozen=True):
    name: str
    url: str


def answer() -> str:
    """350 bytes, as a short message gets them from Telegram."""
    bare = json.dumps({"ok": True, "result": _MESSAGE}, separators=(",", ":"))
    return bare[:-1].ljust(_LENGTH - 1) + "}"


@contextmanager
def far_end(*, nginx: bool = True) -> Iterator[FarEnd]:
    """Runs in processes of its own on the cores that this one may use."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") if nginx else None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="skua-bench-") as folder:
        if program is not None:
            config = Path(folder) / "nginx.conf"
            config.write_text(_NGINX.format(directory=folder, port=port, answer=answer()))
            config.parent.chmod(0o755)
            name = f"nginx {_version(program)}"
            command = [program, "-p", folder, "-c", str(config), "-e", "stderr"]
        else:
            name = f"asyncio server of the benchmark (for nginx: {HOW_TO_GET_NGINX})"
            command = [sys.executable, "-m", "benchmarks.far_end", str(port)]
        server = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - nginx, or this very module
        try:
            _wait_for(port, server)
            yield FarEnd(name, f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait()


def _version(program: str) -> str:
    told = subprocess.run([program, "-v"], capture_output=True, text=True, check=True)  # noqa: S603 - nginx
    return told.stderr.strip().rpartition("/")[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        if server.poll() is not None:
            raise RuntimeError(f"the far end ended with code {server.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the far end doesn't answer")


def _serve(port: int) -> None:
    """A server that reads just enough of HTTP to tell one request from the next."""
    import asyncio  # noqa: PLC0415 - needed where nginx is missing only

    import uvloop  # noqa: PLC0415 - likewise

    body = answer().encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reply = head.encode() + body

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = transport
            self._data = b""

        def data_received(self, data: bytes) -> None:
            self._data += data
            while (request := _split(self._data)) is not None:
                self._data = request
                self._transport.write(reply)  # type: ignore[attr-defined] # a socket's can

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Answering, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()

    uvloop.run(run())


def _split(data: bytes) -> bytes | None:
    """What follows the first whole request; None when it isn't whole yet."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return rest[length:] if len(rest) >= length else None


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
