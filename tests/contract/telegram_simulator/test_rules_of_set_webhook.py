"""A simulator that isn't told otherwise takes only webhooks that Telegram would take."""

import pytest

from skua_adapters.telegram_simulator import NewBot, SimulatorSettings
from tests.contract.telegram_simulator.conftest import TOKEN, Call


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(bots=(NewBot(token=TOKEN),))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://149.154.160.1/", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://127.0.0.1/", "bad webhook: IP address 127.0.0.1 is reserved"),
        (
            "https://149.154.160.1:5000/",
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ("https://", "invalid webhook URL specified"),
    ],
)
async def test_bad_urls_are_refused(call: Call, url: str, words: str) -> None:
    answer = await call("setWebhook", url=url)

    assert (answer["error_code"], answer["description"]) == (400, f"Bad Request: {words}")
    assert (await call("getWebhookInfo"))["result"]["url"] == ""


async def test_a_webhook_is_set_once_per_second(call: Call) -> None:
    await call("setWebhook", url="http://refused.example/")

    answer = await call("setWebhook", url="http://refused.example/")

    assert answer["error_code"] == 429
    assert answer["parameters"] == {"retry_after": 1}
