"""The receipt book: what reached the simulated Telegram, when, and what became of it."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import msgspec

from .errors import ReceiptBookUnfit

SEND_MESSAGE = "sendMessage"
SENDING_METHODS = frozenset(
    {
        SEND_MESSAGE,
        "sendPhoto",
        "sendVideo",
        "sendAnimation",
        "sendDocument",
        "sendAudio",
        "sendVoice",
        "sendMediaGroup",
        "copyMessage",
    }
)


class ReceiptAnswer(StrEnum):
    """What the caller got to see."""

    OK = "ok"
    REFUSED = "refused"
    DROPPED = "dropped"
    HUNG = "hung"
    BAD_GATEWAY = "bad_gateway"


class MediaSource(StrEnum):
    """Where Telegram had a medium from."""

    FILE_ID = "file_id"
    URL = "url"
    UPLOAD = "upload"
    COPY = "copy"
    """From the message that was copied."""


class ReceiptMedia(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    """As it arrived: photo, video, animation, document, audio or voice."""
    key: str
    """Its ``file_unique_id``: the same for all bots."""
    source: MediaSource


class ReceiptUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose bytes came with a request, whatever became of it."""

    name: str
    """Of the form's field."""
    digest: str
    """SHA-256 of the bytes, as hex."""
    size: int
    file_name: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. It never holds a token's secret or a webhook's."""

    number: int
    at: float
    """Arrival, seconds since 1970."""
    monotonic: float
    """Arrival on the machine's monotonic clock, comparable between its processes."""
    bot_id: int | None
    method: str
    """As the Bot API writes it."""
    accepted: bool
    """Whether Telegram did what was asked, whatever the caller got to see."""
    answer: ReceiptAnswer
    chat_id: int | str | None = None
    text: str | None = None
    caption: str | None = None
    parameters: dict[str, Any] = {}
    """The rest of the request's body."""
    message_id: int | None = None
    """Of an album's messages the first."""
    message_ids: tuple[int, ...] = ()
    media: tuple[ReceiptMedia, ...] = ()
    """What arrived, in an album's order."""
    uploads: tuple[ReceiptUpload, ...] = ()
    paid: bool = False
    """Whether the bot allowed Telegram to charge for it."""
    stars: float = 0.0
    """What Telegram charged."""
    error_code: int | None = None
    description: str | None = None
    retry_after: int | None = None
    limit: str | None = None
    """Which limit held the request back: token, chat, group or setWebhook."""
    latency: float = 0.0
    """Seconds that the answer was held back after the arrival."""

    @property
    def body(self) -> dict[str, Any]:
        """The request as it was sent."""
        body = dict(self.parameters)
        if self.chat_id is not None:
            body["chat_id"] = self.chat_id
        if self.text is not None:
            body["text"] = self.text
        if self.caption is not None:
            body["caption"] = self.caption
        return body

    @property
    def content(self) -> str:
        """What two messages have in common that say the same."""
        copied = self.parameters.get("from_chat_id"), self.parameters.get("message_id")
        parts = [
            self.text or self.caption or "",
            *(f"[{one.kind} {one.key}]" for one in self.media),
        ]
        if any(copied):
            parts.append(f"[copy of {copied[0]}/{copied[1]}]")
        return " ".join(part for part in parts if part)


class ReceiptWriter:
    """Appends each receipt to a file at once (no fsync), or keeps them when there is no file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: list[Receipt] = []
        self._encoder = msgspec.json.Encoder()
        self._file: int | None = None
        if path is not None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            try:
                self._file = os.open(path, flags, 0o600)
            except OSError as error:
                raise ReceiptBookUnfit(str(path), error.strerror or "it can't be opened") from error

    def write(self, receipt: Receipt) -> None:
        """Raises ``ReceiptBookUnfit`` when the line can't be written whole, as on a full disk."""
        if self._file is None:
            self._kept.append(receipt)
            return
        line = self._encoder.encode(receipt) + b"\n"
        try:
            written = os.write(self._file, line)
        except OSError as error:
            raise ReceiptBookUnfit(str(self._path), error.strerror or "no write") from error
        if written != len(line):
            raise ReceiptBookUnfit(str(self._path), "a line could not be written whole")

    def book(self) -> "ReceiptBook":
        return ReceiptBook(self._kept) if self._path is None else ReceiptBook.read(self._path)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class ReceiptBook:
    """Receipts in the order of arrival, over all runs that wrote to the same file."""

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        self.receipts = sorted(receipts, key=lambda receipt: receipt.monotonic)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ``ReceiptBookUnfit`` when a line that was finished can't be read."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ReceiptBookUnfit(str(path), error.strerror or "it can't be read") from error
        # What follows the last line end is still being written.
        lines = content.split(b"\n")[:-1]
        decoder = msgspec.json.Decoder(Receipt)
        try:
            return cls(decoder.decode(line) for line in lines)
        except msgspec.DecodeError as error:
            raise ReceiptBookUnfit(str(path), f"a line is no receipt ({error})") from error

    def __len__(self) -> int:
        return len(self.receipts)

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self.receipts)

    def calls(
        self, method: str | None = SEND_MESSAGE, *, bot_id: int | None = None
    ) -> list[Receipt]:
        """Every request of one method, None for any, accepted or not; of one bot if it is named."""
        return [
            receipt
            for receipt in self.receipts
            if method in (None, receipt.method) and bot_id in (None, receipt.bot_id)
        ]

    def sends(self, *, bot_id: int | None = None) -> list[Receipt]:
        """Every request to send something, accepted or not; an album is one."""
        calls = self.calls(None, bot_id=bot_id)
        return [receipt for receipt in calls if receipt.method in SENDING_METHODS]

    def accepted(self, *, bot_id: int | None = None) -> list[Receipt]:
        """The messages and albums that arrived, also those whose answer was lost."""
        return [receipt for receipt in self.sends(bot_id=bot_id) if receipt.accepted]

    def duplicates(self, *, bot_id: int | None = None) -> dict[tuple[int, str], list[Receipt]]:
        """Where the same content arrived in the same chat more than once, by (chat, content)."""
        by_message: dict[tuple[int, str], list[Receipt]] = defaultdict(list)
        for receipt in self.accepted(bot_id=bot_id):
            by_message[int(receipt.chat_id or 0), receipt.content].append(receipt)
        return {key: receipts for key, receipts in by_message.items() if len(receipts) > 1}

    def uploads(self, *, bot_id: int | None = None) -> dict[tuple[int, str], list[Receipt]]:
        """The requests with which a file's bytes came, accepted or not, by (bot, digest)."""
        by_file: dict[tuple[int, str], list[Receipt]] = defaultdict(list)
        for receipt in self.calls(None, bot_id=bot_id):
            for upload in receipt.uploads:
                by_file[receipt.bot_id or 0, upload.digest].append(receipt)
        return dict(by_file)

    def sent_during_a_wait(self, *, bot_id: int, grace: float = 0.05) -> list[Receipt]:
        """Messages that came although a 429 for the whole token had not run out yet.

        Those that were under way when the 429 was answered, and for ``grace`` seconds after
        that, could not know.
        """
        early, known_from, held_until = [], 0.0, 0.0
        for receipt in self.sends(bot_id=bot_id):
            if known_from < receipt.monotonic < held_until:
                early.append(receipt)
            if receipt.retry_after is None or receipt.limit != "token":
                continue
            until = receipt.monotonic + receipt.retry_after
            if until > held_until:
                if receipt.monotonic >= held_until:
                    known_from = receipt.monotonic + receipt.latency + grace
                held_until = until
        return early
