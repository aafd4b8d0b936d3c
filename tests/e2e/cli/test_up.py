"""What ``skua up`` tells whoever started it, and that it is so."""

import re

import httpx

from tests.e2e.cli.conftest import Installation

LINKS = re.compile(r"(http://\S+)/api/docs shows its interface, (http://\S+/healthz) that it lives")


def told(installation: Installation) -> tuple[str, str]:
    """Where the server is, and the address of its health."""
    line = installation.up.wait_for("shows its interface")
    found = LINKS.search(line)
    assert found is not None, line
    return found[1], found[2]


def test_it_says_where_to_look(installation: Installation) -> None:
    site, health = told(installation)

    assert "swagger-ui" in httpx.get(f"{site}/api/docs").text
    assert httpx.get(f"{site}/api/openapi.json").json()["openapi"].startswith("3.1")
    assert httpx.get(health).json() == {"status": "ok"}


def test_without_a_mail_server_letters_are_shown_here(installation: Installation) -> None:
    installation.up.wait_for("SKUA_SMTP_URL isn't set, so mails are shown here.")
    site, _ = told(installation)

    asked = httpx.post(
        f"{site}/api/auth/register",
        json={"email": "wren@example.com", "password": "a long walk by the sea"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert asked.status_code == 202, asked.text
    assert "registration_id" in asked.json()
    installation.up.wait_for("It works once, for 15 minutes.")
    letter = installation.up.said().partition("wren@example.com")[2]
    assert re.search(r"^ +\d{8}$", letter, re.MULTILINE), letter
