"""What Telegram's answer to one send means: a pure function over status and body.

Neither code nor description alone says it: the Bot API server rewrites 404 to 400 and a 403 whose
text is UPPER_SNAKE to 400 (``Client::fail_query_with_error`` in tdlib/telegram-bot-api). The
phrases are those of that server, and TDLib's constants where it passes them through.
"""

import re
from http import HTTPStatus
from typing import Annotated

import msgspec

from skua_core.domain.subscriber import Reach
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

_REACH_BY_PHRASE: tuple[tuple[str, Reach], ...] = (
    ("bot was blocked by the user", Reach.BLOCKED),
    ("user_is_blocked", Reach.BLOCKED),
    ("user is deactivated", Reach.DEACTIVATED),
    ("input_user_deactivated", Reach.DEACTIVATED),
    ("bot was kicked from", Reach.BLOCKED),
    ("bot is not a member of", Reach.BLOCKED),
    ("group chat was deleted", Reach.BLOCKED),
    ("channel_private", Reach.BLOCKED),
    # A bad import: never pressed Start, or is a bot.
    ("can't initiate conversation", Reach.INVALID),
    ("can't send messages to bots", Reach.INVALID),
    ("user_is_bot", Reach.INVALID),
    ("chat not found", Reach.INVALID),
    ("user not found", Reach.INVALID),
    ("chat_id is empty", Reach.INVALID),
    ("chat_id_invalid", Reach.INVALID),
    ("peer_id_invalid", Reach.INVALID),
)

_CONTENT_PHRASES = (
    "can't parse",
    "unsupported parse_mode",
    "message is too long",
    "text is too long",
    "caption is too long",
    "message text is empty",
    "text must be non-empty",
    "must be encoded in utf-8",
    "message_empty",
    "message_too_long",
    "entity_",
    "entities_too_long",
    "button_",
    "keyboard button",
    "inline keyboard",
    "reply markup",
    "reply_markup",
    "wrong file identifier",
    "wrong remote file",
    "wrong type of the web page content",
    "wrong http url",
    "failed to get http url content",
    "webpage_",
    "media_",
    "photo_invalid",
    "image_process_failed",
)


class _Message(msgspec.Struct, frozen=True, gc=False):
    message_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class _Accepted(msgspec.Struct, frozen=True, gc=False):
    ok: bool
    result: _Message


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None
    migrate_to_chat_id: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None = None


class _Refusal(msgspec.Struct, frozen=True):
    ok: bool
    description: str = ""
    parameters: _Parameters = _Parameters()


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
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
    except _UNREADABLE:
        return _not_from_telegram(status)
    if refusal.ok:
        return _not_from_telegram(status)
    return _refused(status, refusal)


def _accepted(body: bytes) -> SendOutcome:
    try:
        answer = _decode_accepted(body)
    except _UNREADABLE:
        return _not_from_telegram(HTTPStatus.OK)
    if not answer.ok:
        return _not_from_telegram(HTTPStatus.OK)
    return Sent(message_id=answer.result.message_id)


def _not_from_telegram(status: int) -> Unknown:
    return Unknown(reason=f"answered {status:d} with a body that isn't Telegram's", answered=True)


def _refused(status: int, refusal: _Refusal) -> SendOutcome:
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(retry_after=_retry_after(refusal))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            return Unauthorized()
        case HTTPStatus.BAD_REQUEST | HTTPStatus.FORBIDDEN:
            return _refused_chat_or_content(refusal)
        case _:
            return Refused(description=refusal.description, blame=Blame.OTHER)


def _refused_chat_or_content(refusal: _Refusal) -> SendOutcome:
    if refusal.parameters.migrate_to_chat_id is not None:
        return Migrated(new_chat_id=ChatId(refusal.parameters.migrate_to_chat_id))
    words = refusal.description.casefold()
    for phrase, reach in _REACH_BY_PHRASE:
        if phrase in words:
            return Unreachable(reach=reach, description=refusal.description)
    content = any(phrase in words for phrase in _CONTENT_PHRASES)
    blame = Blame.CONTENT if content else Blame.OTHER
    return Refused(description=refusal.description, blame=blame)


def _retry_after(refusal: _Refusal) -> float:
    seconds = refusal.parameters.retry_after
    if seconds is None and (found := _RETRY_AFTER.search(refusal.description)):
        seconds = float(found[1])
    if seconds is None or seconds <= 0:
        return _DEFAULT_RETRY_AFTER
    return min(seconds, _LONGEST_RETRY_AFTER)
