"""One simulator per test, and the foreign clients that talk to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aiohttp
import pytest
import telegram
from aiogram import Bot as AiogramBot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from skua_adapters.telegram_simulator import (
    NewBot,
    SimulatorSettings,
    TelegramSimulator,
    WebhookSettings,
)

TOKEN = "42:AAF-a_made_up_secret_0123456789abcdef"
BOT = 42
ANA = 1000
"""The first of a thousand people who pressed Start; the simulator names her Ana."""

Call = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another task
            await asyncio.sleep(0.005)


@pytest.fixture
def settings() -> SimulatorSettings:
    return SimulatorSettings(
        bots=(NewBot(token=TOKEN, username="skua_test_bot"),),
        webhooks=WebhookSettings(allow_local=True, time_factor=0.02, timeout=1.0, set_interval=0.0),
    )


@pytest.fixture
async def simulator(settings: SimulatorSettings) -> AsyncIterator[TelegramSimulator]:
    async with TelegramSimulator(settings) as simulator:
        simulator.people.add_audience(BOT, range(ANA, ANA + 1000))
        yield simulator


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def call(simulator: TelegramSimulator, http: aiohttp.ClientSession) -> Call:
    """A bare JSON call of a Bot API method; answers the envelope."""

    async def call(method: str, token: str = TOKEN, **parameters: Any) -> dict[str, Any]:
        url = f"{simulator.base_url}/bot{token}/{method}"
        async with http.post(url, json=parameters) as response:
            envelope: dict[str, Any] = await response.json()
            assert response.status == envelope.get("error_code", 200)
            return envelope

    return call


@pytest.fixture
async def aiogram_bot(simulator: TelegramSimulator) -> AsyncIterator[AiogramBot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(simulator.base_url))
    bot = AiogramBot(TOKEN, session=session)
    yield bot
    await bot.session.close()


@pytest.fixture
async def ptb_bot(simulator: TelegramSimulator) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(TOKEN, base_url=f"{simulator.base_url}/bot") as bot:
        yield bot
