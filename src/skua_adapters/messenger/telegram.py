"""Sends through Telegram's Bot API, over aiohttp."""

import aiohttp
import msgspec
from yarl import URL

from skua_adapters.messenger.telegram_answers import classify
from skua_adapters.messenger.telegram_media_answers import classify_album, classify_medium
from skua_adapters.messenger.telegram_protocol import Answer
from skua_adapters.messenger.telegram_requests import SEND_MESSAGE, Request, request_for, text_body
from skua_adapters.messenger.telegram_uploads import (
    FileChanged,
    Form,
    TelegramUploads,
    UploadIncomplete,
)
from skua_core.domain.content import RenderedMessage
from skua_core.domain.secret import BotToken
from skua_core.errors import MediumMissing, StorageUnavailable
from skua_core.faults import fault
from skua_core.ports.messenger import (
    Blame,
    Messenger,
    NotSent,
    OutboundMessage,
    Refused,
    SendOutcome,
    Throttled,
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
    slowest_upload: float = 256 * 1024
    """Bytes in a second: a send that carries files may take longer by their size over this."""
    longest_upload: float = 300.0
    """Seconds for a send that carries files, whatever their size."""

    def __post_init__(self) -> None:
        if not 0 < self.connect_timeout < self.timeout:
            raise ValueError("connect_timeout lies between 0 and timeout")
        if self.keep_alive <= 0 or self.connections < 0:
            raise ValueError("keep_alive is above 0, connections not below it")
        if self.slowest_upload <= 0 or self.longest_upload < self.timeout:
            raise ValueError("slowest_upload is above 0, longest_upload not below timeout")
        base = URL(self.api_base)
        if base.scheme not in {"http", "https"} or not base.host or base.query or base.fragment:
            raise ValueError(f"api_base is an http or https address, not {self.api_base!r}")


class TelegramMessenger(Messenger):
    """One pool of connections for all bots. Belongs to the event loop of its first send."""

    def __init__(self, settings: TelegramMessengerSettings | None = None) -> None:
        self._settings = settings or TelegramMessengerSettings()
        self._encoder = msgspec.json.Encoder()
        self._http: TelegramUploads | None = None
        self._closed = False

    async def send(self, token: BotToken, message: OutboundMessage) -> SendOutcome:
        content = message.content
        method = SEND_MESSAGE
        body: bytes | Form
        try:
            if content.media or content.copied is not None:
                request = request_for(message)
                method = request.method
                body = self._body(request, message)
            else:
                body = self._encoder.encode(text_body(message))
        except UnicodeEncodeError:
            return Refused("The message holds half a surrogate pair.", Blame.CONTENT)
        except MediumMissing as error:
            return Refused(str(error), Blame.MEDIUM)
        try:
            await fault("send.before_http")
        except ConnectionResetError:
            return NotSent(reason="ConnectionResetError")
        if self._closed:
            return NotSent(reason="the messenger is closed")
        return await self._call(token, method, body, content)

    async def close(self) -> None:
        self._closed = True
        if self._http is not None:
            await self._http.close()

    def _body(self, request: Request, message: OutboundMessage) -> bytes | Form:
        if request.uploads:
            return Form(request, message.files)
        return self._encoder.encode(request.fields)

    async def _call(
        self, token: BotToken, method: str, body: bytes | Form, content: RenderedMessage
    ) -> SendOutcome:
        http = self._http or self._open()
        answer: Answer | None = None
        whole = True
        # Of an error only its name goes on; its text is not ours.
        try:
            if isinstance(body, bytes):
                answer = await http.post(token, body, method)
            else:
                answer, whole = await http.upload(token, method, body, self._time_for(body))
            await fault("send.after_http")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return NotSent(reason=type(error).__name__)
        except aiohttp.ClientResponseError:
            return Unknown(reason="the answer isn't HTTP", answered=True)
        except (aiohttp.ClientError, OSError) as error:
            answered = answer is not None or isinstance(error, aiohttp.ClientPayloadError)
            return Unknown(reason=type(error).__name__, answered=answered)
        except (UploadIncomplete, FileChanged, MediumMissing, StorageUnavailable) as error:
            return _not_uploaded(error)
        outcome = _classify(answer, content)
        return outcome if whole else _without_doubt(outcome)

    def _time_for(self, body: Form) -> float:
        settings = self._settings
        return min(settings.timeout + body.size / settings.slowest_upload, settings.longest_upload)

    def _open(self) -> TelegramUploads:
        settings = self._settings
        self._http = TelegramUploads(
            URL(settings.api_base),
            timeout=settings.timeout,
            connect_timeout=settings.connect_timeout,
            connections=settings.connections,
            keep_alive=settings.keep_alive,
        )
        return self._http


def _classify(answer: Answer, content: RenderedMessage) -> SendOutcome:
    if answer.body is None:
        return Unknown(reason="the answer is too long", answered=True)
    if not content.media:
        return classify(answer.status, answer.body)
    kinds = [medium.kind for medium in content.media]
    if len(kinds) == 1:
        return classify_medium(answer.status, answer.body, kinds[0])
    return classify_album(answer.status, answer.body, kinds)


def _not_uploaded(error: Exception) -> SendOutcome:
    """Less than a whole request left; it's the medium's fault if that can't be read."""
    match error:
        case MediumMissing():
            return Refused(str(error), Blame.MEDIUM)
        case FileChanged():
            return Refused("The file isn't as long as it was when it came.", Blame.MEDIUM)
        case UploadIncomplete():
            return NotSent(reason=error.reason)
        case _:
            return NotSent(reason=type(error).__name__)


def _without_doubt(outcome: SendOutcome) -> SendOutcome:
    """What an answer means that came before the request was whole: it wasn't accepted."""
    match outcome:
        case Unknown(retry_after=float(wait)):
            return Throttled(retry_after=wait)
        case Unknown(refused=Refused() as refused):
            return refused
        case Unknown(reason):
            return NotSent(reason=f"{reason} before the request was whole")
        case _:
            return outcome
