"""The address that Telegram calls with a bot's updates."""

import asyncio
import re
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from dishka import FromDishka
from litestar import MediaType, Request, post
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse

from skua_core.domain.limits import Limits, Permit, network_of
from skua_core.domain.secret import Secret, WebhookSecret
from skua_core.errors import BotForbidden, WebhookForbidden
from skua_core.ports.rate_limiter import RateLimiter
from skua_core.use_cases.accounts.throttle import take
from skua_core.use_cases.intake import (
    AuthenticateWebhook,
    AuthenticateWebhookQuery,
    ReceiveUpdate,
    ReceiveUpdateCommand,
)
from skua_core.use_cases.webhooks import WEBHOOK_PATH
from skua_http.client_address import client_address_of
from skua_http.injection import inject
from skua_http.webhooks.intake_gate import IntakeGate

BODY_LIMIT = 1_000_000
"""Bytes; no update of Telegram's comes near it."""
BODY_PATIENCE = 5.0
"""Seconds for an update to arrive whole. Until then it keeps others out of the gate."""

_SECRET_HEADER = b"x-telegram-bot-api-secret-token"
# What setWebhook takes for a secret; the other two are Skua's own base64url.
_SECRET = re.compile(rb"[A-Za-z0-9_-]{1,256}")
_ADDRESS = re.compile(
    re.escape(WEBHOOK_PATH.encode()) + rb"/([A-Za-z0-9_-]{1,64})/([A-Za-z0-9_-]{1,64})"
)
_ACKNOWLEDGED = ASGIResponse(media_type=MediaType.TEXT, status_code=HTTPStatus.OK)


class CallbackAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that Telegram takes from the answer to its webhook; its result nobody learns."""

    method: Literal["answerCallbackQuery"]
    callback_query_id: str
    text: str | None = None
    show_alert: bool = False


# Every path below the prefix comes here, so that a malformed one is refused like any other.
@post(
    [WEBHOOK_PATH, f"{WEBHOOK_PATH}/{{address:path}}"],
    status_code=HTTPStatus.OK,
    include_in_schema=False,
    request_max_body_size=BODY_LIMIT,
)
@inject
async def receive_telegram_update(
    request: Request[Any, Any, Any],
    *,
    gate: FromDishka[IntakeGate],
    authenticate: FromDishka[AuthenticateWebhook],
    receive: FromDishka[ReceiveUpdate],
    limiter: FromDishka[RateLimiter],
    limits: FromDishka[Limits],
) -> ASGIResponse:
    query = _read_credentials(request)
    with gate:
        try:
            bot_id = await authenticate(query)
        except WebhookForbidden:
            # Counted only now: Telegram brings a bot more than this at once, all from one address.
            # And by bot: whoever points one of their own at us comes from Telegram's addresses too.
            caller = network_of(client_address_of(request.scope))
            await take(limiter, Permit(limits.webhook_bad_secret, f"{caller}|{query.public_id}"))
            raise
        # Only now, so that nobody but Telegram can make Skua hold a body.
        raw = await _read_body(request)
        try:
            received = await receive(ReceiveUpdateCommand(bot_id=bot_id, raw=raw))
        except BotForbidden:
            # Removed since it was authenticated; like a bot that never was.
            raise WebhookForbidden from None
    reply = received.callback
    if reply is None:
        return _ACKNOWLEDGED
    answer = CallbackAnswer(
        method="answerCallbackQuery",
        callback_query_id=reply.callback_id,
        text=reply.text,
        show_alert=reply.alert,
    )
    return ASGIResponse(body=msgspec.json.encode(answer), status_code=HTTPStatus.OK)


def _read_credentials(request: Request[Any, Any, Any]) -> AuthenticateWebhookQuery:
    """Raises WebhookForbidden for what can't be right, whatever bot it is for."""
    # The raw path: in the decoded one an encoded slash is like any other.
    address = _ADDRESS.fullmatch(request.scope["raw_path"])
    secrets = [value for name, value in request.scope["headers"] if name == _SECRET_HEADER]
    if address is None or len(secrets) != 1 or _SECRET.fullmatch(secrets[0]) is None:
        raise WebhookForbidden
    public_id, tag = address.groups()
    return AuthenticateWebhookQuery(
        public_id=public_id.decode(),
        tag=Secret(tag.decode()),
        secret=WebhookSecret(secrets[0].decode()),
    )


async def _read_body(request: Request[Any, Any, Any]) -> bytes:
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            return await request.body()
    except TimeoutError:
        raise HTTPException(
            detail="The update took too long to arrive", status_code=HTTPStatus.REQUEST_TIMEOUT
        ) from None
