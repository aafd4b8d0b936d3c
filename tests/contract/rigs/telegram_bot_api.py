"""Bot APIs with levers for their outside world: the fake, and the simulator."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from skua_adapters.bot_api.fake import FakeBotApi
from skua_adapters.bot_api.telegram import TelegramBotApi, TelegramBotApiSettings
from skua_adapters.messenger.telegram import TelegramMessenger, TelegramMessengerSettings
from skua_adapters.telegram_simulator import FaultAction, FaultRule, TelegramSimulator
from skua_adapters.telegram_simulator.stars import NANOSTARS
from skua_core.domain.content import InlineButton, RenderedMessage
from skua_core.ids import ChatId
from skua_core.ports.bot_api import BotApi, UpdateSource
from skua_core.ports.messenger import OutboundMessage
from tests.contract.rigs.telegram import ANA, BOT, TOKEN, running_simulator

USERNAME = "skua_test_bot"


class BotApiWithUpdates(BotApi, UpdateSource, Protocol):
    """What both adapters are."""


@dataclass
class BotApiRig:
    """A bot API that knows ``TOKEN``, with levers. Trouble lasts to the end of the test."""

    api: BotApiWithUpdates
    fit_url: str
    unfit_url: str
    """One that only Telegram finds fault with."""
    press_start: Callable[[ChatId, str], int | None]
    """With a deep link's payload; the update's id."""
    press_button: Callable[[], Awaitable[str]]
    """Ana presses one under the bot's message; the press's id."""
    webhook: Callable[[], tuple[str, str]]
    """URL and secret as Telegram has them."""
    revoke: Callable[[], object]
    cut_off: Callable[[], Awaitable[object]]
    throttle: Callable[[int], object]
    break_down: Callable[[], object]
    take_elsewhere: Callable[[], object]
    give_stars: Callable[[int], object]


@asynccontextmanager
async def fake_bot_api_rig() -> AsyncIterator[BotApiRig]:
    fake = FakeBotApi()
    fake.add_bot(TOKEN, username=USERNAME)
    unfit_url = "https://nowhere.example/hook"
    fake.refuse_webhook(unfit_url, "Bad Request: bad webhook: Failed to resolve host")
    dates = count(1_795_449_600)
    ana = {"id": ANA, "is_bot": False, "first_name": "Ana", "language_code": "pt"}
    chat = {"id": ANA, "type": "private", "first_name": "Ana"}

    def press_start(_: ChatId, payload: str) -> int:
        said = {"message_id": 1, "from": ana, "chat": chat, "date": next(dates)}
        return fake.add_update(TOKEN, {"message": said | {"text": f"/start {payload}".rstrip()}})

    async def press_button() -> str:
        pressed = {"id": "77", "from": ana, "message": {"chat": chat}, "data": "yes"}
        fake.add_update(TOKEN, {"callback_query": pressed})
        return "77"

    async def cut_off() -> None:
        fake.cut_off()

    def webhook() -> tuple[str, str]:
        return fake.webhooks[TOKEN].url, fake.webhooks[TOKEN].secret.reveal()

    yield BotApiRig(
        api=fake,
        fit_url="https://skua.example/hook",
        unfit_url=unfit_url,
        press_start=press_start,
        press_button=press_button,
        webhook=webhook,
        revoke=lambda: fake.revoke(TOKEN),
        cut_off=cut_off,
        throttle=fake.throttle,
        break_down=fake.cut_off,
        take_elsewhere=lambda: fake.take_elsewhere(TOKEN),
        give_stars=lambda number: fake.give_stars(TOKEN, number),
    )


@asynccontextmanager
async def telegram_bot_api_rig() -> AsyncIterator[BotApiRig]:
    async with running_simulator() as simulator:
        api = TelegramBotApi(
            TelegramBotApiSettings(api_base=simulator.base_url, allow_local_webhooks=True)
        )
        yield rig_of_simulator(simulator, api)
        await api.close()


def rig_of_simulator(simulator: TelegramSimulator, api: BotApiWithUpdates) -> BotApiRig:
    bot, people = simulator.world.bot(BOT), simulator.people

    def trouble(action: FaultAction, after: int = 1) -> None:
        simulator.faults.add(FaultRule(action=action, method="*", retry_after=after))

    async def press_button() -> str:
        messenger = TelegramMessenger(TelegramMessengerSettings(api_base=simulator.base_url))
        button = InlineButton("Yes", callback_data="yes")
        await messenger.send(
            TOKEN, OutboundMessage(ANA, RenderedMessage("Sure?", buttons=((button,),)))
        )
        await messenger.close()
        return people.press_button(BOT, ANA)

    def give_stars(number: int) -> None:
        # And a part of one, which doesn't count.
        bot.stars.nanostars += number * NANOSTARS + NANOSTARS // 2

    def take_elsewhere() -> None:
        bot.webhook.url = "https://somebody.example/hook"

    return BotApiRig(
        api=api,
        fit_url="http://127.0.0.1:9/hook",
        unfit_url="http://./hook",
        press_start=lambda chat, payload: people.press_start(BOT, chat, payload),
        press_button=press_button,
        webhook=lambda: (bot.webhook.url, bot.webhook.secret_token),
        revoke=lambda: simulator.world.revoke_token(BOT),
        cut_off=simulator.stop,
        throttle=lambda seconds: trouble(FaultAction.TOO_MANY_REQUESTS, seconds),
        break_down=lambda: trouble(FaultAction.BAD_GATEWAY),
        take_elsewhere=take_elsewhere,
        give_stars=give_stars,
    )
