"""Replies to ``/stop`` while a broadcast leaves at full rate, and how long each took: JSON.

``python -m benchmarks.client_reply SLUG REPLIES [--free]``; seconds from the update's arrival until
the reply was written to the connection, and until it was answered.
"""

import argparse
import asyncio
import json
import os
import time
from typing import Any

from dishka import AsyncContainer, Provider, Scope, decorate

from benchmarks.client_skua import begin_broadcast, freeze, running
from benchmarks.installation import FIRST_CHAT
from skua_app import event_loop
from skua_app.container import QueueKind, make_container
from skua_app.settings import load
from skua_core.domain.secret import BotToken
from skua_core.ids import BotId, ChatId
from skua_core.ports.messenger import Messenger, OutboundMessage, SendOutcome
from skua_core.use_cases.intake import ReceiveUpdate, ReceiveUpdateCommand
from skua_worker.runner import LaneRunner

_RUN_UP, _BETWEEN = 1.0, 0.1
"""Seconds before the first reply, and between two."""


class _Watch(Messenger):
    """Notes when messages to certain chats leave and are answered."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger
        self.sent = 0
        self.replies: dict[ChatId, asyncio.Future[tuple[float, float]]] = {}

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        began = time.perf_counter()
        outcome = await self._messenger.send(token, message)
        self.sent += 1
        waiting = self.replies.get(message.chat_id)
        if waiting is not None and not waiting.done():
            waiting.set_result((began, time.perf_counter()))
        return outcome

    async def close(self) -> None:
        await self._messenger.close()


class _WatchProvider(Provider):
    scope = Scope.APP

    @decorate
    def watch(self, messenger: Messenger) -> Messenger:
        return _Watch(messenger)


async def _measure(slug: str, replies: int, *, paid: bool) -> dict[str, Any]:
    settings = load(os.environ)
    container = make_container(settings, queue=QueueKind.IN_PROCESS, more=(_WatchProvider(),))
    try:
        watch = await container.get(Messenger)
        broadcast_id, bot_id = await begin_broadcast(container, slug, paid=paid)
        await freeze(container, bot_id, broadcast_id)
        async with running(await container.get(LaneRunner)):
            await asyncio.sleep(_RUN_UP)
            before, began = watch.sent, time.perf_counter()
            taken = []
            for number in range(replies):
                taken.append(await _reply(container, watch, bot_id, number))
                await asyncio.sleep(_BETWEEN)
            rate = (watch.sent - before) / (time.perf_counter() - began)
    finally:
        await container.close()
    return {"left": [left for left, _ in taken], "answered": [a for _, a in taken], "rate": rate}


async def _reply(
    container: AsyncContainer, watch: _Watch, bot_id: BotId, number: int
) -> tuple[float, float]:
    """The subscribers who joined last: the broadcast hasn't come to them yet."""
    chat_id = ChatId(FIRST_CHAT + int(os.environ["SKUA_BENCH_AUDIENCE"]) - 1 - number)
    answered = watch.replies[chat_id] = asyncio.get_running_loop().create_future()
    receive = await container.get(ReceiveUpdate)
    began = time.perf_counter()
    await receive(ReceiveUpdateCommand(bot_id=bot_id, raw=_stop(chat_id, number)))
    left, done = await answered
    return left - began, done - began


def _stop(chat_id: ChatId, number: int) -> bytes:
    chat = {"id": chat_id, "type": "private", "first_name": "Person"}
    message = {
        "message_id": number + 1,
        "date": int(time.time()),
        "chat": chat,
        "from": {"id": chat_id, "is_bot": False, "first_name": "Person"},
        "text": "/stop",
        "entities": [{"type": "bot_command", "offset": 0, "length": 5}],
    }
    return json.dumps({"update_id": number + 1, "message": message}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slug")
    parser.add_argument("replies", type=int)
    parser.add_argument("--free", action="store_true", help="at the free rate")
    options = parser.parse_args()
    result = event_loop.run(_measure(options.slug, options.replies, paid=not options.free))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
