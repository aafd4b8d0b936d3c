"""Nobody holds a place for ever by never saying all that they came to say."""

import asyncio
from http import HTTPStatus

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send

PATIENCE = 30.0
"""Seconds for the body of a request to arrive whole, from the moment it is asked for."""


class SlowBodies:
    """Whoever reads a body that doesn't arrive in time gets HTTPException (408)."""

    def __init__(self, app: ASGIApp, *, patience: float = PATIENCE) -> None:
        self._app = app
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        deadline: float | None = None
        whole = False

        async def receive_in_time() -> HTTPReceiveMessage:
            nonlocal deadline, whole
            if whole:
                # What may come now is that the other side goes, for which one may wait long.
                return await receive()  # type: ignore[return-value] # a request's messages
            deadline = deadline or loop.time() + self._patience
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    detail="The body took too long to arrive",
                    status_code=HTTPStatus.REQUEST_TIMEOUT,
                ) from None
            whole = not message.get("more_body", False)
            return message  # type: ignore[return-value] # as above

        await self._app(scope, receive_in_time, send)
