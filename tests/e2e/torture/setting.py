"""Where a torture begins: a Telegram that has bad moments, and bots that begin to broadcast."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from skua_adapters.telegram_simulator import (
    FaultAction,
    FaultMoment,
    FaultRule,
    LatencySettings,
    NewBot,
    RateLimitSettings,
    SimulatorSettings,
    WebhookSettings,
)
from skua_core.domain.broadcast import Broadcast
from tests.e2e.delivery.installation import ConnectedBot, Installation
from tests.e2e.delivery.programs import free_port
from tests.e2e.delivery.telegram import SimulatedTelegram

Sending = tuple[ConnectedBot, Sequence[int], Broadcast]
"""A bot, those of its people who haven't blocked it, and what it sends them."""

_FIRST_PERSON = 1_000_001
_BLOCKED = 100
"""One of so many people has blocked the bot before."""
_AT_ONCE = 6
"""Bots that are set up at a time."""
_LOST_ANSWERS = 0.002


def simulate_busy_telegram(
    tokens: Sequence[str], *, seed: int, directory: Path
) -> SimulatedTelegram:
    """Some answers come late, and some never, though the message was accepted."""
    lost = tuple(
        FaultRule(action=action, when=FaultMoment.AFTER, probability=_LOST_ANSWERS)
        for action in (FaultAction.DROP, FaultAction.BAD_GATEWAY)
    )
    settings = SimulatorSettings(
        port=free_port(),
        seed=seed,
        receipt_book=directory / "receipts.jsonl",
        limits=RateLimitSettings(token_rate=1000, token_bucket=1000),
        latency=LatencySettings(mean=0.12, deviation=0.04, tail_share=0.01, tail=1.0),
        webhooks=WebhookSettings(allow_local=True, time_factor=0.05, set_interval=0.01, timeout=10),
        faults=lost,
        bots=tuple(NewBot(token=token) for token in tokens),
    )
    return SimulatedTelegram(settings, directory)


async def begin_broadcasts(
    installation: Installation, telegram: SimulatedTelegram, tokens: Sequence[str], *, people: int
) -> list[Sending]:
    """One for each bot, to so many people of its own. Nobody serves them yet."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def begin(number: int, token: str) -> Sending:
        async with at_once:
            bot = await installation.add_bot(token, name=f"bot{number}")
            first = _FIRST_PERSON + number * 1_000_000
            audience = range(first, first + people)
            gone = audience[::_BLOCKED]
            await telegram.add_audience(bot.telegram_id, audience)
            await telegram.block(bot.telegram_id, *gone)
            await installation.subscribe(bot, audience)
            broadcast = await installation.broadcast(bot, f"spring{number:03}")
            return bot, [person for person in audience if person not in gone], broadcast

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(begin(*each)) for each in enumerate(tokens)]
    return [task.result() for task in tasks]
