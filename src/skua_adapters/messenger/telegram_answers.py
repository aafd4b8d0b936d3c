"""What Telegram's answer to one send means: pure functions over status and body.

Neither code nor description alone says it: the Bot API server rewrites 404 to 400 and a 403 whose
text is UPPER_SNAKE to 400 (``Client::fail_query_with_error`` in tdlib/telegram-bot-api).
"""

import re
from http import HTTPStatus
from typing import Annotated

import msgspec

from skua_adapters.messenger.telegram_refusals import blame_for, reach_of
from skua_core.ids import ChatId
from skua_core.ports.messenger import (
    Blame,
    Migrated,
    Refused,
    SendOutcome,
    Sent,
    Throttled,
    Unauthorized,
    Unknown,
    Unreachable,
)

_DEFAULT_RETRY_AFTER = 1.0
"""Seconds, when a 429 names no time."""

_LONGEST_RETRY_AFTER = 366 * 86_400.0
"""More than a year is no time that could be added to a date; hours are known to happen."""

_RETRY_AFTER = re.compile(r"retry after (\d{1,9})", re.IGNORECASE | re.ASCII)


class SentMessage(msgspec.Struct, frozen=True, gc=False):
    message_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class _Accepted(msgspec.Struct, frozen=True, gc=False):
    ok: bool
    result: SentMessage


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None
    migrate_to_chat_id: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None = None


class _Refusal(msgspec.Struct, frozen=True):
    ok: bool
    description: str = ""
    parameters: _Parameters = _Parameters()


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a body may raise."""

_decode_accepted = msgspec.json.Decoder(_Accepted).decode
_decode_refusal = msgspec.json.Decoder(_Refusal).decode


def classify(status: int, body: bytes) -> SendOutcome:
    """Say what is known about a message after this answer.

    Whatever isn't Telegram's own answer (a proxy's page, a redirect, half a body) says nothing
    about the message, and a 5xx may come after it was accepted: both are ``Unknown``.

    404 means that the token or the method isn't known. It counts as ``Unauthorized``: nobody got
    the message, and the next one would fare no better, so the lane must stop rather than fail
    everybody.
    """
    if status == HTTPStatus.OK:
        return _accepted(body)
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unknown(reason=f"answered {status}", answered=True)
    try:
        refusal = _decode_refusal(body)
    except UNREADABLE:
        return _not_from_telegram(status)
    if refusal.ok:
        return _not_from_telegram(status)
    return _refused(status, refusal)


def _accepted(body: bytes) -> SendOutcome:
    try:
        answer = _decode_accepted(body)
    except UNREADABLE:
        return _not_from_telegram(HTTPStatus.OK)
    if not answer.ok:
        return _not_from_telegram(HTTPStatus.OK)
    return Sent(message_id=answer.result.message_id)


def _not_from_telegram(status: int) -> SendOutcome:
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        # Whoever says so hasn't passed it on, be it Telegram or what stands before it.
        return Refused(description=HTTPStatus(status).phrase, blame=Blame.MEDIUM)
    return Unknown(reason=f"answered {status:d} with a body that isn't Telegram's", answered=True)


def _refused(status: int, refusal: _Refusal) -> SendOutcome:
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(retry_after=_retry_after(refusal))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            return Unauthorized()
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN:
            return _refused_chat_or_content(refusal)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Refused(description=refusal.description, blame=Blame.MEDIUM)
        case _:
            return Refused(description=refusal.description, blame=Blame.OTHER)


def _refused_chat_or_content(refusal: _Refusal) -> SendOutcome:
    if refusal.parameters.migrate_to_chat_id is not None:
        return Migrated(new_chat_id=ChatId(refusal.parameters.migrate_to_chat_id))
    words = refusal.description.casefold()
    reach = reach_of(words)
    if reach is not None:
        return Unreachable(reach=reach, description=refusal.description)
    return Refused(description=refusal.description, blame=blame_for(words))


def _retry_after(refusal: _Refusal) -> float:
    seconds = refusal.parameters.retry_after
    if seconds is None and (found := _RETRY_AFTER.search(refusal.description)):
        seconds = float(found[1])
    if seconds is None or seconds <= 0:
        return _DEFAULT_RETRY_AFTER
    return min(seconds, _LONGEST_RETRY_AFTER)
