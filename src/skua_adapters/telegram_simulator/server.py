"""One request to the simulated Bot API from arrival to answer, and its line in the book."""

import asyncio
import logging
import re
import time
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from .faults import FaultAction, FaultMoment, FaultPlan, FaultRule, FaultScope
from .latency import Latency
from .limits import RateLimits
from .methods import BotApi, Result
from .parameters import Parameters, read_parameters
from .receipts import Receipt, ReceiptAnswer, ReceiptUpload, ReceiptWriter
from .refusals import Refusal, too_many_requests
from .world import SimulatedBot, World

_log = logging.getLogger(__name__)
_BAD_GATEWAY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n"
    b"</html>\r\n"
)
_ANSWER_TO_FAULT = {
    FaultAction.DROP: ReceiptAnswer.DROPPED,
    FaultAction.HANG: ReceiptAnswer.HUNG,
    FaultAction.BAD_GATEWAY: ReceiptAnswer.BAD_GATEWAY,
    FaultAction.TOO_MANY_REQUESTS: ReceiptAnswer.REFUSED,
    FaultAction.REFUSE: ReceiptAnswer.REFUSED,
}
_ANSWERED = frozenset({FaultAction.TOO_MANY_REQUESTS, FaultAction.REFUSE})
"""Faults that are answers of the Bot API."""
_BOT_ID = re.compile(r"\d{1,16}(?=:)", re.ASCII)
_SECRET_PARAMETERS = frozenset({"secret_token"})


class _Call(msgspec.Struct):
    """What is known about a request while it's being handled."""

    number: int
    at: float
    monotonic: float
    bot_id: int | None = None
    method: str = ""
    parameters: Parameters = msgspec.field(default_factory=lambda: Parameters({}))
    fault: FaultRule | None = None


