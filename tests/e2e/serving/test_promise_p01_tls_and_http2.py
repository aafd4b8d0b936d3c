"""Encrypted connections: HTTP/2 for whoever can, TLS 1.2 at least, and HSTS on every answer."""

import re
import ssl
import struct

import httpx
import pytest

from tests.e2e.serving.rig import HOST, Server, ask

pytestmark = pytest.mark.external

HANDSHAKE, ALERT = 22, 21
FATAL, PROTOCOL_VERSION = 2, 70
HELLO_OF_A_SERVER = 2
YEAR = 31_536_000


def client_hello(version: int) -> bytes:
    """As a client sends it that knows no newer version (RFC 5246, 7.4.1.2).

    Made by hand: Python's own TLS may refuse to speak the old versions at all.
    """
    suites = struct.pack(">7H", 0xC02B, 0xC02F, 0xC009, 0xC00A, 0xC013, 0xC014, 0x002F)
    groups = struct.pack(">3H", 4, 29, 23)  # x25519, secp256r1
    signatures = struct.pack(">6H", 10, 0x0403, 0x0804, 0x0401, 0x0203, 0x0201)
    extensions = b"".join(
        struct.pack(">2H", number, len(content)) + content
        for number, content in ((10, groups), (11, b"\x01\x00"), (13, signatures))
    )
    body = struct.pack(">H", version) + bytes(range(32)) + b"\x00"
    body += struct.pack(">H", len(suites)) + suites + b"\x01\x00"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3) + body
    return struct.pack(">BHH", HANDSHAKE, min(version, 0x0301), len(message)) + message


def first_record(server: Server, sent: bytes) -> tuple[int, bytes]:
    """Kind and content of what the server says to it."""
    with server.connect() as connection, connection.makefile("rb") as answer:
        connection.sendall(sent)
        kind, _, length = struct.unpack(">BHH", answer.read(5))
        return kind, answer.read(length)


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302], ids=["SSL 3", "TLS 1.0", "TLS 1.1"])
def test_an_old_version_gets_an_alert(https: Server, version: int) -> None:
    kind, content = first_record(https, client_hello(version))

    assert (kind, *content) == (ALERT, FATAL, PROTOCOL_VERSION)


def test_the_same_hello_for_tls_1_2_is_taken(https: Server) -> None:
    kind, content = first_record(https, client_hello(0x0303))

    assert (kind, content[0]) == (HANDSHAKE, HELLO_OF_A_SERVER)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_newer_versions_are_spoken(https: Server, version: ssl.TLSVersion) -> None:
    assert https.certificate is not None
    context = https.certificate.trusted()
    context.minimum_version = context.maximum_version = version

    with context.wrap_socket(https.connect(), server_hostname=HOST) as connection:
        answer = ask(connection)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["h2"], "h2")],
)
def test_the_client_s_best_protocol_is_chosen(
    https: Server, offered: list[str], chosen: str
) -> None:
    assert https.certificate is not None
    context = https.certificate.trusted()
    context.set_alpn_protocols(offered)

    with context.wrap_socket(https.connect(), server_hostname=HOST) as connection:
        assert connection.selected_alpn_protocol() == chosen


@pytest.mark.parametrize(("http2", "version"), [(True, "HTTP/2"), (False, "HTTP/1.1")])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/healthz", 200), ("GET", "/nothing/here", 404), ("DELETE", "/healthz", 405)],
)
def test_real_clients_are_answered_with_hsts(
    https: Server, *, http2: bool, version: str, method: str, path: str, status: int
) -> None:
    with https.client(http2=http2) as client:
        answer = client.request(method, path)

    assert (answer.http_version, answer.status_code) == (version, status)
    assert_hsts(answer)


def assert_hsts(answer: httpx.Response) -> None:
    (value,) = answer.headers.get_list("strict-transport-security")
    directives = {part.strip().lower() for part in value.split(";")}
    assert {"includesubdomains", "preload"} <= directives
    (max_age,) = (match for part in directives if (match := re.fullmatch(r"max-age=(\d+)", part)))
    assert int(max_age[1]) >= YEAR


def test_many_requests_share_one_http_2_connection(https: Server) -> None:
    with https.client(http2=True) as client:
        ports = set()
        for _ in range(20):
            answer = client.get("/healthz")
            stream = answer.extensions["network_stream"]
            ports.add(stream.get_extra_info("client_addr")[1])

    assert len(ports) == 1


def test_plain_http_on_the_tls_port_is_not_answered(https: Server) -> None:
    with https.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: skua.example\r\n\r\n")
        try:
            answer = connection.recv(100)
        except ConnectionResetError:
            answer = b""

    assert not answer.startswith(b"HTTP/")
