"""Sends through Telegram's Bot API, over aiohttp."""

import aiohttp
import msgspec
from yarl import URL

from skua_adapters.messenger.telegram_answers import classify
from skua_adapters.messenger.telegram_http import TelegramHttp
from skua_adapters.messenger.telegram_protocol import Answer
from skua_core.domain.content import ButtonRows, MessageEntity
from skua_core.domain.secret import BotToken
from skua_core.faults import fault
from skua_core.ids import ChatId
from skua_core.ports.messenger import (
    Blame,
    Messenger,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Unknown,
)


class TelegramMessengerSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    api_base: str = "https://api.telegram.org"
    timeout: float = 30.0
    """Seconds for a whole send; then its fate is unknown."""
    connect_timeout: float = 10.0
    """Seconds until a connection stands, TLS included; nothing has been sent by then."""
    connections: int = 0
    """The most that may be open at once; 0 leaves that to the lanes' windows."""
    keep_alive: float = 12.0
    """Seconds that an idle connection is kept. Shorter than any server keeps it: a request that
    crosses the server's close has an unknown fate."""

    def __post_init__(self) -> None:
        if not 0 < self.connect_timeout < self.timeout:
            raise ValueError("connect_timeout lies between 0 and timeout")
        if self.keep_alive <= 0 or self.connections < 0:
            raise ValueError("keep_alive is above 0, connections not below it")
        base = URL(self.api_base)
        if base.scheme not in {"http", "https"} or not base.host or base.query or base.fragment:
            raise ValueError(f"api_base is an http or https address, not {self.api_base!r}")


class _InlineKeyboard(msgspec.Struct, frozen=True, gc=False):
    inline_keyboard: ButtonRows


class _SendMessage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The body of sendMessage; the domain's entities and buttons have Telegram's shape already."""

    chat_id: ChatId
    text: str
    entities: tuple[MessageEntity, ...] = ()
    reply_markup: _InlineKeyboard | None = None
    allow_paid_broadcast: bool = False


class TelegramMessenger(Messenger):
    """One pool of connections for all bots. Belongs to the event loop of its first send."""

    def __init__(self, settings: TelegramMessengerSettings | None = None) -> None:
        self._settings = settings or TelegramMessengerSettings()
        self._encoder = msgspec.json.Encoder()
        self._http: TelegramHttp | None = None
        self._closed = False

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        try:
            body = self._encode(message)
        except UnicodeEncodeError:
            return Refused(
                description="The message holds half a surrogate pair.", blame=Blame.CONTENT
            )
        try:
            await fault("send.before_http")
        except ConnectionResetError:
            return NotSent(reason="ConnectionResetError")
        if self._closed:
            return NotSent(reason="the messenger is closed")
        return await self._call(token, body)

    async def close(self) -> None:
        self._closed = True
        if self._http is not None:
            await self._http.close()

    def _encode(self, message: OutboundMessage) -> bytes:
        content = message.content
        return self._encoder.encode(
            _SendMessage(
                chat_id=message.chat_id,
                text=content.text,
                entities=content.entities,
                reply_markup=_InlineKeyboard(content.buttons) if content.buttons else None,
                allow_paid_broadcast=message.paid,
            )
        )

    async def _call(self, token: BotToken, body: bytes) -> SendOutcome:
        http = self._http or self._open()
        answer: Answer | None = None
        # Of an error only its name goes on; its text is not ours.
        try:
            answer = await http.post(token, body)
            await fault("send.after_http")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return NotSent(reason=type(error).__name__)
        except aiohttp.ClientResponseError:
            return Unknown(reason="the answer isn't HTTP", answered=True)
        except (aiohttp.ClientError, OSError) as error:
            answered = answer is not None or isinstance(error, aiohttp.ClientPayloadError)
            return Unknown(reason=type(error).__name__, answered=answered)
        if answer.body is None:
            return Unknown(reason="the answer is too long", answered=True)
        return classify(answer.status, answer.body)

    def _open(self) -> TelegramHttp:
        settings = self._settings
        self._http = TelegramHttp(
            URL(settings.api_base),
            timeout=settings.timeout,
            connect_timeout=settings.connect_timeout,
            connections=settings.connections,
            keep_alive=settings.keep_alive,
        )
        return self._http
