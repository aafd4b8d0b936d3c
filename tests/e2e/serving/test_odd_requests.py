"""What the server's own layer says of requests, and which of them it doesn't pass on."""

import resource
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.cli.house import House
from tests.e2e.serving.rig import HOST, Server, ask, serving

pytestmark = pytest.mark.external

TAG = "half-of-a-secret"
MORE_THAN_A_SHELL_ALLOWS = 1100


@pytest.fixture
def shell_limit() -> Iterator[None]:
    """The server begins as from a shell; we ourselves may open what we like meanwhile."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def test_no_line_holds_an_address_and_no_answer_names_the_software(house: House) -> None:
    with serving(house.with_settings(SKUA_LOG="json")) as server, server.client() as client:
        answer = client.post(f"/webhooks/telegram/abc/{TAG}", json={})
        with server.connect() as broken:
            broken.sendall(b"\x00\x01 /webhooks/" + TAG.encode() + b"\r\n\r\n")
            broken.recv(1000)
        with server.connect() as connection:
            ask(connection)

    said = server.running.said()
    assert answer.status_code == 403
    assert answer.headers["server"] == "skua"
    assert "granian" not in str(answer.headers).lower()
    assert TAG not in said
    assert all(line.startswith("{") for line in said.splitlines())


@pytest.mark.parametrize(("size", "is_taken"), [(16 * 1024, True), (128 * 1024, False)])
def test_headers_may_be_long_but_not_endless(https: Server, size: int, *, is_taken: bool) -> None:
    assert https.certificate is not None
    head = b"GET /healthz HTTP/1.1\r\nHost: skua.example\r\nX-Long: " + b"x" * size + b"\r\n\r\n"

    with https.certificate.trusted().wrap_socket(
        https.connect(), server_hostname=HOST
    ) as connection:
        try:
            connection.sendall(head)
            answer = connection.recv(100)
        except (ssl.SSLError, ConnectionError):
            # It answered 431 and closed before all was sent.
            answer = b""

    assert (answer.split()[1:2] == [b"200"]) is is_taken
    assert is_taken or answer.split()[1:2] in ([], [b"431"])


def test_what_is_no_http_is_refused_and_the_server_goes_on(https: Server) -> None:
    assert https.certificate is not None
    for sent in (b"\x00\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"):
        with https.certificate.trusted().wrap_socket(
            https.connect(), server_hostname=HOST
        ) as connection:
            connection.sendall(sent)
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")

    with https.client() as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.usefixtures("shell_limit")
def test_as_many_connections_are_kept_as_are_said(house: House) -> None:
    """More than the 1024 open files with which most shells begin."""
    with serving(house) as server, ExitStack() as open_ones:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        for _ in range(MORE_THAN_A_SHELL_ALLOWS):
            open_ones.enter_context(server.connect())

        with server.connect() as last:
            assert ask(last).startswith(b"HTTP/1.1 200")
