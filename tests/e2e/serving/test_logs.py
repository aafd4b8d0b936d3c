"""What the server's own layer says of requests: nothing that a log must not hold."""

import pytest

from tests.e2e.cli.house import House
from tests.e2e.serving.rig import ask, serving

pytestmark = pytest.mark.external

TAG = "half-of-a-secret"


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
