"""Whatever is sent, the same chats are closed to it and the same limits hold it back."""

from typing import Any

import aiohttp
import pytest
import telegram

from skua_adapters.telegram_simulator import (
    GroupKind,
    NewBot,
    RateLimitSettings,
    SimulatorSettings,
    TelegramSimulator,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call

PHOTO = "https://cats.example/1.jpg"
_CONTENT: dict[str, dict[str, Any]] = {
    "sendMessage": {"text": "hi"},
    "sendPhoto": {"photo": PHOTO},
    "sendDocument": {"document": "https://cats.example/1.pdf"},
    "sendMediaGroup": {"media": [{"type": "photo", "media": PHOTO}] * 2},
    "copyMessage": {"from_chat_id": ANA, "message_id": 1},
}
METHODS = pytest.mark.parametrize("method", list(_CONTENT))


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(
        bots=(NewBot(token=TOKEN),),
        limits=RateLimitSettings(chat_bucket=1, chat_rate=0.01),
    )


@pytest.fixture
def told(simulator: TelegramSimulator) -> None:
    """There is a message to copy."""
    simulator.people.send_text(BOT, ANA, "to be copied")


@METHODS
@pytest.mark.usefixtures("told")
async def test_closed_chats_are_closed_to_everything(
    call: Call, simulator: TelegramSimulator, method: str
) -> None:
    people, world = simulator.people, simulator.world
    people.block(BOT, ANA + 1)
    people.deactivate(ANA + 2)
    old, left = (world.add_group(BOT, "Team", GroupKind.GROUP) for _ in range(2))
    moved = people.migrate(old.id)
    people.kick(left.id, by=ANA)

    answers = [
        await call(method, chat_id=chat_id, **_CONTENT[method])
        for chat_id in (ANA + 1, ANA + 2, 4_000_000, left.id, old.id)
    ]

    assert [answer["description"] for answer in answers] == [
        "Forbidden: bot was blocked by the user",
        "Forbidden: user is deactivated",
        "Bad Request: chat not found",
        "Forbidden: bot was kicked from the group chat",
        "Bad Request: group chat was upgraded to a supergroup chat",
    ]
    assert answers[-1]["parameters"] == {"migrate_to_chat_id": moved}
    assert (await call(method, chat_id=moved, **_CONTENT[method]))["ok"]


@METHODS
@pytest.mark.usefixtures("told")
async def test_a_chat_waits_after_whatever_was_sent(call: Call, method: str) -> None:
    first = await call(method, chat_id=ANA, **_CONTENT[method])
    second = await call("sendPhoto", chat_id=ANA, photo=PHOTO)

    assert first["ok"]
    assert second["parameters"] == {"retry_after": 100}


async def test_a_group_takes_so_many_a_minute() -> None:
    settings = SimulatorSettings(
        bots=(NewBot(token=TOKEN),), limits=RateLimitSettings(chat_bucket=10, group_per_minute=2)
    )
    async with TelegramSimulator(settings) as simulator, aiohttp.ClientSession() as http:
        group = simulator.world.add_group(BOT, "Team", GroupKind.SUPERGROUP)
        url = f"{simulator.base_url}/bot{TOKEN}/sendPhoto"
        answers = []
        for _ in range(3):
            async with http.post(url, json={"chat_id": group.id, "photo": PHOTO}) as response:
                answers.append(await response.json())

    assert [answer["ok"] for answer in answers] == [True, True, False]
    assert simulator.book.receipts[-1].limit == "group"
    assert 50 < answers[-1]["parameters"]["retry_after"] <= 60


async def test_ptb_reads_the_balance(ptb_bot: telegram.Bot) -> None:
    assert (await ptb_bot.get_my_star_balance()).amount == 0
