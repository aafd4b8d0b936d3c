"""Requests go wrong as ordered, before or after they were accepted, and the book knows which."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from skua_adapters.telegram_simulator import (
    FaultAction,
    FaultMoment,
    FaultRule,
    FaultScope,
    LatencySettings,
    ReceiptAnswer,
    TelegramSimulator,
)
from tests.contract.telegram_simulator.conftest import ANA, BOT, TOKEN, Call

MOMENTS = pytest.mark.parametrize("when", list(FaultMoment))


def _send(simulator: TelegramSimulator, http: aiohttp.ClientSession) -> Any:
    url = f"{simulator.base_url}/bot{TOKEN}/sendMessage"
    return http.post(url, json={"chat_id": ANA, "text": "hi"})


@MOMENTS
async def test_a_dropped_request_gets_no_answer(
    simulator: TelegramSimulator, http: aiohttp.ClientSession, when: FaultMoment
) -> None:
    simulator.faults.add(FaultRule(action=FaultAction.DROP, when=when, times=1))

    with pytest.raises(aiohttp.ClientConnectionError):
        async with _send(simulator, http):
            pass

    (receipt,) = simulator.book
    assert receipt.answer is ReceiptAnswer.DROPPED
    assert receipt.accepted is (when is FaultMoment.AFTER)
    async with _send(simulator, http) as response:
        assert response.status == 200


@MOMENTS
@pytest.mark.parametrize("body", [True, False])
async def test_a_bad_gateway_answers_html_or_nothing(
    simulator: TelegramSimulator, http: aiohttp.ClientSession, when: FaultMoment, *, body: bool
) -> None:
    simulator.faults.add(FaultRule(action=FaultAction.BAD_GATEWAY, when=when, body=body))

    async with _send(simulator, http) as response:
        assert response.status == 502
        assert bool(await response.read()) is body

    (receipt,) = simulator.book
    assert receipt.answer is ReceiptAnswer.BAD_GATEWAY
    assert receipt.accepted is (when is FaultMoment.AFTER)
    assert (receipt.message_id is not None) is receipt.accepted


@MOMENTS
async def test_a_hanging_request_is_in_the_book_while_it_hangs(
    simulator: TelegramSimulator, http: aiohttp.ClientSession, when: FaultMoment
) -> None:
    simulator.faults.add(FaultRule(action=FaultAction.HANG, when=when, seconds=30))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), _send(simulator, http):
            pass

    (receipt,) = simulator.book
    assert receipt.answer is ReceiptAnswer.HUNG
    assert receipt.accepted is (when is FaultMoment.AFTER)


async def test_a_hanging_request_ends_without_an_answer(
    simulator: TelegramSimulator, http: aiohttp.ClientSession
) -> None:
    simulator.faults.add(FaultRule(action=FaultAction.HANG, seconds=0.05))

    with pytest.raises(aiohttp.ClientConnectionError):
        async with _send(simulator, http):
            pass


async def test_a_429_on_order_holds_the_whole_token(
    call: Call, simulator: TelegramSimulator
) -> None:
    simulator.faults.add(FaultRule(action=FaultAction.TOO_MANY_REQUESTS, retry_after=3, times=1))

    first = await call("sendMessage", chat_id=ANA, text="hi")
    other = await call("sendMessage", chat_id=ANA + 1, text="hi")

    assert first["description"] == "Too Many Requests: retry after 3"
    assert other["parameters"] == {"retry_after": 3}
    assert [receipt.limit for receipt in simulator.book] == ["token", "token"]
    assert (await call("getMe"))["ok"]


async def test_a_429_on_order_can_hold_one_chat(call: Call, simulator: TelegramSimulator) -> None:
    simulator.faults.add(
        FaultRule(
            action=FaultAction.TOO_MANY_REQUESTS, scope=FaultScope.CHAT, retry_after=3, times=1
        )
    )

    assert not (await call("sendMessage", chat_id=ANA, text="hi"))["ok"]
    assert not (await call("sendMessage", chat_id=ANA, text="hi"))["ok"]
    assert (await call("sendMessage", chat_id=ANA + 1, text="hi"))["ok"]


async def test_answers_take_the_ordered_time(call: Call, simulator: TelegramSimulator) -> None:
    simulator.latency.settings = LatencySettings(mean=0.1)
    began = time.monotonic()

    await call("sendMessage", chat_id=ANA, text="hi")

    assert time.monotonic() - began >= 0.1
    assert simulator.book.receipts[0].latency == 0.1


async def test_the_same_seed_gives_the_same_latencies(simulator: TelegramSimulator) -> None:
    settings = LatencySettings(mean=0.12, deviation=0.04, tail_share=0.02, tail=2.0)
    one, other = (type(simulator.latency)(settings, seed=5) for _ in range(2))
    drawn = [one.seconds() for _ in range(2000)]

    assert drawn == [other.seconds() for _ in range(2000)]
    assert 20 <= drawn.count(2.0) <= 60
    assert all(0 <= seconds <= 2 for seconds in drawn)


async def test_limits_hold_over_real_requests(call: Call, simulator: TelegramSimulator) -> None:
    began = time.monotonic()
    answers = await asyncio.gather(
        *(call("sendMessage", chat_id=ANA + number, text="hi") for number in range(200))
    )
    elapsed = time.monotonic() - began

    accepted = sum(answer["ok"] for answer in answers)
    assert 30 <= accepted <= 31 + 30 * elapsed
    refused = next(answer for answer in answers if not answer["ok"])
    assert refused["error_code"] == 429
    assert refused["description"] == "Too Many Requests: retry after 1"
    assert len(simulator.book.accepted(bot_id=BOT)) == accepted


async def test_what_telegram_can_not_read_is_not_counted(call: Call) -> None:
    for _ in range(5):
        await call("sendMessage", chat_id=ANA, text="<b>", parse_mode="HTML")

    assert (await call("sendMessage", chat_id=ANA, text="hi"))["ok"]