class BotApiServer:
    def __init__(
        self,
        *,
        world: World,
        api: BotApi,
        limits: RateLimits,
        faults: FaultPlan,
        latency: Latency,
        receipts: ReceiptWriter,
        largest_upload: int,
    ) -> None:
        self._world = world
        self._api = api
        self._limits = limits
        self._faults = faults
        self._latency = latency
        self._receipts = receipts
        self._largest_upload = largest_upload
        self._encoder = msgspec.json.Encoder()
        self._calls = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._calls += 1
        call = _Call(self._calls, time.time(), time.monotonic())
        try:
            return await self._answer(request, call)
        except Exception:  # noqa: BLE001 - aiohttp would answer without the API's envelope
            # The request's path holds a token, so neither it nor the request is logged.
            _log.exception("The simulator failed while handling %s", call.method or "a request")
            return self._refuse(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error"))

    async def _answer(self, request: web.Request, call: _Call) -> web.StreamResponse:
        result, refusal = None, None
        try:
            bot = await self._read(request, call)
            call.fault = self._faults.choose(
                call.method.lower(), bot.id, call.parameters.chat_number() or None
            )
            if not self._is_lost(call):
                result = await self._api.call(bot, call.method, call.parameters)
                if call.fault is not None and call.fault.action is FaultAction.REFUSE:
                    result, refusal = _only(result, call.fault.parts), _refusal_of(call.fault)
        except Refusal as problem:
            refusal = problem
        latency = self._latency.seconds()
        self._write_down(call, result, refusal, latency)
        if latency:
            await asyncio.sleep(latency)
        fault = call.fault
        if fault is not None and fault.action not in _ANSWERED:
            return await _fail(request, fault)
        return self._refuse(refusal) if refusal else self._succeed(result)

    async def _read(self, request: web.Request, call: _Call) -> SimulatedBot:
        token, method = request.match_info["token"], request.match_info["method"]
        named = _BOT_ID.match(token)
        call.bot_id = int(named[0]) if named else None
        call.method = method
        bot = self._world.bot_of_token(token)
        call.method = self._api.method(method)
        try:
            call.parameters = await read_parameters(request, largest_upload=self._largest_upload)
        except web.HTTPException as problem:
            raise Refusal(problem.status, problem.reason) from problem
        return bot

    def _is_lost(self, call: _Call) -> bool:
        """Raises ``Refusal`` for one on order."""
        fault = call.fault
        if fault is None or call.bot_id is None or fault.when is FaultMoment.AFTER:
            return False
        if fault.action is FaultAction.REFUSE:
            raise _refusal_of(fault)
        if fault.action is not FaultAction.TOO_MANY_REQUESTS:
            return True
        if fault.scope is FaultScope.CHAT:
            self._limits.impose_on_chat(
                call.bot_id, call.parameters.chat_number(), fault.retry_after, now=call.monotonic
            )
        else:
            self._limits.impose_on_token(call.bot_id, fault.retry_after, now=call.monotonic)
        raise too_many_requests(fault.retry_after, fault.scope)

    def _write_down(
        self, call: _Call, result: Result | None, refusal: Refusal | None, latency: float
    ) -> None:
        body = dict(call.parameters.raw)
        chat_name, text = body.pop("chat_id", None), body.pop("text", None)
        caption = body.pop("caption", None)
        sent = result.sent if result else None
        self._receipts.write(
            Receipt(
                number=call.number,
                at=call.at,
                monotonic=call.monotonic,
                bot_id=call.bot_id,
                method=call.method,
                accepted=result is not None,
                answer=_answer_of(call.fault, refusal),
                chat_id=call.parameters.chat_number() or _to_text(chat_name),
                text=_to_text(text),
                caption=_to_text(caption),
                parameters={
                    name: "***" if name in _SECRET_PARAMETERS else value
                    for name, value in body.items()
                },
                message_id=sent.message_ids[0] if sent else None,
                message_ids=sent.message_ids if sent else (),
                media=sent.media if sent else (),
                uploads=_uploads(call.parameters) if call.parameters.uploads else (),
                paid=call.parameters.flag("allow_paid_broadcast"),
                stars=sent.stars if sent else 0.0,
                error_code=refusal.error_code if refusal else None,
                description=refusal.description if refusal else None,
                retry_after=refusal.retry_after if refusal else None,
                limit=refusal.limit if refusal else None,
                latency=latency,
            )
        )

    def _succeed(self, result: Result | None) -> web.Response:
        body: dict[str, Any] = {"ok": True, "result": result.value if result else None}
        if result and result.description:
            body["description"] = result.description
        return web.Response(body=self._encoder.encode(body), content_type="application/json")

    def _refuse(self, refusal: Refusal) -> web.Response:
        body: dict[str, Any] = {
            "ok": False,
            "error_code": refusal.error_code,
            "description": refusal.description,
        }
        if refusal.parameters:
            body["parameters"] = refusal.parameters
        headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None
        return web.Response(
            status=refusal.error_code,
            body=self._encoder.encode(body),
            content_type="application/json",
            headers=headers,
        )


async def _fail(request: web.Request, fault: FaultRule) -> web.StreamResponse:
    if fault.action is FaultAction.BAD_GATEWAY:
        body = _BAD_GATEWAY_PAGE if fault.body else b""
        return web.Response(status=HTTPStatus.BAD_GATEWAY, body=body, content_type="text/html")
    if fault.action is FaultAction.HANG:
        await asyncio.sleep(fault.seconds)
    if request.transport is not None:
        request.transport.close()
    # Nothing of this can be written any more: the connection is closed.
    return web.Response(status=HTTPStatus.BAD_GATEWAY)


def _refusal_of(fault: FaultRule) -> Refusal:
    if fault.error_code != HTTPStatus.TOO_MANY_REQUESTS:
        return Refusal(fault.error_code, fault.description)
    refusal = too_many_requests(fault.retry_after, fault.scope)
    refusal.description = fault.description or refusal.description
    return refusal


def _only(result: Result, parts: int | None) -> Result:
    """The first ``parts`` messages of what was sent."""
    if result.sent is None or parts is None:
        return result
    arrived: dict[str, Any] = {
        "message_ids": result.sent.message_ids[:parts],
        "media": result.sent.media[:parts],
    }
    return Result(result.value, sent=msgspec.structs.replace(result.sent, **arrived))


def _answer_of(fault: FaultRule | None, refusal: Refusal | None) -> ReceiptAnswer:
    if fault is not None:
        return _ANSWER_TO_FAULT[fault.action]
    return ReceiptAnswer.REFUSED if refusal else ReceiptAnswer.OK


def _uploads(parameters: Parameters) -> tuple[ReceiptUpload, ...]:
    return tuple(
        ReceiptUpload(name=name, digest=upload.digest, size=upload.size, file_name=upload.file_name)
        for name, upload in parameters.uploads.items()
    )


def _to_text(value: object) -> str | None:
    return None if value is None else str(value)
