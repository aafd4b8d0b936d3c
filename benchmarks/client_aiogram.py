"""aiogram's bare ``send_message`` in a loop, so many in flight, recording nothing: one JSON object.

``python -m benchmarks.client_aiogram URL MESSAGES IN_FLIGHT [patient]``; ``patient`` gives it the
garbage collector's settings of Skua's own programs.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode

from benchmarks.installation import FIRST_CHAT, TOKEN
from skua_app import event_loop


async def _send(url: str, messages: int, in_flight: int) -> dict[str, Any]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(url), limit=in_flight)
    bot = Bot(TOKEN, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))
    people = iter(range(messages))
    began, began_cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_worker(bot, people) for _ in range(in_flight)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    await bot.session.close()
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"messages": messages, "seconds": seconds, "cpu": cpu, "rss": rss}


async def _worker(bot: Bot, people: Iterator[int]) -> None:
    for person in people:
        name = f"Person {person}"
        await bot.send_message(
            FIRST_CHAT + person, f"Hello <b>{name}</b>, the spring collection is here."
        )


if __name__ == "__main__":
    run = event_loop.run if "patient" in sys.argv[4:] else uvloop.run
    print(json.dumps(run(_send(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
