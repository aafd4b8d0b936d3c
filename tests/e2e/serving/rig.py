"""``skua serve`` with real sockets, and a look at its processes."""

import datetime as dt
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.e2e.cli.house import House, Running, free_port

HOST = "127.0.0.1"
REQUEST = b"GET %s HTTP/1.1\r\nHost: skua.example\r\n\r\n"


@dataclass(frozen=True)
class Certificate:
    """A certificate of its own issuer, and its key."""

    file: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        return ("--tls-cert", str(self.file), "--tls-key", str(self.key))

    def trusted(self) -> ssl.SSLContext:
        """For a client that believes in this certificate alone."""
        return ssl.create_default_context(cafile=str(self.file))


def make_certificate(directory: Path, name: str, passphrase: str | None = None) -> Certificate:
    """For HOST; it replaces one of the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode())
    made = Certificate(directory / f"{name}.crt", directory / f"{name}.key")
    made.file.write_bytes(certificate.public_bytes(Encoding.PEM))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return made


@dataclass(frozen=True)
class Server:
    """A running ``skua serve``."""

    running: Running
    port: int
    certificate: Certificate | None

    @property
    def url(self) -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{HOST}:{self.port}"

    def client(self, *, http2: bool = False) -> httpx.Client:
        verify = True if self.certificate is None else self.certificate.trusted()
        return httpx.Client(base_url=self.url, http2=http2, verify=verify, timeout=20)

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=20)

    def workers(self) -> set[int]:
        """Process ids of those that serve."""
        first = self.running.process.pid
        return {
            int(pid) for pid in Path(f"/proc/{first}/task/{first}/children").read_text().split()
        }

    def server_of(self, connection: socket.socket) -> int:
        """The process id at the other end."""
        inode = self._inode(connection.getsockname()[1])
        (pid,) = (pid for pid in self.workers() if inode in _socket_inodes(pid))
        return pid

    def _inode(self, client_port: int) -> str:
        ends = (f"0100007F:{self.port:04X}", f"0100007F:{client_port:04X}")
        for line in Path("/proc/net/tcp").read_text().splitlines():
            cells = line.split()
            if (cells[1], cells[2]) == ends:
                return cells[9]
        raise AssertionError(f"nobody is connected from port {client_port}")


@contextmanager
def serving(
    house: House, *options: str, certificate: Certificate | None = None
) -> Iterator[Server]:
    port = free_port()
    tls = () if certificate is None else certificate.options
    with house.start("serve", "--port", str(port), *tls, *options) as running:
        running.wait_for("Ctrl-C stops it.")
        yield Server(running, port, certificate)


def ask(connection: socket.socket, path: bytes = b"/healthz") -> bytes:
    """The answer's head; the connection stays open."""
    connection.sendall(REQUEST % path)
    return read_answer(connection)


def read_answer(connection: socket.socket) -> bytes:
    """Head and body of a short one."""
    received = b""
    while b"\r\n\r\n" not in received or not received.rstrip().endswith(b"}"):
        more = connection.recv(65536)
        assert more, received
        received += more
    return received


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = descriptor.readlink().name
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.add(target[len("socket:[") : -1])
    return found
