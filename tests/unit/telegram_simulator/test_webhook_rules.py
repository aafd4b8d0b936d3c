"""Which webhooks the simulator takes when it is as strict as Telegram."""

import pytest

from skua_adapters.telegram_simulator.refusals import Refusal
from skua_adapters.telegram_simulator.webhook_rules import check_webhook


async def _check(url: str, secret: str = "", ip_address: str = "") -> str:
    return await check_webhook(url, secret=secret, ip_address=ip_address, allow_local=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://149.154.160.1/x",
        "https://149.154.160.1:8443/x",
        "https://149.154.160.1:88",
        "149.154.160.1:80/x",
    ],
)
async def test_public_addresses_on_the_four_ports_are_taken(url: str) -> None:
    assert await _check(url) == "149.154.160.1"


async def test_a_given_address_spares_looking_up_the_host() -> None:
    assert await _check("https://skua.example/", ip_address="149.154.160.2") == "149.154.160.2"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://", "invalid webhook URL specified"),
        ("ftp://skua.example", "invalid webhook URL specified"),
        ("http://149.154.160.1/", "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            "https://149.154.160.1:8080/",
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ("https://127.0.0.1/", "bad webhook: IP address 127.0.0.1 is reserved"),
        ("https://192.168.1.1/", "bad webhook: IP address 192.168.1.1 is reserved"),
        ("https://[2001:db8::1]/", "bad webhook: IPv6-only addresses are not allowed"),
        (
            "https://skua.invalid/",
            "bad webhook: Failed to resolve host: Name or service not known",
        ),
    ],
)
async def test_other_urls_are_refused_in_telegrams_words(url: str, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        await _check(url)

    assert caught.value.description == f"Bad Request: {words}"


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("x" * 257, "secret token is too long"),
        ("a.b", "secret token contains unallowed characters"),
    ],
)
async def test_bad_secrets_are_refused(secret: str, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        await _check("https://149.154.160.1/", secret)

    assert caught.value.description == f"Bad Request: {words}"


async def test_a_bad_fixed_address_is_refused() -> None:
    with pytest.raises(Refusal, match="Invalid IP address specified"):
        await _check("https://skua.example/", ip_address="x")


async def test_local_urls_are_taken_where_that_is_allowed() -> None:
    url = "http://127.0.0.1:12345/x"

    assert await check_webhook(url, secret="", ip_address="", allow_local=True) == ""
