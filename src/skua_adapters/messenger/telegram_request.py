"""Keeps the bot token out of aiohttp: only the writing of the request line gets to see it.

A Bot API address holds the token. aiohttp shows addresses in exceptions, reprs and traces, and yarl
keeps parsed ones in caches of the process. So the session is asked for an address without a token,
and the real one stands in its place while ``send`` writes.
"""

from aiohttp import BytesPayload, ClientRequest, ClientResponse, RequestInfo
from aiohttp.connector import Connection
from yarl import URL


class TelegramCall(BytesPayload):
    """The body of a call, and the path that it is written to."""

    def __init__(self, body: bytes, path: str) -> None:
        super().__init__(body, content_type="application/json")
        self.path = path


class TelegramRequest(ClientRequest):
    async def send(self, conn: Connection) -> ClientResponse:
        public = self.url
        if isinstance(self.body, TelegramCall):
            self.url = _with_path(public, self.body.path)
        try:
            return await super().send(conn)
        finally:
            self.url = public

    @property
    def request_info(self) -> RequestInfo:
        """What errors show."""
        return super().request_info._replace(url=self.original_url)


def _with_path(url: URL, path: str) -> URL:
    # Of yarl's ways to make a URL only this one (build, not encoded) isn't cached.
    return URL.build(scheme=url.scheme, host=url.host or "", port=url.port, path=path)
