"""The simulator's own routes about what is sent: messages, files, URLs and Stars."""

import hashlib
from typing import Any

import msgspec
from aiohttp import web

from .control_http import handler, number, read
from .control_requests import FileRequest, StarsRequest, UrlRequest
from .errors import NotInWorld
from .internet import UrlContent
from .media_files import MediaFile
from .people import People
from .stars import StarBalance
from .world import World


class ContentControl:
    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people
        self._files = 0

    def add_routes(self, router: web.UrlDispatcher) -> None:
        bot = "/simulator/bots/{bot_id}"
        chat = f"{bot}/chats/{{chat_id}}/messages"
        for verb, path, action in (
            ("GET", chat, self._list_messages),
            ("GET", f"{chat}/{{message_id}}", self._show_message),
            ("DELETE", f"{chat}/{{message_id}}", self._delete_message),
            ("POST", f"{bot}/files", self._add_file),
            ("DELETE", f"{bot}/files/{{file_id}}", self._forget_file),
            ("PUT", f"{bot}/stars", self._set_stars),
            ("PUT", "/simulator/urls", self._set_url),
            ("GET", "/simulator/urls", self._list_fetches),
        ):
            router.add_route(verb, path, handler(action))

    async def _list_messages(self, request: web.Request) -> Any:
        bot = self._world.bot(number(request, "bot_id"))
        return {"messages": self._world.history.of_chat(bot.id, number(request, "chat_id"))}

    async def _show_message(self, request: web.Request) -> Any:
        bot = self._world.bot(number(request, "bot_id"))
        chat_id, message_id = number(request, "chat_id"), number(request, "message_id")
        message = self._world.history.find(bot.id, chat_id, message_id)
        if message is None:
            raise NotInWorld(f"message {message_id} in chat {chat_id}")
        return message

    async def _delete_message(self, request: web.Request) -> Any:
        self._people.delete_message(
            number(request, "bot_id"), number(request, "chat_id"), number(request, "message_id")
        )

    async def _add_file(self, request: web.Request) -> Any:
        bot, wanted = self._world.bot(number(request, "bot_id")), await read(request, FileRequest)
        self._files += 1
        key = hashlib.sha256(f"file {self._files}".encode()).hexdigest()
        file = MediaFile(key=key, **msgspec.structs.asdict(wanted))
        bot.files.add(file)
        letter = file.copies[-1].letter if file.copies else ""
        return {"file_id": file.file_id(bot.id, letter), "file_unique_id": file.unique_id}

    async def _forget_file(self, request: web.Request) -> Any:
        self._world.forget_file(number(request, "bot_id"), request.match_info["file_id"])

    async def _set_stars(self, request: web.Request) -> Any:
        bot, wanted = self._world.bot(number(request, "bot_id")), await read(request, StarsRequest)
        bot.stars = StarBalance(wanted.stars, may_pay=wanted.may_pay)

    async def _set_url(self, request: web.Request) -> Any:
        facts = msgspec.structs.asdict(await read(request, UrlRequest))
        self._world.internet.put(facts.pop("url"), UrlContent(**facts))

    async def _list_fetches(self, _: web.Request) -> Any:
        return {"fetches": self._world.internet.fetches()}
