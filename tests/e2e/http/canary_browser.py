"""A browser that remembers every answer, for the search."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from skua_http.cookies import DEVICE_COOKIE, SESSION_COOKIE
from tests.e2e.http.canaries import Canaries, Kind, Place

PATIENCE = 30.0
BROKEN_OFF = 0
"""In place of a status: the server answered a huge body before it was sent, and hung up."""
Body = Mapping[str, object] | bytes | None


@dataclass(frozen=True)
class Answer:
    place: str
    status: int
    content: bytes

    def __getitem__(self, name: str) -> Any:
        return json.loads(self.content)[name]


@dataclass
class Record:
    """All answers of all browsers."""

    canaries: Canaries
    places: list[Place] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def add(self, what: str, response: httpx.Response) -> Answer:
        place = f"answer {len(self.places) + 1}: {what} {response.status_code}"
        head = b"".join(b"%s: %s\r\n" % line for line in response.headers.raw)
        self.places.append(Place(Kind.ANSWER, place, head + response.content))
        self.statuses.add(response.status_code)
        return Answer(place, response.status_code, response.content)

    def add_raw(self, what: str, received: bytes) -> None:
        self.places.append(Place(Kind.ANSWER, f"answer {len(self.places) + 1}: {what}", received))
        status = re.match(rb"HTTP/1\.[01] ([0-9]{3})", received)
        if status is not None:
            self.statuses.add(int(status[1]))


class Browser:
    """One person's, at an address of its own, as a trusted proxy tells."""

    def __init__(self, record: Record, url: str, ip: str, agent: str) -> None:
        self._record, self._canaries = record, record.canaries
        own = {"X-Forwarded-For": ip, "User-Agent": agent, "Sec-Fetch-Site": "same-origin"}
        # A connection for each request: a kept one may be closed just as it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(base_url=url, headers=own, timeout=PATIENCE, limits=limits)
        self.cookies: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        expect: int | set[int],
        shows: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """``shows`` names personal things that the answer is there to tell."""
        sent = dict(headers or {})
        if self.cookies and "Authorization" not in sent:
            # By hand: to httpx a Secure cookie is for https alone, to browsers for 127.0.0.1 too.
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            sent.setdefault("Cookie", "; ".join(pairs))
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        coded = [(name.encode(), value.encode()) for name, value in sent.items()]
        allowed = {expect} if isinstance(expect, int) else expect
        try:
            response = await self._client.request(method, path, content=content, headers=coded)
        except httpx.NetworkError:
            assert BROKEN_OFF in allowed
            return Answer("", BROKEN_OFF, b"")
        answer = self._record.add(f"{method} {path[:40]}", response)
        assert response.status_code in allowed, (answer, response.text)
        self._canaries.tell(answer.place, *shows)
        self._keep_cookies(answer, response)
        return answer

    async def get(self, path: str, *, expect: int = 200, shows: tuple[str, ...] = ()) -> Answer:
        return await self.call("GET", path, expect=expect, shows=shows)

    async def post(
        self,
        path: str,
        body: Body = None,
        *,
        expect: int | set[int] = 204,
        shows: tuple[str, ...] = (),
    ) -> Answer:
        return await self.call("POST", path, body, expect=expect, shows=shows)

    def _keep_cookies(self, answer: Answer, response: httpx.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if not value.strip('"'):
                self.cookies.pop(name, None)
                continue
            self.cookies[name] = value
            if name == SESSION_COOKIE:
                _, claims, signature = value.split(".")
                sid = json.loads(urlsafe_b64decode(claims + "=="))["sid"]
                self._canaries.secret("session's signature", signature, answer.place)
                self._canaries.secret("sid", sid, answer.place)
            else:
                assert name == DEVICE_COOKIE
                self._canaries.secret("device token", value, answer.place)
