"""The simulated Telegram as a process of its own, and what tests do to its world."""

import asyncio
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from skua_adapters.telegram_simulator import (
    FaultRule,
    LatencySettings,
    NewBot,
    RateLimitSettings,
    ReceiptBook,
    SimulatorSettings,
    WebhookSettings,
)
from tests.e2e.delivery.programs import Program, free_port

ROOMY = RateLimitSettings(token_rate=1000, token_bucket=1000)
"""Limits that a test of crashes doesn't run into."""
_START_SECONDS = 30.0


class SimulatedTelegram:
    """Stays at one address. What its people did is forgotten when it is stopped; its book isn't."""

    def __init__(self, settings: SimulatorSettings, directory: Path) -> None:
        assert settings.receipt_book is not None
        self._settings = settings
        self._book_file = settings.receipt_book
        self._directory = directory
        self._starts = 0
        self._program: Program | None = None
        self.base_url = f"http://127.0.0.1:{settings.port}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.base_url)
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()
        await self.stop()

    async def start(self) -> None:
        self._starts += 1
        ready = self._directory / f"telegram.{self._starts}"
        # Another seed each time, so that no update bears the number of an earlier one.
        settings = msgspec.structs.replace(self._settings, seed=self._settings.seed + self._starts)
        command = [
            *(sys.executable, "-m", "tests.e2e.delivery.simulator_program"),
            *(msgspec.json.encode(settings, enc_hook=str).decode(), str(ready)),
        ]
        program = self._program = Program("telegram", command, {}, self._directory)
        await program.start()
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            assert program.alive, program.tail()
            assert time.monotonic() < deadline, program.tail()
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._program is not None:
            await self._program.stop()

    def book(self) -> ReceiptBook:
        return ReceiptBook.read(self._book_file)

    async def about(self, telegram_id: int) -> dict[str, Any]:
        return await self.ask("GET", f"/simulator/bots/{telegram_id}")

    async def add_audience(self, telegram_id: int, people: range) -> None:
        """People who pressed Start before Skua knew the bot."""
        body = {"first_id": people.start, "count": len(people)}
        await self.ask("POST", f"/simulator/bots/{telegram_id}/audience", body)

    async def join(self, telegram_id: int, people: range, *, rate: float) -> None:
        """Let new people press Start from now on, so many per second."""
        body = {"first_id": people.start, "count": len(people)}
        await self.ask("POST", "/simulator/users", body)
        await self.ask("POST", f"/simulator/bots/{telegram_id}/joins", {**body, "rate": rate})

    async def say(self, telegram_id: int, user_id: int, text: str) -> None:
        body = {"user_id": user_id, "text": text}
        await self.ask("POST", f"/simulator/bots/{telegram_id}/text", body)

    async def block(self, telegram_id: int, *user_ids: int) -> None:
        await self.ask("POST", f"/simulator/bots/{telegram_id}/block", {"user_ids": user_ids})

    async def give_stars(self, telegram_id: int, stars: int) -> None:
        """And let the bot pay with them."""
        await self.ask("PUT", f"/simulator/bots/{telegram_id}/stars", {"stars": stars})

    async def throttle(self, telegram_id: int, retry_after: int) -> None:
        """From now on every send is answered 429 until the time is over."""
        body = {"retry_after": retry_after}
        await self.ask("POST", f"/simulator/bots/{telegram_id}/throttle", body)

    async def set_faults(self, *rules: FaultRule) -> None:
        """In place of those that were in force."""
        await self.ask("PUT", "/simulator/faults", {"rules": msgspec.to_builtins(rules)})

    async def set_latency(self, latency: LatencySettings) -> None:
        await self.ask("PUT", "/simulator/latency", msgspec.to_builtins(latency))

    async def ask(self, verb: str, path: str, body: object = None) -> dict[str, Any]:
        async with self._session.request(verb, path, json=body) as response:
            answer: dict[str, Any] = await response.json()
        assert response.status == 200, f"{verb} {path}: {answer}"
        return answer


def simulate_telegram(
    *tokens: str, directory: Path, seed: int, latency: LatencySettings | None = None
) -> SimulatedTelegram:
    settings = SimulatorSettings(
        port=free_port(),
        seed=seed,
        receipt_book=directory / "receipts.jsonl",
        limits=ROOMY,
        latency=latency or LatencySettings(),
        # Its retries come after 0.1, 0.2, 0.4 … seconds instead of 2, 4, 8 …
        webhooks=WebhookSettings(allow_local=True, time_factor=0.05, set_interval=0.01),
        bots=tuple(NewBot(token=token) for token in tokens),
    )
    return SimulatedTelegram(settings, directory)
