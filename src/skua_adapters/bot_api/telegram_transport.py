"""Keeps the bot token out of httpx: only what leaves this transport has it in its address.

httpx logs addresses, and its exceptions hold them. Everything above the transport knows
``https://telegram.internal/<bot id>/<method>``; the token travels beside it, as a ``BotToken``,
which has no text form.
"""

import httpx

from skua_core.domain.secret import BotToken

TOKEN = "skua.token"  # noqa: S105 - the name of the request extension that carries one
LONGEST_ANSWER = 16 * 1024 * 1024
"""Bytes. getUpdates answers a hundred updates, each up to some 100 kB."""


class AnswerTooLong(httpx.ReadError):
    pass


def internal_url(token: BotToken, method: str) -> str:
    return f"https://telegram.internal/{token.telegram_id}/{method}"


class TelegramTransport(httpx.AsyncBaseTransport):
    def __init__(self, api_base: str) -> None:
        self._base = httpx.URL(api_base)
        self._base_path = self._base.path.rstrip("/")
        # A poll holds its connection, and no bot is to wait for another's.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._inner = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._inner.handle_async_request(self._real(request))

    def _real(self, request: httpx.Request) -> httpx.Request:
        extensions = dict(request.extensions)
        token: BotToken = extensions.pop(TOKEN)
        method = request.url.path.rpartition("/")[2]
        url = self._base.copy_with(path=f"{self._base_path}/bot{token.reveal()}/{method}")
        headers = request.headers.copy()
        headers["Host"] = url.netloc.decode("ascii")
        return httpx.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


async def read_limited(response: httpx.Response) -> bytes:
    """Raises ``AnswerTooLong``. Reads no compressed body, so that no small one grows."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            raise AnswerTooLong("the answer is too long")
    return bytes(body)
