"""What Telegram's answer to a management call means."""

from http import HTTPStatus
from typing import Any, Generic, TypeVar

import msgspec

from skua_core.errors import TelegramUnavailable, TokenRefused

_LONGEST_RETRY_AFTER = 366 * 86_400.0
"""Seconds. More than a year is no time that could be added to a date."""

Result = TypeVar("Result")


class Refusal(msgspec.Struct, frozen=True):
    """Telegram understood the call and said no."""

    status: int
    description: str


class _Accepted(msgspec.Struct, Generic[Result], frozen=True):
    ok: bool
    result: Result


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None


class _Rejected(msgspec.Struct, frozen=True):
    ok: bool
    description: str = ""
    parameters: _Parameters = _Parameters()


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_answer(status: int, body: bytes, result: type[Result]) -> Result | Refusal:
    """Raises ``TokenRefused``, and ``TelegramUnavailable`` for what isn't Telegram's answer.

    A 404 means that the token or the method isn't known, and our methods exist.
    """
    if status == HTTPStatus.OK:
        return _read_result(body, result)
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TelegramUnavailable(f"it answered {status}")
    rejected = _decode(status, body, _Rejected)
    if rejected.ok:
        raise _not_from_telegram(status)
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            raise TokenRefused
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise TelegramUnavailable(
                "it asks for patience", retry_after=_retry_after(rejected.parameters)
            )
        case _:
            return Refusal(status, rejected.description)


def _read_result(body: bytes, result: type[Result]) -> Result:
    shape: Any = _Accepted
    answer: _Accepted[Result] = _decode(HTTPStatus.OK, body, shape[result])
    if not answer.ok:
        raise _not_from_telegram(HTTPStatus.OK)
    return answer.result


def _decode(status: int, body: bytes, shape: type[Result]) -> Result:
    try:
        return msgspec.json.decode(body, type=shape)
    except _UNREADABLE:
        raise _not_from_telegram(status) from None


def _not_from_telegram(status: int) -> TelegramUnavailable:
    return TelegramUnavailable(f"it answered {status:d} with a body that isn't Telegram's")


def _retry_after(parameters: _Parameters) -> float | None:
    seconds = parameters.retry_after
    return None if seconds is None or seconds <= 0 else min(seconds, _LONGEST_RETRY_AFTER)
