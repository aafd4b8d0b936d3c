"""Starting and stopping the simulator."""

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest

from skua_adapters.telegram_simulator import (
    FaultAction,
    FaultRule,
    NewBot,
    ReceiptBookUnfit,
    SimulatorAddressTaken,
    SimulatorSettings,
    TelegramSimulator,
    serve,
)
from tests.contract.telegram_simulator.conftest import ANA, TOKEN, Call


async def test_serve_says_when_it_is_ready_and_stops_when_cancelled() -> None:
    ready: asyncio.Future[TelegramSimulator] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(SimulatorSettings(), ready.set_result))
    simulator = await ready

    async with aiohttp.ClientSession() as http:
        async with http.get(f"{simulator.base_url}/simulator") as response:
            assert await response.json() == {"bots": []}
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{simulator.base_url}/simulator")


async def test_a_taken_port_is_said(simulator: TelegramSimulator) -> None:
    with pytest.raises(SimulatorAddressTaken, match=str(simulator.port)):
        async with TelegramSimulator(SimulatorSettings(port=simulator.port)):
            pass


async def test_a_receipt_book_that_can_not_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ReceiptBookUnfit):
        async with TelegramSimulator(SimulatorSettings(receipt_book=tmp_path)):
            pass


async def test_open_polls_and_hanging_requests_do_not_hold_up_the_end() -> None:
    rule = FaultRule(action=FaultAction.HANG, seconds=60)
    settings = SimulatorSettings(bots=(NewBot(token=TOKEN),), faults=(rule,))
    async with aiohttp.ClientSession() as http, asyncio.timeout(5):
        async with TelegramSimulator(settings) as simulator:
            bot_url = f"{simulator.base_url}/bot{TOKEN}"
            waiting = [
                asyncio.create_task(_post(http, f"{bot_url}/{method}"))
                for method in ("getUpdates?timeout=50", "sendMessage")
            ]
            await asyncio.sleep(0.1)
        await asyncio.gather(*waiting, return_exceptions=True)


async def _post(http: aiohttp.ClientSession, url: str) -> None:
    async with http.post(url):
        pass


async def test_no_log_line_holds_a_token(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    await call("sendMessage", chat_id=ANA, text="hi")
    await call("sendMessage", "42:wrong_secret", chat_id=ANA, text="hi")

    assert TOKEN.partition(":")[2] not in caplog.text
    assert "wrong_secret" not in caplog.text


@pytest.fixture
def full_disk() -> Path:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full to stand in for a full disk")
    return full


async def test_a_book_that_can_not_be_written_makes_every_call_fail_without_its_token(
    full_disk: Path, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SimulatorSettings(bots=(NewBot(token=TOKEN),), receipt_book=full_disk)
    async with TelegramSimulator(settings) as simulator:
        url = f"{simulator.base_url}/bot{TOKEN}/getMe"
        async with http.post(url) as response:
            answer = await response.json()

    assert answer["error_code"] == 500
    assert "No space left on device" in caplog.text
    assert TOKEN.partition(":")[2] not in caplog.text
