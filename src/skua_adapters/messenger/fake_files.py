"""The files that the fake Telegram has, by the names that each bot knows them by."""

import hashlib

from skua_core.domain.media import Medium
from skua_core.errors import MediumMissing
from skua_core.ids import MediaId, TelegramId
from skua_core.ports.messenger import Blame, OutboundMessage, Refused

_UNKNOWN_FILE = "Bad Request: wrong file identifier/HTTP URL specified"


class FakeFiles:
    def __init__(self) -> None:
        self.uploads: list[tuple[TelegramId, MediaId]] = []
        """Whenever the bytes of a file came whole, and from which bot."""
        self._owners: dict[str, TelegramId] = {}
        self._lost: set[str] = set()
        self._refused: dict[str, Refused] = {}

    def refuse(self, medium: str, description: str) -> None:
        self._refused[medium] = Refused(description=description, blame=Blame.MEDIUM)

    def lose(self, file_id: str) -> None:
        self._lost.add(file_id)

    async def receive(
        self, bot: TelegramId, message: OutboundMessage
    ) -> dict[MediaId, str] | Refused:
        """A digest of each upload that the message carries. Raises StorageUnavailable."""
        digests: dict[MediaId, str] = {}
        for medium in message.content.media:
            if medium.upload is None:
                continue
            try:
                digests[medium.upload] = await _digest(message, medium.upload)
            except MediumMissing as error:
                return Refused(description=str(error), blame=Blame.MEDIUM)
            self.uploads.append((bot, medium.upload))
        return digests

    def take(
        self, bot: TelegramId, media: tuple[Medium, ...], digests: dict[MediaId, str]
    ) -> tuple[str, ...] | Refused:
        """By what the bot may send each medium again, or why it can't be sent."""
        for medium in media:
            name = str(medium.upload or medium.url or medium.file_id)
            if refused := self._refused.get(name):
                return refused
            if self._owners.get(name, bot) != bot or name in self._lost:
                return Refused(description=_UNKNOWN_FILE, blame=Blame.MEDIUM)
        file_ids = tuple(self._file_id(bot, medium, digests) for medium in media)
        self._owners |= dict.fromkeys(file_ids, bot)
        return file_ids

    def _file_id(self, bot: TelegramId, medium: Medium, digests: dict[MediaId, str]) -> str:
        if medium.file_id is not None:
            return medium.file_id
        name = medium.url if medium.upload is None else digests[medium.upload]
        digest = hashlib.sha256(f"{bot}:{medium.kind}:{name}".encode()).hexdigest()
        file_id = f"{medium.kind}-{bot}-{digest[:16]}"
        self._lost.discard(file_id)
        return file_id


async def _digest(message: OutboundMessage, media_id: MediaId) -> str:
    source = message.files.get(media_id)
    if source is None:
        raise MediumMissing(media_id)
    digest = hashlib.sha256()
    async for piece in source.read():
        digest.update(piece)
    return digest.hexdigest()
